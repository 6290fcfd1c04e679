"""Clips of videos that have fewer frames a second than were taken of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit


class SlowVideos(FindingKind[tuple[float, float]]):
    """Compares the rates of videos with that of the clips."""

    name = "slow-videos"
    title = "Videos with too few frames a second"
    meaning = (
        "the video has fewer frames a second than --fps, so that clips have some of them twice"
    )
    of_pictures = False

    def look(self, clip: ClipView) -> tuple[float, float] | None:
        """The frames per second of the video and of the clip, where the video has fewer."""
        rates = clip.record.source_fps, float(clip.fps)
        return rates if 0 < rates[0] < rates[1] else None

    def judge(self, seen: Mapping[int, tuple[float, float]], splits: Sequence[str]) -> list[Hit]:
        """Name the clips of all such videos."""
        return [
            Hit(sample=number, detail=f"{source:.4g} fps, sampled at {fps:.4g}", weight=-source)
            for number, (source, fps) in seen.items()
        ]
