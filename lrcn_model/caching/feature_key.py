"""What a CNN's features depend on, besides the clips: the key under which they are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lrcn_model.nets.frame_differences import FRAMES
from lrcn_model.nets.net import LRCN
from lrcn_model.processor import Processor
from lrcn_model.reading.augmentation import Augmentation
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.tensor_file import digest_of

_VERSION = 1
"""Changed when the same values come to mean other features."""

_STEP_COUNTS = "num_batches_tracked"
"""What batch normalization counts and, with a momentum of its own, never uses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedView:
    """One of a few fixed views of each clip, which epochs take in turn.

    Attributes:
        number: The number of the view, from 1; view 0 is the clip as it is stored.
        augmentation: How far clips are varied.
    """

    number: int
    augmentation: Augmentation


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """All that features depend on, as JSON has it.

    Attributes:
        values: What is told apart: the CNN, its weights, the preprocessing, the precision and the
            software.
    """

    values: dict[str, Any]

    @property
    def digest(self) -> str:
        """The values in 16 hexadecimal digits."""
        text = json.dumps(self.values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def feature_key(
    net: LRCN,
    preprocess: Preprocess,
    processor: Processor,
    view: FixedView | None = None,
    taken: Sequence[int] | None = None,
) -> FeatureKey:
    """The key of the features that a net's CNN makes of clips.

    Args:
        net: The net.
        preprocess: The module that turns stored pixels into what the net sees.
        processor: The processor that the net runs on.
        view: How the clips are changed; None for clips as they are stored.
        taken: The places of the frames that are taken of each clip; None for all.
    """
    config = net.config
    expects = net.expects
    changes = None if view is None else _describe(view)
    # named only where it is another one, so that features that are kept stay known
    seen: dict[str, Any] = {}
    if config.frame_input != FRAMES:
        seen["frame_input"] = config.frame_input
    if taken is not None:
        seen["taken"] = list(taken)
    return FeatureKey(
        {
            "version": _VERSION,
            "cnn": config.cnn.to_json(),
            "weights": _digest(net.cnn),
            "size": list(config.size),
            "channels": config.channels,
            "mean": _digest(preprocess),
            "input": [expects.low, expects.high, expects.std],
            "precision": processor.precision,
            "device": processor.device.type,
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "torch": torch.__version__,
            "view": changes,
            **seen,
        }
    )


def _describe(view: FixedView) -> dict[str, Any]:
    varied = view.augmentation
    return {
        "number": view.number,
        "crop": varied.crop,
        "flip": varied.flip,
        "jitter": varied.jitter,
    }


def _digest(module: nn.Module) -> str:
    """The SHA-256 of a module's weights and buffers, as far as its output depends on them."""
    state = module.state_dict().items()
    return digest_of({name: value for name, value in state if not name.endswith(_STEP_COUNTS)})
