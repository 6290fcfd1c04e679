"""Clips with frames that are black."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrcn_data.inspecting.findings.black import is_black
from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit, luma_of


class BlackFrames(FindingKind[tuple[int, int]]):
    """Counts the black frames of each clip."""

    name = "black-frames"
    title = "Black frames"
    meaning = "98 % of a frame's pixels are darker than a tenth of the range"

    def look(self, clip: ClipView) -> tuple[int, int] | None:
        """The number of black frames, and of all frames."""
        luma = luma_of(clip)
        black = int(is_black(luma.reshape(len(luma), -1)).sum())
        return (black, len(luma)) if black else None

    def judge(self, seen: Mapping[int, tuple[int, int]], splits: Sequence[str]) -> list[Hit]:
        """Name all clips with such a frame."""
        return [
            Hit(sample=number, detail=f"{black} of {frames} frames", weight=black / frames)
            for number, (black, frames) in seen.items()
        ]
