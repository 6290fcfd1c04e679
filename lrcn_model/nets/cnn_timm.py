"""Any net of timm as a CNN, such as `--cnn timm:efficientnet_b0.ra_in1k`."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.library_cnn import LibraryCnn, import_library
from lrcn_model.nets.net_config import NetConfig


def build(name: str, config: NetConfig) -> LibraryCnn:
    """Build the net of a name of timm's, without a classifier.

    Raises:
        UsageError: timm can't be imported or has no such net, the frames don't fit it, or the
            config gives it values of its own.
    """
    timm = import_library("timm", config)
    channels = config.channels

    def create(*, pretrained: bool) -> Any:
        return timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=channels)

    try:
        model = create(pretrained=False)
    except RuntimeError as error:
        raise UsageError(
            f"--cnn {config.cnn.name}: {error}; timm.list_models() has the names"
        ) from error
    values = timm.data.resolve_model_data_config(model)
    expects = Expects(mean=_each(values["mean"], channels), std=_each(values["std"], channels))

    def pretrained() -> dict[str, Tensor]:
        weights: dict[str, Tensor] = create(pretrained=True).state_dict()
        return weights

    return LibraryCnn(config, model, expects=expects, pretrained=pretrained)


def _each(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """A value for each channel: the colours' own, or their mean where there are others."""
    return values if len(values) == channels else (sum(values) / len(values),) * channels
