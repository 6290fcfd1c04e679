"""How a video's class follows from its frames' scores: each frame votes, and votes are averaged.

Training and scoring have options that name a kind of vote (--average); torch need not be there
to know the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """A kind of vote: which frames vote, what of a frame is averaged, and what the average says.

    Attributes:
        voting: Turns which frames are real, bool (clips, frames), into which of them vote.
        of_frames: Turns scores before any softmax, (..., classes), into the votes, of the same
            shape.
        scores: Turns votes or means of some, float64 (..., classes), into scores that have these
            votes, of the same shape.
        probabilities: Turns the mean of votes, (classes,), into probabilities.
    """

    voting: Callable[[Tensor], Tensor]
    of_frames: Callable[[Tensor], Tensor]
    scores: Callable[[Tensor], Tensor]
    probabilities: Callable[[Tensor], Tensor]


_LEAST = 1e-300
"""The least probability whose logarithm is taken, so that this is finite."""


def _themselves(votes: Tensor) -> Tensor:
    return votes


def _all(real_BT: Tensor) -> Tensor:
    return real_BT


def _last(real_BT: Tensor) -> Tensor:
    return real_BT & (real_BT.cumsum(1) == real_BT.sum(1, keepdim=True))


VOTES: Mapping[str, Vote] = {
    # as the paper's code did
    "log-probs": Vote(
        voting=_all,
        of_frames=lambda scores: scores.log_softmax(dim=-1),
        scores=_themselves,
        probabilities=lambda mean: mean.softmax(dim=0),
    ),
    # as Donahue et al. did
    "probs": Vote(
        voting=_all,
        of_frames=lambda scores: scores.log_softmax(dim=-1).exp(),
        scores=lambda votes: votes.clamp(min=_LEAST).log(),
        probabilities=lambda mean: mean,
    ),
    # as suits --loss-at last, with which no other frame is trained
    "last": Vote(
        voting=_last,
        of_frames=lambda scores: scores.log_softmax(dim=-1),
        scores=_themselves,
        probabilities=lambda mean: mean.softmax(dim=0),
    ),
}
"""The kinds of votes by name. The class of a video is the one with the largest mean vote, over all
its clips' real frames that vote."""

SET_VOTES: Mapping[str, Vote] = {
    # the geometric mean of yes and of no, made to add up to 1, as that over all classes above
    "log-probs": Vote(
        voting=_all,
        of_frames=_themselves,
        scores=_themselves,
        probabilities=lambda mean: mean.sigmoid(),
    ),
    "probs": Vote(
        voting=_all,
        of_frames=lambda scores: scores.sigmoid(),
        # a probability of 1 has finite odds as well
        scores=lambda votes: votes.logit(eps=1e-15),
        probabilities=lambda mean: mean,
    ),
    "last": Vote(
        voting=_last,
        of_frames=_themselves,
        scores=_themselves,
        probabilities=lambda mean: mean.sigmoid(),
    ),
}
"""The same where a video has a set of classes, each of which it shows or not: a class's probability
doesn't depend on the others. Averaged are the logarithms of odds (logits), or probabilities."""
