"""Temporal mAP: how well detected segments of all videos, ranked by score, find the true ones.

That of ActivityNet (Caba Heilbron et al., "ActivityNet: A Large-Scale Video Benchmark for Human
Activity Understanding", CVPR 2015; `Evaluation/eval_detection.py` of its toolkit), at the overlaps
that papers report of THUMOS14 (Idrees et al., "The THUMOS challenge on action recognition for
videos in the wild", 2017). A class's detections are taken from the highest score down. Each finds
the true segment of its class and video that it overlaps most among those not found yet, if they
overlap enough, and is false otherwise. The class's average precision is interpolated, and the mean
is over the classes that have a true segment.

Equal scores are one step of the curve, where the toolkit leaves their order to sorting; of those
of a video, the detection that starts first is the first to find. An interpolated curve rises with
every unevenness, and one of videos drawn with replacement is more uneven: where most detections are
false, intervals lie too high, and may not even hold the figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrcn_model.detection.drawn import by_name, in_pieces, mean_there
from lrcn_model.detection.frame_track import Floats, Ints, LabelledFrames
from lrcn_model.detection.precision_steps import DrawnSteps
from lrcn_model.detection.runs import predicted_runs, true_runs
from lrcn_model.figures.intervals import DrawnFigure

Bools = npt.NDArray[np.bool_]

OVERLAPS = {f"temporal_map_{tenths}0": tenths / 10 for tenths in range(1, 8)}
"""The overlaps, intersection over union, at which a detection finds a segment, by mAP's names."""

MEAN = "temporal_map"
"""The name of the mean over all these overlaps."""

_TOLERANCE = 1e-4
"""How far below the least overlap that of runs of frames may be: frames' times are rounded to a
millionth of a second, by which three of six frames of a thirtieth of a second may be 0.49999 of
them."""


class TrueSegment(NamedTuple):
    """A segment as it is labelled.

    Attributes:
        video: By what its video is told apart from all others.
        start: When it starts, in seconds.
        end: When it ends, in seconds.
        label: The number of its class.
    """

    video: Hashable
    start: float
    end: float
    label: int


class Detection(NamedTuple):
    """A segment that was detected.

    Attributes:
        video: By what its video is told apart from all others.
        start: When it starts, in seconds.
        end: When it ends, in seconds.
        label: The number of its class.
        score: How sure it is; any number that compares with those of other detections.
    """

    video: Hashable
    start: float
    end: float
    label: int
    score: float


class ClassRanking(NamedTuple):
    """The detections of a class, ranked, and which of them find a true segment.

    Attributes:
        above_VK: How many detections of each video score as much as each step or more, float32
            (videos, steps); the steps are the scores of those that find a segment, descending.
        found: For each overlap, the video and the step of each detection that finds a segment, both
            int64 (found,), by descending score.
        true_V: The number of true segments of each video, float64 (videos,).
    """

    above_VK: Floats
    found: list[tuple[Ints, Ints]]
    true_V: Floats

    def average_precision(self, counts_DV: Floats) -> Floats:
        """The average precision at each overlap in each draw, float64 (overlaps, draws).

        Args:
            counts_DV: How often each video was drawn, float64 (draws, videos).
        """
        true_D = counts_DV @ self.true_V
        above_DK = counts_DV @ self.above_VK
        found = np.zeros((len(self.found), len(counts_DV)))
        for number, (videos_P, steps_P) in enumerate(self.found):
            own_DP = counts_DV[:, videos_P]
            last_P = np.searchsorted(steps_P, steps_P, side="right") - 1
            steps = DrawnSteps(
                own_DK=own_DP,
                hits_DK=own_DP.cumsum(axis=1)[:, last_P],
                above_DK=above_DK[:, steps_P],
                positives_D=true_D,
                all_D=true_D,
            )
            found[number] = steps.interpolated_average_precision()
        return found


def true_segments(
    videos: Sequence[LabelledFrames], background: Collection[int] = ()
) -> list[TrueSegment]:
    """The segments of videos as their frames are labelled; a video is known by its number.

    Args:
        videos: The frames of each video.
        background: The classes whose segments are left out.
    """
    return [
        TrueSegment(number, start, end, label)
        for number, frames in enumerate(videos)
        for runs in [true_runs(frames, background)]
        for start, end, label in zip(
            runs.starts(frames).tolist(),
            runs.ends(frames).tolist(),
            runs.labels_S.tolist(),
            strict=True,
        )
    ]


def detections(
    videos: Sequence[LabelledFrames], background: Collection[int] = ()
) -> list[Detection]:
    """What the scores of frames detect: the runs of the class that has the highest score.

    A run's score is the mean of the class's probability over its frames. Where another class has
    the highest score, a class is not detected, however likely it is.

    Args:
        videos: The frames of each video.
        background: The classes whose runs are left out.
    """
    return [
        Detection(number, start, end, label, float(frames.scores_FC[first:behind, label].mean()))
        for number, frames in enumerate(videos)
        for runs in [predicted_runs(frames, background)]
        for start, end, label, first, behind in zip(
            runs.starts(frames).tolist(),
            runs.ends(frames).tolist(),
            *(values_S.tolist() for values_S in runs),
            strict=True,
        )
    ]


def temporal_average_precision(
    true: Sequence[TrueSegment],
    found: Sequence[Detection],
    overlaps: Sequence[float] = tuple(OVERLAPS.values()),
) -> dict[int, list[float]]:
    """The average precision of each class that has a true segment, at each overlap.

    Args:
        true: The true segments of all videos.
        found: All detections; those of other classes and videos are none's.
        overlaps: The least overlaps, intersection over union, from above 0 to 1.

    Returns:
        By class number: one figure from 0 to 1 for each overlap.
    """
    videos = [*{one.video for one in true} | {one.video for one in found}]
    every_video_once = np.ones((1, len(videos)))
    return {
        label: ranking.average_precision(every_video_once)[:, 0].tolist()
        for label, ranking in class_rankings(true, found, videos, overlaps).items()
    }


