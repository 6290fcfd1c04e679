"""The weights that a training begins with: another run's (--init), a CNN's (--pretrained)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_data.format.recipe import sampling_differences
from lrcn_data.printable import first_few
from lrcn_model.nets.frame_inputs import BOTH, DIFFERENCES
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.trained_run import load_run
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.pretrained import Pretrained, load_pretrained, random_within

_CLASSIFIER = "classifier."
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """The weights that a training begins with.

    Attributes:
        warnings: What is not as one might think, a sentence for each thing.
        pretrained: What became of the weights that --pretrained names; None without it.
    """

    warnings: tuple[str, ...] = ()
    pretrained: Pretrained | None = None


def begin_with(net: LRCN, options: TrainOptions, data: ShardDataset) -> Beginning:
    """Take over the weights that --init or --pretrained names, if one of them is given.

    Args:
        net: The net that is to be trained; changed in place.
        options: All values of the training.
        data: The clips that it is trained on.

    Raises:
        UsageError: There are no such weights, they are of another net, or --freeze would keep what
            was drawn at random.
        LrcnError: The weights are damaged.
    """
    if options.pretrained is not None:
        found = load_pretrained(net.cnn, options.pretrained, net.config.cnn.name)
        if net.config.frame_input == BOTH and found.other_shape:
            raise UsageError(
                f"--frame-input {BOTH} has twice the channels that --pretrained"
                f" {options.pretrained} has weights for; leave one of them out, or take"
                f" --frame-input {DIFFERENCES}"
            )
        for part in options.frozen_modules():
            if random := random_within(found, part):
                raise UsageError(
                    f"--freeze {part} would keep weights as drawn at random, since --pretrained"
                    f" {options.pretrained} lacks {first_few(random, _SHOWN)}; freeze smaller parts"
                )
        return Beginning(warnings=tuple(found.warnings()), pretrained=found)
    if options.init is not None:
        return Beginning(warnings=tuple(_take_over(net, options, options.init, data)))
    return Beginning()


def _take_over(net: LRCN, options: TrainOptions, run: str, data: ShardDataset) -> list[str]:
    """Take over the weights of a run.

    The classifier's weights are taken over for every class that stands in both by its name; those
    of the others stay as they were drawn at random.

    Returns:
        What is to be known about it, a sentence for each thing.

    Raises:
        UsageError: There is no run, its net is of another kind, a plug-in in it is not in the net
            to train, its clips were sampled otherwise, or --freeze would keep what was drawn at
            random.
        LrcnError: The weights are damaged.
    """
    plugins = (net.config.cnn.name, net.config.head.name)
    there = load_run(run, choose_processor("cpu", "off"), plugins)
    _check_net(there.net.config, net.config, run)
    if there.facts.multi_label != data.multi_label:
        one, other = "one label a clip", "several labels a clip"
        has, here = (other, one) if there.facts.multi_label else (one, other)
        raise UsageError(
            f"--init {run} was trained on {has}, the shards to train on have {here}; name a run"
            " that was trained on clips as these"
        )
    sentences = _compare_sampling(data.recipe, there.facts.sampled, options)
    tensors = dict(there.net.state_dict())
    new = [name for name in data.classes if name not in there.facts.classes]
    fresh = first_few([repr(name) for name in new], _SHOWN)
    if new and "classifier" in options.frozen_modules():
        raise UsageError(
            f"--freeze classifier would keep weights as drawn at random: {run} doesn't have"
            f" {fresh}; leave it out"
        )
    if data.classes != there.facts.classes:
        own = net.state_dict()
        for name in [name for name in tensors if name.startswith(_CLASSIFIER)]:
            tensors[name] = _by_class(
                own[name].cpu(), data.classes, tensors[name], there.facts.classes
            )
        kept = len(data.classes) - len(new)
        sentences.append(
            f"{run} has other classes: the classifier keeps the weights of the {kept} that stand in"
            f" both{'; as drawn at random begins ' + fresh if new else ''}"
        )
    with torch.no_grad():
        net.load_state_dict(tensors)
    return sentences


def _check_net(one: NetConfig, other: NetConfig, run: str) -> None:
    """Refuse a net of another kind than the one to train."""
    by_lstm = one.lstm_hidden is not None and other.lstm_hidden is not None
    for name in ("cnn", "size", "frame_input", "lstm_hidden" if by_lstm else "head"):
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


def _compare_sampling(
    now: dict[str, object], before: dict[str, object], options: TrainOptions
) -> list[str]:
    differences = sampling_differences(now, before)
    if not differences:
        return []
    found = f"--init {options.init} was trained on other clips: here {', '.join(differences)}"
    if not options.allow_other_sampling:
        raise UsageError(f"{found}; name a run of clips as these, or give --allow-other-sampling")
    return [found]


def _by_class(
    drawn: Tensor, classes: Sequence[str], trained: Tensor, trained_classes: Sequence[str]
) -> Tensor:
    """A classifier's weights, or its biases, for new classes: trained ones where the name is known.

    Args:
        drawn: The weights as drawn at random, a row a class.
        classes: The class of each row.
        trained: The weights that were trained.
        trained_classes: The class of each of their rows.
    """
    rows = drawn.clone()
    number = {name: row for row, name in enumerate(trained_classes)}
    for row, name in enumerate(classes):
        if name in number:
            rows[row] = trained[number[name]]
    return rows
