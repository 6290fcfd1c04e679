"""Any classifier of torchvision as a CNN, such as `--cnn torchvision:resnet18`."""

from __future__ import annotations

from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.library_cnn import IMAGENET, LibraryCnn, import_library
from lrcn_model.nets.net_config import NetConfig


def build(name: str, config: NetConfig) -> LibraryCnn:
    """Build the classifier of a name of torchvision's, without its last layer.

    Raises:
        UsageError: torchvision can't be imported or has no such classifier, the frames don't fit
            it, or the config gives it values of its own.
    """
    models = import_library("torchvision.models", config)
    try:
        model: nn.Module = models.get_model(name, weights=None)
    except ValueError as error:
        raise UsageError(
            f"--cnn {config.cnn.name}: {error}; torchvision.models.list_models() has the names"
        ) from error
    removed = _remove_classifier(model, config.cnn.name)

    def pretrained() -> dict[str, Tensor]:
        weights: dict[str, Tensor] = models.get_model(name, weights="DEFAULT").state_dict()
        return {key: value for key, value in weights.items() if not key.startswith(f"{removed}.")}

    return LibraryCnn(config, model, expects=IMAGENET, pretrained=pretrained)


def _remove_classifier(model: nn.Module, name: str) -> str:
    """Make the last linear layer do nothing, and give its name."""
    linear = [part for part, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise UsageError(f"--cnn {name} is no classifier: it has no linear layer; name another")
    parent, _, last = linear[-1].rpartition(".")
    setattr(model.get_submodule(parent), last, nn.Identity())
    name_of_last: str = linear[-1]
    return name_of_last
