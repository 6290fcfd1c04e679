"""Frames and their neighbours, put together as a decoder hands them out one after another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from lrcn_data.format.frame_kind import NEXT_IN_SOURCE, Neighbour
from lrcn_data.pixels import RGB
from lrcn_data.video.fps_stream import FpsStream

Pair = tuple[int, int]
"""The numbers of a frame and of its neighbour; the same twice if no neighbour is asked for."""


def pair_of(
    stream: FpsStream | Sequence[int], position: int, neighbour: Neighbour, frames: int
) -> Pair:
    """The pair that a kind of frames makes a picture of.

    Args:
        stream: The number of the source's frame at each position of the fps stream.
        position: The position of the frame.
        neighbour: The second frame that each one has to come with; see `FrameKind`.
        frames: The number of frames of the source.
    """
    frame = stream[position]
    if neighbour == NEXT_IN_SOURCE:
        last = frames - 1
        return max(0, min(frame, last - 1)), min(frame + 1, last)
    if not neighbour:
        return frame, frame
    return frame, stream[min(max(position + neighbour, 0), len(stream) - 1)]


class FramePairs:
    """Puts frames and their neighbours together, and holds pixels no longer than it must.

    Args:
        uses: How many times each pair occurs in the video's clips.
    """

    def __init__(self, uses: Mapping[Pair, int]) -> None:
        self._uses = uses
        self._pixels: dict[int, RGB] = {}
        self._complete_at: dict[int, list[Pair]] = {}
        self._until: dict[int, int] = {}
        for pair in uses:
            # frames come in rising order
            last = max(pair)
            self._complete_at.setdefault(last, []).append(pair)
            for frame in pair:
                self._until[frame] = max(last, self._until.get(frame, last))

    @property
    def frames(self) -> Collection[int]:
        """The numbers of all frames that are in a pair."""
        return self._until.keys()

    def complete(self, frame: int, rgb: RGB) -> Iterator[tuple[Pair, RGB, RGB, int]]:
        """Take a frame, and give the pairs that are complete with it.

        Args:
            frame: The number of the frame; every call has a higher one than the call before.
            rgb: The frame's pixels, uint8 (height, width, 3).

        Yields:
            Each pair, the pixels of its frame and of its neighbour, and how many times it occurs in
            clips.
        """
        self._pixels[frame] = rgb
        pairs = self._complete_at.get(frame, ())
        for pair in pairs:
            yield pair, self._pixels[pair[0]], self._pixels[pair[1]], self._uses[pair]
        for number in {frame, *(number for pair in pairs for number in pair)}:
            if self._until[number] <= frame:
                del self._pixels[number]
