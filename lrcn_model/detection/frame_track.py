"""A video from beginning to end: the class of each of its frames, and what a net says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32] | npt.NDArray[np.float64]

UNLABELLED = -1
"""The label of a frame that has none, which isn't even of a background."""

_ROUNDING = 1e-3
"""How far above 1 a probability may be: half precision has three digits."""


class LabelledFrames(NamedTuple):
    """The labelled frames of a video, which alone are scored.

    Attributes:
        positions_F: Each frame's number in the fps stream, int64 (frames,), ascending.
        starts_F: When each starts, in seconds, float64 (frames,).
        ends_F: When it ends, which is where the next frame of the stream starts; where that one is
            missing, after as long as frames last on average in the video. The only frame of a
            video lasts no time that is known, and ends as it starts.
        labels_F: The class of each, int64 (frames,).
        predicted_F: The class with the highest score, int64 (frames,); of equal ones the first.
        scores_FC: The probability of each class, (frames, classes).
    """

    positions_F: Ints
    starts_F: Floats
    ends_F: Floats
    labels_F: Ints
    predicted_F: Ints
    scores_FC: Scores


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FrameTrack:
    """All frames of a video, each once, with their scores.

    Scores are probabilities: average precision ranks frames of all videos together, and scores
    before a softmax, which any number may be added to, don't compare between frames.

    Attributes:
        video: The video's path, as its list had it.
        source: Which input file the video is: with the path it tells videos apart; see
            `lrcn_data.format.sources`.
        positions: Each frame's number in the fps stream, int64 (frames,), ascending. Where numbers
            are missing, no segment goes on.
        times: The frames' own times in seconds, float64 (frames,), ascending; repeated frames have
            equal ones.
        labels: The class number of each frame, int64 (frames,); -1 where it has none.
        scores: The probability of each class, float32 or float64 (frames, classes).

    Raises:
        ValueError: The arrays don't belong together, or a value is none of its kind.
    """

    video: str
    source: int
    positions: Ints
    times: Floats
    labels: Ints
    scores: Scores

    def __post_init__(self) -> None:
        frames = len(self.positions)
        shapes = [self.positions.shape, self.times.shape, self.labels.shape, self.scores.shape[:1]]
        if self.scores.ndim != 2 or any(shape != (frames,) for shape in shapes):
            raise ValueError(
                f"{self.video}: positions, times, labels and scores have the shapes"
                f" {shapes[0]}, {shapes[1]}, {shapes[2]} and {self.scores.shape}; they must be"
                " (frames,) three times, and (frames, classes)"
            )
        if (np.diff(self.positions) <= 0).any() or not (np.diff(self.times) >= 0).all():
            raise ValueError(f"{self.video}: positions and times of frames must ascend")
        if frames and not UNLABELLED <= self.labels.min() <= self.labels.max() < self.classes:
            raise ValueError(
                f"{self.video}: labels are from {self.labels.min()} to {self.labels.max()}; of"
                f" {self.classes} classes they must be from {UNLABELLED} to {self.classes - 1}"
            )
        # nan is neither
        if not ((self.scores >= 0) & (self.scores <= 1 + _ROUNDING)).all():
            raise ValueError(f"{self.video}: scores must be probabilities, from 0 to 1")

    @property
    def identity(self) -> tuple[str, int]:
        """By what the video is told apart from all others."""
        return self.video, self.source

    @property
    def classes(self) -> int:
        """The number of classes."""
        return int(self.scores.shape[1])

    def labelled(self) -> LabelledFrames:
        """The frames that have a label."""
        there_F = self.labels != UNLABELLED
        scores_FC = self.scores[there_F]
        return LabelledFrames(
            positions_F=self.positions[there_F],
            starts_F=self.times[there_F],
            ends_F=self._ends()[there_F],
            labels_F=self.labels[there_F],
            predicted_F=scores_FC.argmax(axis=1) if self.classes else self.labels[there_F],
            scores_FC=scores_FC,
        )

    def _ends(self) -> Floats:
        """When each frame ends, in seconds, float64 (frames,)."""
        if len(self.times) < 2:
            return self.times.copy()
        span = self.positions[-1] - self.positions[0]
        ends_F: Floats = self.times + (self.times[-1] - self.times[0]) / span
        followed_F = np.flatnonzero(np.diff(self.positions) == 1)
        ends_F[followed_F] = self.times[followed_F + 1]
        return ends_F


def number_of_classes(tracks: Sequence[FrameTrack]) -> int:
    """The number of classes of all tracks; 0 of none.

    Raises:
        ValueError: Tracks differ in it.
    """
    found = sorted({track.classes for track in tracks})
    if len(found) > 1:
        raise ValueError(f"tracks have {found} classes; score those of one data set together")
    return found[0] if found else 0
