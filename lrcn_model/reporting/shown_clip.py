"""A clip as a page shows it: its frames, and what the net says of each of them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_SCORED = 64
"""Frames of a clip whose scores are shown; those of longer clips are evenly spread."""

MOST_PICTURES = 16
"""Frames of a clip of which pictures are shown; those of longer clips are evenly spread."""

_MOST_CLASSES = 5
"""Classes of a clip whose scores are shown, unless it has more itself."""


class ClipPlace(NamedTuple):
    """Where a clip lies: in the shards that were scored.

    Attributes:
        number: Its number over all shards.
        key: Its key, by which it is recognized.
        frames: The numbers of its frames that are shown.
    """

    number: int
    key: str
    frames: tuple[int, ...]


class SegmentPlace(NamedTuple):
    """Where a segment lies: in windows of a video.

    Attributes:
        video: The video's path, as its list had it.
        source: Which input file the video is; see `lrcn_data.format.sources`.
        positions: The numbers of its frames in the fps stream.
    """

    video: str
    source: int
    positions: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShownClip:
    """A clip, and what the net says of it.

    Attributes:
        video: The path of its video, as the list had it.
        truth: The numbers of its classes, ascending.
        found: The numbers of the classes that were recognized, ascending.
        probability: That of the class that was recognized; None where it has a set of classes.
        right: Whether the recognized classes are its own.
        labels_T: The class of each frame, int64 (frames,); -1 where it has none.
        probs_TC: The probability of each class at each frame, as the net itself says it, float64
            (frames, classes).
        times_T: When each frame is shown, in seconds, float64 (frames,); None where only the shards
            have that.
        place: Where its frames are.
    """

    video: str
    truth: tuple[int, ...]
    found: tuple[int, ...]
    probability: float | None
    right: bool
    labels_T: Ints
    probs_TC: Floats
    times_T: Floats | None
    place: ClipPlace | SegmentPlace

    def to_json(self, strip: int | None, times: list[float]) -> dict[str, Any]:
        """The clip as the page's script shows it, in few letters.

        Args:
            strip: The number of the picture that has its frames; None where there is none.
            times: When each of its frames is shown, in seconds; none where that isn't known.
        """
        likeliest_T = self.probs_TC.argmax(axis=1) if self.probs_TC.size else self.labels_T
        own = dict.fromkeys([*self.truth, *self.found])
        means = np.argsort(-self.probs_TC.mean(axis=0), kind="stable").tolist()
        changing = np.unique(likeliest_T).tolist()
        rows = list(own | dict.fromkeys(sorted(changing, key=means.index)) | dict.fromkeys(means))
        rows = rows[: max(_MOST_CLASSES, len(own))]
        return {
            "v": self.video,
            "t": self.truth,
            "f": self.found,
            "p": self.probability and round(self.probability, 4),
            "ok": int(self.right),
            "s": strip,
            "x": [round(time, 2) for time in times],
            "k": rows,
            "q": np.rint(self.probs_TC[:, rows].T * 1000).astype(int).tolist(),
            "a": likeliest_T.tolist(),
            "l": self.labels_T.tolist(),
        }


class RunClips(Protocol):
    """All clips of a run's evaluation that may be shown."""

    @property
    def identities(self) -> list[Hashable]:
        """By what each is known, also in the evaluations of other runs."""

    @property
    def labels(self) -> Ints:
        """The first class of each, or -1, int64 (clips,)."""

    @property
    def right(self) -> Bools:
        """Whether the recognized classes are its own, bool (clips,)."""

    @property
    def certainty(self) -> Floats:
        """How sure the net is of what it says, from 0 to 1, float64 (clips,)."""

    @property
    def disagreement(self) -> Floats:
        """How far frames disagree, float64 (clips,)."""

    def clip(self, number: int) -> ShownClip:
        """One of them, by its number."""


def spread(count: int, most: int) -> list[int]:
    """Numbers from 0 to a count less 1, evenly spread where that is more than may be."""
    return [round(float(place)) for place in np.linspace(0, count - 1, min(count, most))]
