"""Beginning a training with another run's weights (--init)."""

from __future__ import annotations

import os

import torch

from lrcn_data.errors import UsageError
from lrcn_model.nets.net import LRCN
from lrcn_model.processor import choose_processor
from lrcn_model.scoring.trained_run import load_run

_CLASSIFIER = "classifier."


def begin_with(net: LRCN, run: str | os.PathLike[str]) -> bool:
    """Take over the weights of another run.

    Args:
        net: The net that is to be trained; changed in place.
        run: The path or URL of the other run's folder, or of its weights.safetensors.

    Returns:
        Whether the classifier was taken over too, which it is not where the numbers of classes
        differ.

    Raises:
        UsageError: There is no run, its net is of another kind, or a plug-in in it is not in the
            net to train.
        LrcnError: The weights are damaged.
    """
    plugins = (net.config.cnn.name, net.config.head.name)
    there = load_run(run, choose_processor("cpu", "off"), plugins).net
    one, other = there.config, net.config
    by_lstm = one.lstm_hidden is not None and other.lstm_hidden is not None
    for name in ("cnn", "size", "lstm_hidden" if by_lstm else "head"):
        if getattr(one, name) != getattr(other, name):
            flag = "--" + name.replace("_", "-")
            raise UsageError(
                f"--init {run} has {flag} {getattr(one, name)}, this training"
                f" {getattr(other, name)}; they must be the same"
            )
    if one.channels != other.channels:
        raise UsageError(
            f"--init {run} takes frames of {one.channels} channels, this training of"
            f" {other.channels}; name a run that was trained on frames of the same kind"
        )
    whole = one.classes == other.classes
    tensors = {
        name: value
        for name, value in there.state_dict().items()
        if whole or not name.startswith(_CLASSIFIER)
    }
    with torch.no_grad():
        net.load_state_dict(tensors, strict=whole)
    return whole
