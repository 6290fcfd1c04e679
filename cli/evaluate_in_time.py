"""What `lrcn-eval` does with runs whose labels are in time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import print_files, print_json, print_result, warn

if TYPE_CHECKING:
    from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
    from lrcn_model.scoring.trained_run import TrainedRun


def evaluate_in_time(
    trained: Sequence[TrainedRun], shards: Sequence[str], **values: Any
) -> list[EvaluationInTime]:
    """Score shards with one run or two, and show how far it is.

    Args:
        trained: The trained nets.
        shards: The shards to score.
        **values: The values of `EvaluateInTimeOptions`.
    """
    from lrcn_model.ranks import ranks_from_environment
    from lrcn_model.scoring.evaluate_in_time import EvaluateInTimeOptions, evaluate_runs_in_time

    from .progress import CountProgress

    how = EvaluateInTimeOptions(**values)
    with CountProgress("windows", shown=ranks_from_environment().first) as progress:
        return evaluate_runs_in_time(
            trained, shards, how, on_start=progress.start, on_clips=progress.advance
        )


def show_in_time(
    found: Sequence[EvaluationInTime], csv_path: Path | None, *, as_json: bool
) -> None:
    """Write and show what was found of labels in time, by one run or by two."""
    from lrcn_model.scoring.evaluation_in_time import compare_in_time
    from lrcn_model.scoring.segments_csv import write_segments

    from .detection_tables import print_detection, print_detection_comparison

    for one in found:
        if one.differences:
            warn(other_sampling(one.differences, one.run))
        if one.not_kept:
            warn(f"the evaluation of {one.run} is not kept: {one.not_kept}")
        for problem in one.not_made:
            warn(problem)
    reports = [
        {
            "run": one.run,
            **one.report(),
            "kept": one.kept and str(one.kept),
            "files": [str(path) for path in one.files],
        }
        for one in found
    ]
    if csv_path:
        write_segments(csv_path, found[0].tracks, found[0].classes)
    if len(found) == 1:
        if as_json:
            print_json(reports[0])
            return
        print_detection(found[0])
    else:
        first, second = found
        compared = compare_in_time(first, second)
        if as_json:
            print_json({"runs": reports, "comparison": compared.report()})
            return
        print_detection_comparison(first, second, compared)
    for one in found:
        if one.kept:
            print_result(f"kept: {one.kept}")
        print_files(one.files)


def other_sampling(differences: Sequence[str], run: str) -> str:
    """Say that clips were sampled otherwise than those of a run's training."""
    return (
        f"the clips have {', '.join(differences)} in the training of {run}: the net sees other"
        " motion than it was trained on"
    )
