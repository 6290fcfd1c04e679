"""The ways in which a data set is labelled: a class a clip, a set of classes a clip, or in time.

What is minimized, measured and said of a video follows from it; it is the data set's, and no option
of a training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor

from lrcn_model.detection.detection_result import DetectionResult
from lrcn_model.figures.json_figures import with_nan, without_nan
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.loss import ClipLosses, clip_losses, losses_in_time
from lrcn_model.scoring.scorer import Result, Scorer, VideoScores
from lrcn_model.scoring.set_loss import set_losses
from lrcn_model.scoring.set_scorer import SetResult, SetScorer, SetVideoScores
from lrcn_model.scoring.time_scorer import TimeScorer
from lrcn_model.scoring.video_vote import SET_VOTES, VOTES, Vote

AnyScorer = Scorer | SetScorer
AnyResult = Result | SetResult
AnyVideoScores = VideoScores | SetVideoScores
"""What there is of clips that are labelled as a whole."""

TrainingScorer = AnyScorer | TimeScorer
TrainingResult = AnyResult | DetectionResult

ScorerType = TypeVar("ScorerType", bound=TrainingScorer, covariant=True)


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
class LabelKind(Generic[ScorerType]):
    """What follows from how clips are labelled.

    Attributes:
        losses: Given the scores before any softmax or sigmoid, (clips, frames, classes), the batch
            that was scored, the values of the training, and how much each class counts: the losses.
        scorer: Makes what adds scores up to figures, given the number of classes and --average.
        votes: The kinds of votes by name.
    """

    losses: Callable[[Tensor, ClipBatch, LossOptions, Tensor | None], ClipLosses]
    scorer: Callable[[int, str], ScorerType]
    votes: Mapping[str, Vote]


_ONE_CLASS: LabelKind[AnyScorer] = LabelKind(
    losses=lambda scores_BTC, batch, options, weights_C: clip_losses(
        scores_BTC,
        batch.frame_labels,
        batch.labels,
        batch.num_valid,
        smoothing=options.label_smoothing,
        at=options.loss_at,
        average=options.average,
        class_weights_C=weights_C,
    ),
    scorer=Scorer,
    votes=VOTES,
)

_CLASS_SETS: LabelKind[AnyScorer] = LabelKind(
    losses=lambda scores_BTC, batch, options, weights_C: set_losses(
        scores_BTC, batch.labels, batch.num_valid, smoothing=options.label_smoothing
    ),
    scorer=SetScorer,
    votes=SET_VOTES,
)


def _in_time(smooth: int) -> LabelKind[TimeScorer]:
    return LabelKind(
        losses=lambda scores_BTC, batch, options, weights_C: losses_in_time(
            scores_BTC,
            batch.frame_labels,
            smoothing=options.label_smoothing,
            at=options.loss_at,
            class_weights_C=weights_C,
        ),
        scorer=lambda classes, average: TimeScorer(smooth),
        votes=VOTES,
    )


def label_kind(*, multi_label: bool) -> LabelKind[AnyScorer]:
    """How clips with labels as a whole are labelled, by whether a clip has a set of classes."""
    return _CLASS_SETS if multi_label else _ONE_CLASS


def training_kind(
    *, multi_label: bool, labels_in_time: bool, smooth: int = 1
) -> LabelKind[TrainingScorer]:
    """How the clips of a training are labelled.

    Args:
        multi_label: Whether a clip has a set of classes.
        labels_in_time: Whether frames have classes of their own.
        smooth: The number of frames that probabilities are averaged over, where they have.
    """
    return _in_time(smooth) if labels_in_time else label_kind(multi_label=multi_label)


def over_all_processes(part: Part, ranks: Ranks) -> Part:
    """A scorer, in each of several processes, with what all of them together have added up."""
    parts: list[Part] = ranks.gather(part)
    for other in parts[1:]:
        parts[0].merge(other)
    return parts[0]


def json_result(result: TrainingResult) -> dict[str, Any]:
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
