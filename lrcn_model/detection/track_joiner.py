"""Windows of videos joined to whole videos, each frame once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import LrcnError
from lrcn_model.detection.frame_track import FrameTrack


@dataclass(slots=True)
class _Frames:
    """Frames of a video by their numbers in the fps stream; those that no window holds are empty.

    Attributes:
        windows_F: The number of windows that hold each frame, int64.
        times_F: Its own time in seconds, float64.
        labels_F: Its class, int64.
        sums_FC: The sum of its scores in all windows, float32.
    """

    windows_F: npt.NDArray[np.int64]
    times_F: npt.NDArray[np.float64]
    labels_F: npt.NDArray[np.int64]
    sums_FC: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, frames: int, classes: int) -> _Frames:
        return cls(
            np.zeros(frames, np.int64),
            np.zeros(frames),
            np.zeros(frames, np.int64),
            np.zeros((frames, classes), np.float32),
        )

    def grown(self, frames: int) -> _Frames:
        """The same with room for so many frames."""
        grown = _Frames.empty(frames, self.sums_FC.shape[1])
        there = len(self.windows_F)
        grown.windows_F[:there] = self.windows_F
        grown.times_F[:there] = self.times_F
        grown.labels_F[:there] = self.labels_F
        grown.sums_FC[:there] = self.sums_FC
        return grown


class TrackJoiner:
    """Joins windows, which may overlap and come in any order, to videos.

    A frame's score is the mean over the windows that hold it. Sums are float32, which take 4 bytes
    a frame and class: 96 MB for 400 videos of 3,000 frames and 20 classes. In another order, the
    sum of three windows or more may differ in its last digit.
    """

    def __init__(self) -> None:
        self._videos: dict[tuple[str, int], _Frames] = {}

    def add(
        self,
        *,
        video: str,
        source: int,
        start: int,
        times_T: npt.NDArray[np.float64],
        labels_T: npt.NDArray[np.int64],
        scores_TC: npt.NDArray[np.floating],
        num_valid: int,
    ) -> None:
        """Add a window.

        Args:
            video: The video's path, as its list had it.
            source: Which input file the video is; see `lrcn_data.format.sources`.
            start: The number of the window's first frame in the fps stream.
            times_T: The frames' own times in seconds, float64 (window,).
            labels_T: The class of each frame, int64 (window,); -1 where it has none.
            scores_TC: The probability of each class, float (window, classes).
            num_valid: The number of real frames; those after them are left out.

        Raises:
            LrcnError: Another window has another label or time of one of the frames.
            ValueError: The arrays don't belong together.
        """
        if not (len(times_T) == len(labels_T) == len(scores_TC) >= num_valid >= 0 <= start):
            raise ValueError(
                f"{video}: a window from frame {start} on, with num_valid {num_valid}, has"
                f" {len(times_T)} times, {len(labels_T)} labels and {len(scores_TC)} scores"
            )
        window = _Frames(
            np.ones(num_valid, np.int64),
            np.asarray(times_T[:num_valid], np.float64),
            np.asarray(labels_T[:num_valid], np.int64),
            np.asarray(scores_TC[:num_valid], np.float32),
        )
        self._add((video, source), start, window)

    def merge(self, other: TrackJoiner) -> None:
        """Add what another joiner has joined, such as another process's.

        Raises:
            LrcnError: It has another label or time of some frame.
        """
        for identity, frames in other._videos.items():
            self._add(identity, 0, frames)

    def tracks(self) -> Iterator[FrameTrack]:
        """The videos, sorted by path; a frame that no window holds isn't in its track."""
        for (video, source), frames in sorted(self._videos.items(), key=lambda item: item[0]):
            positions = np.flatnonzero(frames.windows_F)
            windows_F = frames.windows_F[positions].astype(np.float32)
            yield FrameTrack(
                video=video,
                source=source,
                positions=positions,
                times=frames.times_F[positions],
                labels=frames.labels_F[positions],
                scores=frames.sums_FC[positions] / windows_F[:, None],
            )

    def _add(self, identity: tuple[str, int], start: int, new: _Frames) -> None:
        """Add frames of a video that follow each other, some of which may be empty."""
        behind = start + len(new.windows_F)
        there = self._videos.get(identity, None)
        if there is None:
            there = _Frames.empty(behind, new.sums_FC.shape[1])
        if len(there.windows_F) < behind:
            # at least doubled, so that many windows are copied a few times each
            there = there.grown(max(behind, 2 * len(there.windows_F)))
        self._videos[identity] = there
        place = slice(start, behind)
        both_F = np.flatnonzero((there.windows_F[place] > 0) & (new.windows_F > 0))
        for what, old_F, new_F in (
            ("label", there.labels_F[place], new.labels_F),
            ("time", there.times_F[place], new.times_F),
        ):
            for place_in_new in both_F[old_F[both_F] != new_F[both_F]][:1]:
                raise LrcnError(
                    f"frame {start + place_in_new} of {identity[0]} has the {what}"
                    f" {old_F[place_in_new]} in one window and {new_F[place_in_new]} in another;"
                    " score windows of one data set together"
                )
        first_F = (there.windows_F[place] == 0) & (new.windows_F > 0)
        there.times_F[place][first_F] = new.times_F[first_F]
        there.labels_F[place][first_F] = new.labels_F[first_F]
        there.windows_F[place] += new.windows_F
        there.sums_FC[place] += new.sums_FC
