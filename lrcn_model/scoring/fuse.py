"""Evaluations of several runs joined, video by video: of a net for RGB, and of one for flow."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError
from lrcn_model.figures.intervals import intervals
from lrcn_model.scoring.calibration import probabilities
from lrcn_model.scoring.class_figures import class_figures
from lrcn_model.scoring.compare import Comparison, compare
from lrcn_model.scoring.evaluation import Evaluation, drawn_figures
from lrcn_model.scoring.label_kinds import AnyResult, AnyVideoScores, label_kind
from lrcn_model.scoring.scorer import VideoScores, video_result
from lrcn_model.scoring.set_scorer import (
    SetResult,
    SetVideoScores,
    recognized_classes,
    set_video_result,
)

_AVERAGE = "probs"
"""What the joined scores are: weighted means of probabilities."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fusion:
    """What several evaluations say together.

    Attributes:
        fused: The evaluation of the joined scores, over the videos that all parts have. It counts
            no clips and no frames; videos that a part lacks count as failed.
        parts: The evaluations, as they were given.
        weights: The weight of each, of which the sum is 1.
        missing: For each, the paths of the videos that it lacks and another one has.
        comparisons: For each, `fused` compared with it on the videos that all parts have.
    """

    fused: Evaluation
    parts: Sequence[Evaluation]
    weights: Sequence[float]
    missing: Sequence[Sequence[str]]
    comparisons: Sequence[Comparison]

    def report(self) -> dict[str, Any]:
        """All that is found, as JSON can hold it."""
        parts = zip(self.parts, self.weights, self.missing, self.comparisons, strict=True)
        return {
            "fused": self.fused.report(),
            "parts": [
                {
                    "run": part.run,
                    "weight": weight,
                    "missing": list(missing),
                    **part.report(),
                    "comparison": compared.report(),
                }
                for part, weight, missing, compared in parts
            ],
        }


def fuse(evaluations: Sequence[Evaluation], weights: Sequence[float] | None = None) -> Fusion:
    """Join the scores that evaluations give each video, and say what they recognize together.

    A video's joined scores are the weighted mean of its probabilities (late fusion: J. Donahue et
    al., "Long-term Recurrent Convolutional Networks for Visual Recognition and Description",
    arXiv:1411.4389v4, section 4, who weigh RGB 1/3 and flow 2/3). Where an evaluation has averaged
    logarithms of probabilities, or of odds, they are made probabilities first; temperatures aren't
    applied. A video is known by its path and the SHA-256 of its input.

    Args:
        evaluations: Two or more, of runs that need not have been scored on the same shards.
        weights: The weight of each, at least 0; they are divided by their sum. None for all alike.

    Raises:
        UsageError: There are fewer than two, weights of another number or out of range, other
            classes or views, or no video that all have.
    """
    shares = _shares(evaluations, [1.0] * len(evaluations) if weights is None else weights)
    first = evaluations[0]
    for other in evaluations[1:]:
        _check_alike(first, other)
    _check_labels(evaluations)
    scores = [{video.identity: video for video in one.videos} for one in evaluations]
    every = sorted(set().union(*scores))
    common = [identity for identity in every if all(identity in one for one in scores)]
    if not common:
        runs = " and ".join(one.run for one in evaluations)
        raise UsageError(
            f"{runs} have no video in common; evaluate all on shards of the same videos"
        )
    same = [[one[identity] for identity in common] for one in scores]
    probs_PVC = [
        probabilities(videos, _vote(one), None)
        for videos, one in zip(same, evaluations, strict=True)
    ]
    fused_VC = np.tensordot(shares, np.stack(probs_PVC), axes=1)
    frames = [sum(one.frames for one in videos) for videos in zip(*same, strict=True)]
    videos = [
        _fused(one, scores_C, count)
        for one, scores_C, count in zip(same[0], fused_VC, frames, strict=True)
    ]
    fused = _evaluation(evaluations, shares, videos, len(every))
    return Fusion(
        fused=fused,
        parts=evaluations,
        weights=shares,
        missing=[[one.video for one in every if one not in part] for part in scores],
        comparisons=[
            compare(fused, replace(one, videos=videos))
            for one, videos in zip(evaluations, same, strict=True)
        ],
    )


