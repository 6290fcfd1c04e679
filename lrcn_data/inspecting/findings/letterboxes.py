"""Clips with black bars, above and below the picture or on both sides of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lrcn_data.inspecting.findings.black import is_black
from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit, Luma, luma_of

LEAST = 0.02
"""The share of the height or width that each of the two bars has at least. Thinner ones are often
the blanked lines of analogue recordings."""

Bars = tuple[float, float]
"""The shares of the height and of the width that bars take."""


class Letterboxes(FindingKind[Bars]):
    """Measures bars that are black in all frames of a clip."""

    name = "letterboxes"
    title = "Black bars"
    meaning = (
        "rows at the top and at the bottom (or columns on both sides), at least 2 % each, that are"
        " black in all frames of the clip while the middle is not"
    )

    def look(self, clip: ClipView) -> Bars | None:
        """The bars of a clip, if it has any."""
        luma = luma_of(clip)
        bars = _bars(luma), _bars(luma.transpose(0, 2, 1))
        return bars if any(bars) else None

    def judge(self, seen: Mapping[int, Bars], splits: Sequence[str]) -> list[Hit]:
        """Name all clips with bars."""
        return [
            Hit(sample=number, detail=_describe(bars), weight=max(bars))
            for number, bars in seen.items()
        ]


def _bars(luma: Luma) -> float:
    """The share of the rows that the bars above and below take; 0 where there are none."""
    brightest = luma.max(axis=0)
    rows = ~is_black(brightest)
    if not rows.any():
        return 0.0
    above, below = int(np.argmax(rows)), int(np.argmax(rows[::-1]))
    least = LEAST * len(rows)
    return (above + below) / len(rows) if min(above, below) >= least else 0.0


def _describe(bars: Bars) -> str:
    names = ("above and below", "on both sides")
    parts = [f"{share:.0%} {name}" for share, name in zip(bars, names, strict=True) if share]
    return " and ".join(parts)
