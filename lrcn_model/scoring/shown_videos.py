"""Which videos of an evaluation are worth looking at, and which of their clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lrcn_data.format.shard_reader import DataSet
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.scorer import VideoScores


class ShownVideo(NamedTuple):
    """A video, and how sure the net is of its answer.

    Attributes:
        video: What was recognized in it.
        probability: The probability of that.
    """

    video: VideoScores
    probability: float


def most_certain_wrong(found: Evaluation, most: int) -> list[ShownVideo]:
    """The videos that are recognized wrongly, those first of which the net is surest.

    Args:
        found: The evaluation; where videos have sets of classes there are none.
        most: The largest number of videos.
    """
    return [one for one in _most_certain(found) if not one.video.right][:most]


def most_certain_right(found: Evaluation, most: int) -> list[ShownVideo]:
    """Videos that are recognized rightly, of as many classes as possible, the surest ones first.

    Args:
        found: The evaluation; where videos have sets of classes there are none.
        most: The largest number of videos.
    """
    turns: defaultdict[int, int] = defaultdict(int)
    by_turn = []
    for place, one in enumerate(_most_certain(found)):
        if one.video.right:
            by_turn.append((turns[one.video.label], place, one))
            turns[one.video.label] += 1
    by_turn.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in by_turn[:most]]


def _most_certain(found: Evaluation) -> list[ShownVideo]:
    videos = [video for video in found.videos if isinstance(video, VideoScores)]
    shown = map(ShownVideo, videos, found.probabilities())
    return sorted(shown, key=lambda one: (-one.probability, one.video.video))


def middle_clip(data: DataSet, video: VideoScores) -> int | None:
    """The number of a video's middle clip among the samples of shards.

    Args:
        data: The shards.
        video: The video, which is known by its input file and its class.

    Returns:
        The number; None where the shards don't say which file their samples are from, or have none
        of the video.
    """
    own = np.flatnonzero((data.sources == video.source) & (data.labels == video.label))
    return int(own[len(own) // 2]) if len(own) else None


def evenly_right_and_wrong(tracks: Sequence[FrameTrack], most: int) -> list[FrameTrack]:
    """Videos with labels in time from the worst to the best, evenly spread between these.

    Args:
        tracks: All videos; those without a labelled frame are left out.
        most: The largest number of videos.
    """
    labelled = [track for track in tracks if len(track.labelled().labels_F)]
    ranked = sorted(labelled, key=lambda track: (share_right(track), track.video))
    places = np.linspace(0, len(ranked) - 1, min(most, len(ranked))).round().astype(int)
    return [ranked[place] for place in places]


def share_right(track: FrameTrack) -> float:
    """The share of a video's labelled frames whose class has the highest score."""
    frames = track.labelled()
    return float((frames.labels_F == frames.predicted_F).mean())
