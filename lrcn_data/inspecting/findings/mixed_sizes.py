"""Clips whose frames have another size than most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit
from lrcn_data.size import Size


class MixedSizes(FindingKind[Size]):
    """Compares the sizes at which frames are stored."""

    name = "mixed-sizes"
    title = "Other sizes"
    meaning = (
        "the stored frames are not as large as those of most clips; training resizes all to one"
        " size, and the mean image is then an approximation"
    )
    of_pictures = False

    def look(self, clip: ClipView) -> Size:
        """The (width, height) of a clip's frames in pixels."""
        return clip.record.width, clip.record.height

    def judge(self, seen: Mapping[int, Size], splits: Sequence[str]) -> list[Hit]:
        """Name the clips of all sizes but the most frequent one; rare sizes come first."""
        counts = Counter(seen.values())
        usual = max(counts, key=lambda size: (counts[size], size))
        return [
            Hit(
                sample=number,
                detail=f"{size[0]}x{size[1]}, most are {usual[0]}x{usual[1]}",
                weight=1 / counts[size],
            )
            for number, size in seen.items()
            if size != usual
        ]