def drawn_temporal_map(
    videos: Sequence[LabelledFrames], background: Collection[int]
) -> dict[str, DrawnFigure]:
    """The mean at each overlap, over the classes that some video drawn has, and over all overlaps.

    Args:
        videos: The frames of each video.
        background: The classes whose segments are left out.
    """
    rankings = class_rankings(
        true_segments(videos, background),
        detections(videos, background),
        range(len(videos)),
        [least - _TOLERANCE for least in OVERLAPS.values()],
    ).values()

    def figures(counts_DV: Floats) -> Floats:
        of_classes = [ranking.average_precision(counts_DV) for ranking in rankings]
        nothing = np.full((len(OVERLAPS), len(counts_DV), 1), np.nan)
        means = mean_there(np.stack(of_classes, axis=-1) if of_classes else nothing)
        return np.concatenate([means, means.mean(axis=0, keepdims=True)])

    longest = max((ranking.above_VK.shape[1] for ranking in rankings), default=0)
    return by_name([*OVERLAPS, MEAN], in_pieces(figures, longest))


def class_rankings(
    true: Iterable[TrueSegment],
    found: Iterable[Detection],
    videos: Sequence[Hashable],
    overlaps: Sequence[float],
) -> dict[int, ClassRanking]:
    """The ranking of each class that has a true segment.

    What a detection finds is decided within its video, so it is the same in every draw.

    Args:
        true: The true segments of all videos.
        found: All detections.
        videos: The videos, each of which has the number of its place.
        overlaps: The least overlaps, intersection over union.
    """
    numbers = {video: number for number, video in enumerate(videos)}
    true_by_label: dict[int, list[TrueSegment]] = defaultdict(list)
    found_by_label: dict[int, list[Detection]] = defaultdict(list)
    for segment in true:
        true_by_label[segment.label].append(segment)
    for detection in found:
        found_by_label[detection.label].append(detection)
    overlaps_O = np.array(overlaps)
    return {
        label: _class_ranking(true_by_label[label], found_by_label[label], numbers, overlaps_O)
        for label in sorted(true_by_label)
    }


def _class_ranking(
    true: list[TrueSegment],
    found: list[Detection],
    numbers: dict[Hashable, int],
    overlaps_O: Floats,
) -> ClassRanking:
    ranked = sorted(found, key=lambda one: (-one.score, one.start, one.end))
    hits_NO = _matched(true, ranked, overlaps_O)
    down_N = np.array([-one.score for one in ranked])
    videos_N = np.array([numbers[one.video] for one in ranked], np.int64)
    steps = np.unique(down_N[hits_NO.any(axis=1)])
    places_N = np.searchsorted(steps, down_N)
    # those that score less than every step are above none
    above_VK = np.zeros((len(numbers), len(steps) + 1))
    np.add.at(above_VK, (videos_N, places_N), 1)
    true_V = np.bincount([numbers[one.video] for one in true], minlength=len(numbers))
    return ClassRanking(
        above_VK=above_VK[:, :-1].cumsum(axis=1),
        found=[(videos_N[hits_N], places_N[hits_N]) for hits_N in hits_NO.T],
        true_V=true_V.astype(np.float64),
    )


def _matched(true: list[TrueSegment], ranked: list[Detection], overlaps_O: Floats) -> Bools:
    """Which of the detections of a class, in their order, find a true segment at each overlap.

    Returns:
        bool (detections, overlaps).
    """
    true_in: dict[Hashable, list[TrueSegment]] = defaultdict(list)
    places_in: dict[Hashable, list[int]] = defaultdict(list)
    for segment in true:
        true_in[segment.video].append(segment)
    for place, one in enumerate(ranked):
        places_in[one.video].append(place)
    hits_NO = np.zeros((len(ranked), len(overlaps_O)), np.bool_)
    for video in true_in.keys() & places_in.keys():
        places = places_in[video]
        overlap_PS = _overlaps([ranked[place] for place in places], true_in[video])
        free_OS = np.ones((len(overlaps_O), overlap_PS.shape[1]), np.bool_)
        # most detections of a bad net overlap nothing enough
        for row in np.flatnonzero(overlap_PS.max(axis=1) >= overlaps_O.min()):
            left_OS = np.where(free_OS, overlap_PS[row], 0)
            enough_O = left_OS.max(axis=1) >= overlaps_O
            free_OS[enough_O, left_OS.argmax(axis=1)[enough_O]] = False
            hits_NO[places[row]] = enough_O
    return hits_NO


def _overlaps(found: Sequence[Detection], true: Sequence[TrueSegment]) -> Floats:
    """The overlap of each detection with each true segment, intersection over union.

    Those that last no time overlap wholly where they are at the same moment.

    Returns:
        float64 (detections, segments).
    """
    starts_P1, ends_P1 = np.array([(one.start, one.end) for one in found]).T[:, :, None]
    starts_S, ends_S = np.array([(one.start, one.end) for one in true]).T
    common_PS = (np.minimum(ends_P1, ends_S) - np.maximum(starts_P1, starts_S)).clip(0)
    union_PS = (ends_P1 - starts_P1) + (ends_S - starts_S) - common_PS
    alike_PS = (starts_P1 == starts_S) & (ends_P1 == ends_S)
    overlap_PS: Floats = alike_PS.astype(np.float64)
    np.divide(common_PS, union_PS, out=overlap_PS, where=union_PS > 0)
    return overlap_PS
