"""Windows of any length and stride over whole videos, cut from the windows that are stored of them.

A stored window says where in its video's frames it starts, so the windows of a video, put together,
are the video: each frame is there once, or in several windows that overlap. Nothing here reads a
shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError

Numbers = npt.NDArray[np.int64]


class Piece(NamedTuple):
    """Frames of a stored window that a window is made of.

    Attributes:
        sample: The number of the stored window.
        start: Its first frame that is taken.
        stop: The frame after the last one.
    """

    sample: int
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredVideos:
    """The videos that stored windows are of, and where in them each window lies.

    Attributes:
        positions: int64 (samples,), the frame of its video that each stored window starts with. A
            video's windows follow one another in rising order, and the first one starts with 0.
        num_valid: int64 (samples,), the number of real frames of each.
    """

    positions: Numbers
    num_valid: Numbers

    @cached_property
    def firsts(self) -> Numbers:
        """int64 (videos,), the number of the first stored window of each video."""
        return np.flatnonzero(self.positions == 0)

    def check_whole(self) -> None:
        """Refuse windows with gaps between them.

        Raises:
            UsageError: A video has frames that no stored window holds.
        """
        ends = self.positions + self.num_valid
        follows = self.positions[1:] != 0
        gaps = np.flatnonzero(follows & (self.positions[1:] > ends[:-1]))
        if len(gaps):
            first, following = self.positions[gaps[0] : gaps[0] + 2]
            raise UsageError(
                f"the shards have windows of {self.num_valid[gaps[0]]} frames at every"
                f" {following - first}th one, so frames between them are missing and no others can"
                " be cut; make shards with a --stride of --seq-len at most"
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Windows:
    """Windows over whole videos, numbered video by video, those of a video by their starts.

    Attributes:
        videos: The videos.
        of_video: int64 (windows,), the number of each window's video.
        starts: int64 (windows,), the frame of the video that each starts with.
        lengths: int64 (windows,), the number of frames of each.
    """

    videos: StoredVideos
    of_video: Numbers
    starts: Numbers
    lengths: Numbers

    def __len__(self) -> int:
        return len(self.starts)

    def pieces(self, number: int) -> Iterator[Piece]:
        """The frames of stored windows that a window is made of, in order, each frame once."""
        firsts, positions = self.videos.firsts, self.videos.positions
        video = int(self.of_video[number])
        first = int(firsts[video])
        behind = int(firsts[video + 1]) if video + 1 < len(firsts) else len(positions)
        starts = positions[first:behind]
        frame, stop = int(self.starts[number]), int(self.starts[number] + self.lengths[number])
        while frame < stop:
            # the last window that holds the frame
            place = int(np.searchsorted(starts, frame, side="right")) - 1
            sample = first + place
            start = frame - int(starts[place])
            end = min(int(starts[place] + self.videos.num_valid[sample]), stop)
            yield Piece(sample, start, end - int(starts[place]))
            frame = end


def cut_windows(videos: StoredVideos, *, length: int | None, stride: int | None = None) -> Windows:
    """Cut windows that cover every video.

    They start at every stride-th frame, as long as they fit, and one more ends with the video's
    last frame where frames remain. A video of fewer frames makes one window, as short as it is.

    Args:
        videos: The videos.
        length: The number of frames of a window; None for whole videos.
        stride: The number of frames from one window's start to the next one's; None for windows
            that follow one another without sharing frames, of which the last one of a video may be
            shorter.

    Raises:
        UsageError: A number is out of range, or stored windows have gaps between them.
    """
    if min(1 if value is None else value for value in (length, stride)) < 1:
        raise UsageError(
            f"windows need a length and a stride of at least 1, not {length}, {stride}"
        )
    videos.check_whole()
    firsts = videos.firsts
    lasts = np.append(firsts[1:], len(videos.positions)) - 1 if len(firsts) else firsts
    frames = videos.positions[lasts] + videos.num_valid[lasts]
    if length is None:
        counts, step = np.ones_like(frames), 1
    elif stride is None:
        counts, step = -(-frames // length), length
    else:
        counts, step = 1 + np.maximum(-(-(frames - length) // stride), 0), stride
    of_video = np.repeat(np.arange(len(frames)), counts)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    starts = (np.arange(len(of_video)) - before) * step
    of_frames = frames[of_video]
    if length is None:
        return Windows(videos=videos, of_video=of_video, starts=starts, lengths=of_frames)
    if stride is not None:
        starts = np.minimum(starts, np.maximum(of_frames - length, 0))
    lengths = np.minimum(of_frames - starts, length)
    return Windows(videos=videos, of_video=of_video, starts=starts, lengths=lengths)