def _shares(evaluations: Sequence[Evaluation], weights: Sequence[float]) -> list[float]:
    """The weights, divided by their sum."""
    if len(evaluations) < 2:
        raise UsageError(f"scores are joined of two evaluations or more, got {len(evaluations)}")
    fits = len(weights) == len(evaluations) and all(0 <= weight < math.inf for weight in weights)
    if not fits or not any(weights):
        raise UsageError(
            f"{len(evaluations)} evaluations need as many weights of at least 0, one of them"
            f" above, got {', '.join(f'{weight:g}' for weight in weights)}"
        )
    # by the largest first, as the sum of large ones may be no number
    parts = [weight / max(weights) for weight in weights]
    return [part / sum(parts) for part in parts]


def _check_alike(one: Evaluation, other: Evaluation) -> None:
    """Refuse evaluations whose scores can't be joined."""
    of_sets = [isinstance(e.result, SetResult) for e in (one, other)]
    if one.classes != other.classes or of_sets[0] != of_sets[1]:
        raise UsageError(
            f"{one.run} and {other.run} tell other classes apart; train both on shards of the same"
            " lists"
        )
    if one.views != other.views:
        raise UsageError(
            f"{one.run} was scored in other views of clips ({one.views.describe()}) than"
            f" {other.run} ({other.views.describe()}); choose with --views and --crop"
        )


def _check_labels(evaluations: Sequence[Evaluation]) -> None:
    """Refuse evaluations in whose lists a video has different classes."""
    first = evaluations[0]
    known = _classes_of_files(first)
    for other in evaluations[1:]:
        for file, found in _classes_of_files(other).items():
            before = known.get(file)
            # a file may stand in a list twice, with a class each
            if before is None or before & found:
                continue
            one, another = (
                ", ".join(first.classes[number] for number in next(iter(classes)))
                for classes in (before, found)
            )
            raise UsageError(
                f"{file[0]} is {one} in the shards of {first.run}, and {another} in those of"
                f" {other.run}; make both of the same lists"
            )


def _classes_of_files(evaluation: Evaluation) -> dict[tuple[str, int], set[tuple[int, ...]]]:
    """The numbers of the classes that each video's file has, by its path and source."""
    found = defaultdict[tuple[str, int], set[tuple[int, ...]]](set)
    for video in evaluation.videos:
        found[video.identity.video, video.identity.source].add(video.identity.classes)
    return found


def _vote(evaluation: Evaluation) -> Any:
    kind = label_kind(multi_label=isinstance(evaluation.result, SetResult))
    return kind.votes[evaluation.average]


def _fused(video: AnyVideoScores, scores_C: npt.NDArray[np.float64], frames: int) -> AnyVideoScores:
    """A video with joined scores, which are over so many frames."""
    if isinstance(video, VideoScores):
        return replace(video, scores=scores_C, predicted=int(scores_C.argmax()), frames=frames)
    recognized = recognized_classes(scores_C, _AVERAGE)
    return replace(video, scores=scores_C, recognized=recognized, frames=frames)


def _evaluation(
    parts: Sequence[Evaluation],
    shares: Sequence[float],
    videos: Sequence[AnyVideoScores],
    every: int,
) -> Evaluation:
    """The evaluation of joined scores.

    Args:
        parts: The evaluations whose scores were joined.
        shares: The weight of each.
        videos: The joined scores of each video that all parts have.
        every: The number of videos that any part has.
    """
    first = parts[0]
    # a video that one part has skipped may be scored by another
    listed = max(one.result.videos + one.result.skipped + one.result.failed for one in parts)
    unscored = max(listed, every) - len(videos)
    skipped = min(max(one.result.skipped for one in parts), unscored)
    result = _result(videos, len(first.classes), skipped=skipped, failed=unscored - skipped)
    terms = (f"{share:.3g} {one.run}" for share, one in zip(shares, parts, strict=True))
    return Evaluation(
        run=" + ".join(terms),
        weights={},
        result=result,
        videos=videos,
        classes=first.classes,
        first=first.first,
        differences=[],
        average=_AVERAGE,
        views=first.views,
        shards=[shard for one in parts for shard in one.shards],
        intervals=intervals(drawn_figures(videos, len(first.classes)), len(videos)),
        by_class=class_figures(videos, len(first.classes)),
    )


def _result(
    videos: Sequence[AnyVideoScores], classes: int, *, skipped: int, failed: int
) -> AnyResult:
    of_one = [video for video in videos if isinstance(video, VideoScores)]
    if of_one:
        return video_result(of_one, classes, skipped=skipped, failed=failed)
    of_sets = [video for video in videos if isinstance(video, SetVideoScores)]
    return set_video_result(of_sets, classes, skipped=skipped, failed=failed)
