"""The clips of an evaluation of labels in time: each labelled segment of a video is one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np

from lrcn_model.detection.frame_track import LabelledFrames
from lrcn_model.detection.runs import true_runs
from lrcn_model.reporting.shown_clip import (
    MOST_SCORED,
    Bools,
    Floats,
    Ints,
    SegmentPlace,
    ShownClip,
    spread,
)
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.frame_disagreement import frame_disagreement


class _Segment(NamedTuple):
    """A labelled segment.

    Attributes:
        track: The number of its video.
        frames: The frames of the video that have a label.
        first: The number of its first frame among these.
        behind: The number of the frame behind its last one.
        label: Its class.
        found: The class that most of its frames are predicted as.
        probability: The mean probability of that class over its frames.
        disagreement: How far its frames disagree.
    """

    track: int
    frames: LabelledFrames
    first: int
    behind: int
    label: int
    found: int
    probability: float
    disagreement: float


class SegmentClips:
    """The labelled segments of all videos of an evaluation.

    Args:
        found: The evaluation.
    """

    def __init__(self, found: EvaluationInTime) -> None:
        self._tracks = found.tracks
        self._segments = [
            _segment(number, frames, int(first), int(behind))
            for number, track in enumerate(found.tracks)
            for frames in [track.labelled()]
            for first, behind in zip(*true_runs(frames)[1:], strict=True)
        ]

    @property
    def identities(self) -> list[Hashable]:
        """By what each segment is known, also in the evaluations of other runs."""
        return [
            (*self._tracks[one.track].identity, int(one.frames.positions_F[one.first]))
            for one in self._segments
        ]

    @property
    def labels(self) -> Ints:
        """The class of each segment, int64 (segments,)."""
        return np.array([one.label for one in self._segments], np.int64)

    @property
    def right(self) -> Bools:
        """Whether most frames of each segment are right, bool (segments,)."""
        return np.array([one.found == one.label for one in self._segments], bool)

    @property
    def certainty(self) -> Floats:
        """The mean probability of the class that most frames are predicted as, (segments,)."""
        return np.array([one.probability for one in self._segments])

    @property
    def disagreement(self) -> Floats:
        """How far the frames of each segment disagree, float64 (segments,)."""
        return np.array([one.disagreement for one in self._segments])

    def clip(self, number: int) -> ShownClip:
        """A segment by its number."""
        one = self._segments[number]
        track, frames = self._tracks[one.track], one.frames
        shown_T = one.first + np.array(spread(one.behind - one.first, MOST_SCORED))
        positions = tuple(frames.positions_F[shown_T].tolist())
        return ShownClip(
            video=track.video,
            truth=(one.label,),
            found=(one.found,),
            probability=one.probability,
            right=one.found == one.label,
            labels_T=frames.labels_F[shown_T],
            probs_TC=frames.scores_FC[shown_T].astype(np.float64),
            times_T=frames.starts_F[shown_T],
            place=SegmentPlace(track.video, track.source, positions),
        )


def _segment(track: int, frames: LabelledFrames, first: int, behind: int) -> _Segment:
    own = slice(first, behind)
    predicted_T, probs_TC = frames.predicted_F[own], frames.scores_FC[own].astype(np.float64)
    found = int(np.bincount(predicted_T).argmax())
    return _Segment(
        track=track,
        frames=frames,
        first=first,
        behind=behind,
        label=int(frames.labels_F[first]),
        found=found,
        probability=float(probs_TC[:, found].mean()),
        disagreement=frame_disagreement(probs_TC),
    )
