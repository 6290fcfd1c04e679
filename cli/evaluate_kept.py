"""What `lrcn-eval` makes of evaluations that were kept: a summary, or the scores joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrcn_data.errors import UsageError
from lrcn_data.printable import first_few
from lrcn_data.storage.locations import is_url

from .output import print_json, warn

if TYPE_CHECKING:
    from lrcn_model.scoring.evaluation import Evaluation
    from lrcn_model.scoring.fuse import Fusion

_SHOWN = 3
"""How many of the videos that a run has not scored are named."""


def summarize_kept(
    runs: Sequence[str],
    *,
    average: str | None,
    views: str | None,
    crop: float | None,
    as_json: bool,
) -> None:
    """Sum up the kept evaluations of runs."""
    from lrcn_model.scoring.evaluation import Evaluation
    from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
    from lrcn_model.scoring.find_evaluation import find_evaluation
    from lrcn_model.scoring.summary import summarize
    from lrcn_model.scoring.summary_in_time import summarize_in_time

    from .comparison_tables import print_summary
    from .detection_tables import print_detection_summary

    evaluations = [find_evaluation(run, average=average, views=views, crop=crop) for run in runs]
    in_time = [one for one in evaluations if isinstance(one, EvaluationInTime)]
    of_clips = [one for one in evaluations if isinstance(one, Evaluation)]
    if in_time and of_clips:
        raise UsageError(
            f"{in_time[0].run} has labels in time and {of_clips[0].run} hasn't; sum up one kind"
        )
    if in_time:
        pooled = summarize_in_time(in_time)
        if as_json:
            print_json(pooled.report())
        else:
            print_detection_summary(pooled)
        return
    found = summarize(of_clips)
    if as_json:
        print_json(found.report())
    else:
        print_summary(found)


def fuse_kept(
    runs: Sequence[str], *, average: str | None, views: str | None, crop: float | None
) -> Fusion:
    """Join the kept evaluations of runs, each given with its weight."""
    from lrcn_model.scoring.evaluation import Evaluation
    from lrcn_model.scoring.find_evaluation import find_evaluation
    from lrcn_model.scoring.fuse import fuse

    parts: list[Evaluation] = []
    names, weights = zip(*map(_weighted, runs), strict=True)
    for name in names:
        one = find_evaluation(name, average=average, views=views, crop=crop)
        if not isinstance(one, Evaluation):
            raise UsageError(
                f"--fuse joins scores of whole videos, and the labels of {name} are in time; leave"
                " it out"
            )
        parts.append(one)
    return fuse(parts, weights)


def _weighted(run: str) -> tuple[str, float]:
    """A run and the weight that stands behind it, which is 1 where there is none."""
    name, colon, weight = run.rpartition(":")
    if not colon or (is_url(run) and "/" in weight):
        return run, 1.0
    try:
        return name, float(weight)
    except ValueError:
        if Path(run).exists():
            return run, 1.0
        raise UsageError(
            f"--fuse {run}: {weight or 'nothing'} is no weight; write a number behind the colon,"
            f" as in {name}:0.33, or neither"
        ) from None


def show_fusion(found: Fusion, *, as_json: bool) -> None:
    """Show what runs recognize together, and which videos some of them lack."""
    from .comparison_tables import print_fusion

    for part, missing in zip(found.parts, found.missing, strict=True):
        if missing:
            warn(
                f"{part.run} has no scores of {len(missing)} videos that others have:"
                f" {first_few(missing, _SHOWN)}; they are counted as not scored"
            )
    if as_json:
        print_json(found.report())
    else:
        print_fusion(found)
