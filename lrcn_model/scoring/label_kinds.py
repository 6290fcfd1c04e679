"""The two ways in which a data set's clips are labelled: by one class each, or by a set of classes.

What is minimized, measured and said of a video follows from it; it is the data set's, made with or
without `lrcn-data shard --multi-label`, and no option of a training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from torch import Tensor

from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.loss import ClipLosses, clip_losses
from lrcn_model.scoring.scorer import Result, Scorer, VideoScores
from lrcn_model.scoring.set_loss import set_losses
from lrcn_model.scoring.set_scorer import SetResult, SetScorer, SetVideoScores
from lrcn_model.scoring.video_vote import SET_VOTES, VOTES, Vote

AnyScorer = Scorer | SetScorer
AnyResult = Result | SetResult
AnyVideoScores = VideoScores | SetVideoScores


class Addable(Protocol):
    """What several processes add up, each a part of it."""

    def merge(self, other: Any) -> None:
        """Add what another one has added up."""


Part = TypeVar("Part", bound=Addable)


class LossOptions(Protocol):
    """The values of a training that decide its losses."""

    @property
    def label_smoothing(self) -> float:
        """The share of a label that is spread over all answers."""

    @property
    def loss_at(self) -> str:
        """The place in a clip where the loss is taken."""

    @property
    def average(self) -> str:
        """The name of the kind of vote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelKind:
    """What follows from how clips are labelled.

    Attributes:
        losses: Given the scores before any softmax or sigmoid, (clips, frames, classes), the batch
            that was scored, and the values of the training: the losses.
        scorer: Makes what adds scores up to figures, given the number of classes and --average.
        votes: The kinds of votes by name.
    """

    losses: Callable[[Tensor, ClipBatch, LossOptions], ClipLosses]
    scorer: Callable[[int, str], AnyScorer]
    votes: Mapping[str, Vote]


_ONE_CLASS = LabelKind(
    losses=lambda scores_BTC, batch, options: clip_losses(
        scores_BTC,
        batch.frame_labels,
        batch.labels,
        batch.num_valid,
        smoothing=options.label_smoothing,
        at=options.loss_at,
        average=options.average,
    ),
    scorer=Scorer,
    votes=VOTES,
)

_CLASS_SETS = LabelKind(
    losses=lambda scores_BTC, batch, options: set_losses(
        scores_BTC, batch.labels, batch.num_valid, smoothing=options.label_smoothing
    ),
    scorer=SetScorer,
    votes=SET_VOTES,
)


def label_kind(*, multi_label: bool) -> LabelKind:
    """How the clips of a data set are labelled, by whether a clip has a set of classes."""
    return _CLASS_SETS if multi_label else _ONE_CLASS


def over_all_processes(part: Part, ranks: Ranks) -> Part:
    """A scorer, in each of several processes, with what all of them together have added up."""
    parts: list[Part] = ranks.gather(part)
    for other in parts[1:]:
        parts[0].merge(other)
    return parts[0]


def json_result(result: AnyResult) -> dict[str, Any]:
    """The figures as JSON can hold them: null where nothing was counted, or one says nothing."""
    return {name: without_nan(getattr(result, name)) for name in type(result).__slots__}


def is_of_sets(figures: Mapping[str, Any]) -> bool:
    """Whether figures as JSON has them are of videos with sets of classes."""
    return SetResult.MAIN_FIGURE in figures


def read_result(figures: Mapping[str, Any]) -> AnyResult:
    """Read the figures back from what `json_result` has made of them.

    Raises:
        KeyError: A figure is missing.
    """
    kind = SetResult if is_of_sets(figures) else Result
    # what is null without being able to say nothing is no number
    optional = {f.name for f in fields(kind) if "None" in str(f.type)}
    values = {f.name: figures[f.name] for f in fields(kind)}
    return kind(
        **{name: one if name in optional else with_nan(one) for name, one in values.items()}
    )


def with_nan(value: Any) -> Any:
    """A value, or all values in lists, with nan for None."""
    if isinstance(value, list):
        return [with_nan(one) for one in value]
    return float("nan") if value is None else value


def without_nan(value: Any) -> Any:
    """A value, or all values in lists and objects, with None for a number that is none."""
    if isinstance(value, Mapping):
        return {name: without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    return None if value != value else value
