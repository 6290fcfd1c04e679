"""Views of a clip, such as its mirror image, whose scores are averaged (--views).

Views are of pictures, and drawn by nobody: each clip is scored in all of them. Which frames make a
clip, and how many clips a video has, is `lrcn-data shard`'s. torch need not be there to know the
names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrcn_data.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from lrcn_model.reading.augmentation import ClipChange
    from lrcn_model.reading.clip_batch import ClipBatch
    from lrcn_model.scoring.trained_run import TrainedRun
    from lrcn_model.scoring.video_vote import Vote

WHOLE, TEN_CROP = "whole", "ten-crop"

TEN_CROP_CUTS = 0.125
"""The fraction of width and height that Krizhevsky et al. cut away: 224 of 256 pixels are left."""

_MOST_CUT = 0.95
"""As `--crop` of a training has it."""


def _whole(crop: float) -> list[ClipChange | None]:
    """The clip as it is."""
    return [None]


def _flip(crop: float) -> list[ClipChange | None]:
    """The clip and its mirror image."""
    from lrcn_model.reading.augmentation import ClipChange

    return [None, ClipChange(flip=True)]


def _ten_crop(crop: float) -> list[ClipChange | None]:
    """The four corners, the centre, and the mirror images of these."""
    from lrcn_model.reading.augmentation import ClipChange

    places = [(0.0, 0.0), (crop, 0.0), (0.0, crop), (crop, crop), (crop / 2, crop / 2)]
    return [
        ClipChange(left=left, top=top, scale=1 - crop, flip=flip)
        for flip in (False, True)
        for left, top in places
    ]


VIEWS: Mapping[str, Callable[[float], list[ClipChange | None]]] = {
    WHOLE: _whole,
    "flip": _flip,
    # Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
    # section 4.1. Donahue et al.'s code (classify_video.py) does so with 227x227 of 320x240 pixels
    TEN_CROP: _ten_crop,
}
"""The kinds of views by name: each a function of the fraction that is cut away, which gives what is
done to a clip in each view, None where nothing is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Views:
    """In which views each clip is scored.

    Attributes:
        name: The name of the kind of views, among `VIEWS`.
        crop: The fraction of width and height that each of ten-crop's crops cuts away, above 0 and
            up to 0.95; what is left is resized to the full size. None for 0.125, and for other
            views.

    Raises:
        UsageError: There is no such kind, the fraction is out of range, or other views have one.
    """

    name: str = WHOLE
    crop: float | None = None

    def __post_init__(self) -> None:
        if self.name not in VIEWS:
            raise UsageError(f"views must be one of {', '.join(VIEWS)}, got {self.name!r}")
        if self.crop is None:
            return
        if self.name != TEN_CROP:
            raise UsageError(f"--crop goes with --views {TEN_CROP}, not {self.name}")
        if not 0 < self.crop <= _MOST_CUT:
            raise UsageError(f"--crop must be above 0 and up to {_MOST_CUT}, got {self.crop}")

    def __len__(self) -> int:
        """The number of views of each clip."""
        return len(self.changes())

    @property
    def cuts(self) -> float | None:
        """The fraction of width and height that is cut away; None where nothing is."""
        return (self.crop or TEN_CROP_CUTS) if self.name == TEN_CROP else None

    def describe(self) -> str:
        """The views in words."""
        return f"{self.name}, {self.cuts:g} cut away" if self.cuts else self.name

    def changes(self) -> list[ClipChange | None]:
        """What is done to a clip in each view; None where nothing is."""
        return VIEWS[self.name](self.cuts or 0.0)


def score_views(run: TrainedRun, batch: ClipBatch, views: Views, vote: Vote) -> Tensor:
    """Score a batch in each view, and average the votes of each frame over the views.

    Args:
        run: The trained net.
        batch: The clips, on the run's device.
        views: The views.
        vote: The kind of vote that is averaged.

    Returns:
        Scores before any softmax or sigmoid, float32 (clips, frames, classes), on the same device:
        of one view its own; of several those whose votes are the mean of the views' votes, where
        logarithms are those of probabilities that add up to 1 again.
    """
    # one view after the other, which takes as much memory as one
    return mean_of_views((run.score(batch, change) for change in views.changes()), vote)


def mean_of_views(scores: Iterable[Tensor], vote: Vote) -> Tensor:
    """The scores whose votes are the mean of those of several views.

    Args:
        scores: The scores of each view, float32 (clips, frames, classes).
        vote: The kind of vote that is averaged.

    Returns:
        As `score_views`.
    """
    import torch

    first, *others = scores
    if not others:
        return first
    votes = [vote.of_frames(one.double()) for one in (first, *others)]
    return vote.scores(torch.stack(votes).mean(dim=0)).float()
