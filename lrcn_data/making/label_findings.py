"""What is unusual about labels in time: segments beyond the video's end, another rate, no label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from lrcn_data.format.records import NO_CLASS, LabelFinding
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.time_labels import Segment, TimeLabels
from lrcn_data.making.frame_labels import frame_labels
from lrcn_data.printable import show
from lrcn_data.sampling.clips import VideoClips

_RATE_TOLERANCE = 0.01
"""The share by which an annotation's rate may differ from that of its video, as 30 from 29.97."""

_END_TOLERANCE = 0.5
"""The frames by which a segment may end beyond the last frame: times are rounded in annotations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSummary:
    """What is unusual about the labels in time of a data set, in numbers.

    Attributes:
        clipped_segments: The number of segments that end beyond their video's last frame.
        clipped_videos: The number of videos that have such segments.
        beyond_segments: The number of segments that begin beyond their video's last frame.
        beyond_videos: The number of videos that have such segments.
        unlabelled_videos: The number of videos of which no stored frame has a class.
        other_rate_videos: The number of videos whose annotation says another rate than the file.
        first_other_rate: The first of them; None where there is none.
    """

    clipped_segments: int
    clipped_videos: int
    beyond_segments: int
    beyond_videos: int
    unlabelled_videos: int
    other_rate_videos: int
    first_other_rate: LabelFinding | None

    @classmethod
    def of(cls, findings: Iterable[LabelFinding]) -> Self:
        """Sum up what was found of all videos."""
        findings = list(findings)
        other_rate = [finding for finding in findings if finding.fps is not None]
        return cls(
            clipped_segments=sum(finding.clipped for finding in findings),
            clipped_videos=sum(finding.clipped > 0 for finding in findings),
            beyond_segments=sum(finding.beyond for finding in findings),
            beyond_videos=sum(finding.beyond > 0 for finding in findings),
            unlabelled_videos=sum(finding.unlabelled for finding in findings),
            other_rate_videos=len(other_rate),
            first_other_rate=other_rate[0] if other_rate else None,
        )

    def sentences(self) -> Iterator[str]:
        """Say what is unusual, a sentence for each kind."""
        if self.clipped_segments:
            yield (
                f"{self.clipped_segments:,} segments of {self.clipped_videos:,} videos end beyond"
                " the video's last frame and were clipped there"
            )
        if self.beyond_segments:
            yield (
                f"{self.beyond_segments:,} segments of {self.beyond_videos:,} videos lie wholly"
                " beyond the video's last frame and label nothing; check their times, and whether"
                " they are seconds or frames"
            )
        first = self.first_other_rate
        if first is not None:
            yield (
                f"{self.other_rate_videos:,} videos have other frame rates than their annotation"
                f" says, the first one {show(first.path)}: {first.source_fps:g} frames a second,"
                f" {first.fps:g} by the annotation; if the files were converted, segments in"
                " frames are at the wrong place"
            )
        if self.unlabelled_videos:
            yield (
                f"no stored frame of {self.unlabelled_videos:,} videos has a label; such videos"
                " are kept, but nothing is learned from them"
            )


def find_in_labels(entry: Entry, clips: VideoClips[Any]) -> LabelFinding | None:
    """What is unusual about the labels in time of a video; None if it has none, or nothing is."""
    times = entry.times
    if times is None:
        return None
    beyond = [segment for segment in times.segments if _is_beyond(segment, times, clips)]
    labels = [label for clip in clips.clips for label in frame_labels(entry, clip)]
    finding = LabelFinding(
        path=entry.path,
        clipped=sum(_ends_beyond(segment, times, clips) for segment in times.segments)
        - len(beyond),
        beyond=len(beyond),
        unlabelled=bool(labels) and all(label == NO_CLASS for label in labels),
        fps=times.fps if _is_other_rate(times, clips) else None,
        source_fps=clips.source_fps,
    )
    usual = LabelFinding(path=entry.path, source_fps=clips.source_fps)
    return None if finding == usual else finding


def _is_beyond(segment: Segment, times: TimeLabels, clips: VideoClips[Any]) -> bool:
    return segment.start >= _end(times, clips)


def _ends_beyond(segment: Segment, times: TimeLabels, clips: VideoClips[Any]) -> bool:
    frames = segment.end - _end(times, clips)
    if times.unit == "seconds":
        frames *= clips.source_fps
    return frames > _END_TOLERANCE


def _end(times: TimeLabels, clips: VideoClips[Any]) -> float:
    """Where a video ends, in the unit of its labels."""
    return clips.duration if times.unit == "seconds" else clips.source_length


def _is_other_rate(times: TimeLabels, clips: VideoClips[Any]) -> bool:
    if times.fps is None:
        return False
    return abs(times.fps - clips.source_fps) > _RATE_TOLERANCE * clips.source_fps
