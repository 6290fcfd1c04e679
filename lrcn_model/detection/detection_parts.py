"""What the figures of detection are made from: of each video, what a draw of videos adds up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from lrcn_data.errors import UsageError
from lrcn_model.detection.alarms import Alarm, AlarmCounts, drawn_alarm_figures
from lrcn_model.detection.frame_figures import FrameCounts, drawn_frame_figures
from lrcn_model.detection.frame_precision import (
    FramePrecision,
    drawn_frame_precision,
    frame_precision,
)
from lrcn_model.detection.frame_track import FrameTrack, LabelledFrames, number_of_classes
from lrcn_model.detection.segmental import SegmentCounts, drawn_segmental_figures
from lrcn_model.detection.temporal_precision import drawn_temporal_map
from lrcn_model.figures.intervals import DrawnFigure


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DetectionParts:
    """The labelled frames of videos, and what was counted in each.

    Attributes:
        videos: The frames of each video that has a labelled one.
        classes: The number of classes.
        background: The classes that are left out of average precision and of segments.
        frame_counts: The frames that are right.
        precision: The average precision of the frames of each class.
        segment_counts: The segments that are found.
        alarm_counts: The alarms of a class; None where none was named.
        drawn: All figures but the frames' mean average precisions, by name.
    """

    videos: Sequence[LabelledFrames]
    classes: int
    background: Collection[int]
    frame_counts: FrameCounts
    precision: FramePrecision
    segment_counts: SegmentCounts
    alarm_counts: AlarmCounts | None
    drawn: dict[str, DrawnFigure]

    @classmethod
    def of(
        cls,
        tracks: Sequence[FrameTrack],
        *,
        background: Collection[int] = (),
        alarm: Alarm | None = None,
    ) -> Self:
        """Count what is in each video.

        Raises:
            UsageError: A background class or the alarm's isn't among the classes, or a video is
                there twice.
        """
        classes = number_of_classes(tracks)
        _check(tracks, classes, [*background, *([alarm.label] if alarm else [])])
        videos = [frames for frames in (one.labelled() for one in tracks) if len(frames.labels_F)]
        frame_counts = FrameCounts.of(videos, classes)
        segment_counts = SegmentCounts.of(videos, background)
        alarm_counts = AlarmCounts.of(videos, alarm) if alarm else None
        return cls(
            videos=videos,
            classes=classes,
            background=background,
            frame_counts=frame_counts,
            precision=frame_precision(videos, classes),
            segment_counts=segment_counts,
            alarm_counts=alarm_counts,
            drawn={
                **drawn_frame_figures(frame_counts),
                **drawn_segmental_figures(segment_counts),
                **drawn_temporal_map(videos, background),
                **(drawn_alarm_figures(alarm_counts) if alarm_counts else {}),
            },
        )

    def values(self) -> dict[str, float]:
        """Each figure of all videos, by name."""
        every_video_once = np.ones((1, len(self.videos)))
        return {
            **{name: float(figure(every_video_once)[0]) for name, figure in self.drawn.items()},
            **self.precision.means(self.background),
        }

    def figures(self) -> dict[str, DrawnFigure]:
        """Each figure as a function of how often each video was drawn, by name."""
        of_frames = drawn_frame_precision(self.videos, self.classes, self.background)
        return {**self.drawn, **of_frames}


def _check(tracks: Sequence[FrameTrack], classes: int, named: Sequence[int]) -> None:
    """Refuse classes that there are not, and videos that are there twice.

    Raises:
        UsageError: There is one.
    """
    unknown = sorted({label for label in named if not 0 <= label < classes})
    if tracks and unknown:
        raise UsageError(f"there is no class {unknown[0]}; classes are from 0 to {classes - 1}")
    seen = set()
    for track in tracks:
        if track.identity in seen:
            raise UsageError(f"{track.video} is there twice; join its windows to one track")
        seen.add(track.identity)
