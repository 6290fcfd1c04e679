"""Clips with frames that show the same as the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit, Luma, luma_of

_BLOCK = 8

LEVELS = 5.0
"""By how many levels of 255 the pixels of a block may differ on average where it is the same.

Blocks and limit (`lo`) are those of ffmpeg's filter mpdecimate, which lets a third of the blocks
differ more; here none may. The frames of three UCF-101 clips that H.264 and MPEG-4 coded twice in a
row differ by 2 to 4 levels in 9 of 10 cases, the other ones by 5 and more."""


class RepeatedFrames(FindingKind[tuple[int, int]]):
    """Counts the frames of each clip that repeat the one before."""

    name = "repeated-frames"
    title = "Repeated frames"
    meaning = (
        "a frame of which no block of 8x8 pixels differs from the frame before by more than 5"
        " levels on average: the video stands still there, or has fewer frames than it says"
    )

    def look(self, clip: ClipView) -> tuple[int, int] | None:
        """The number of frames that repeat the one before, and of all frames."""
        luma = luma_of(clip)
        repeated = int(np.sum(_largest_difference(luma) <= LEVELS))
        return (repeated, len(luma)) if repeated else None

    def judge(self, seen: Mapping[int, tuple[int, int]], splits: Sequence[str]) -> list[Hit]:
        """Name all clips with such a frame."""
        return [
            Hit(sample=number, detail=f"{repeated} of {frames} frames", weight=repeated / frames)
            for number, (repeated, frames) in seen.items()
        ]


def _largest_difference(luma: Luma) -> npt.NDArray[np.float64]:
    """How much the block that differs most does, float64 (frames - 1,), from frame to frame."""
    frames, height, width = luma.shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    largest = np.zeros(frames - 1)
    whole = np.zeros((rows * _BLOCK, columns * _BLOCK), np.int16)
    for number in range(frames - 1):
        one, other = luma[number].astype(np.int16), luma[number + 1]
        whole[:height, :width] = np.abs(one - other)
        blocks = whole.reshape(rows, _BLOCK, columns, _BLOCK)
        largest[number] = blocks.mean(axis=(1, 3)).max()
    return largest
