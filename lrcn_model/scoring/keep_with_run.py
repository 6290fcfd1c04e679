"""Keeps an evaluation with the run that it is of, and what people look at of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from lrcn_data.errors import LrcnError
from lrcn_data.format.shard_reader import DataSet
from lrcn_model.pictures.written_files import WrittenFiles
from lrcn_model.run_copy import on_this_machine
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.evaluation_files import write_evaluation_files
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.trained_run import TrainedRun, folder_of

Found = TypeVar("Found", Evaluation, EvaluationInTime)


def keep_with_run(
    found: Found,
    run: TrainedRun,
    write: Callable[[RunFolder], Path],
    data: DataSet,
    *,
    pictures: bool,
) -> Found:
    """Keep an evaluation in the folder of its run, wherever that is.

    Args:
        found: The evaluation.
        run: The run.
        write: Writes the evaluation into the run's folder on this machine, and gives the path of
            its .json.
        data: The shards that were scored, from which frames are taken for pictures.
        pictures: Whether tables and pictures are made too.

    Returns:
        The evaluation with the places of its files, or with the reason why it could not be kept.
    """
    made = WrittenFiles()
    try:
        with on_this_machine(folder_of(run)) as folder:
            kept = write(folder)
            if pictures:
                made = write_evaluation_files(found, kept.with_suffix(""), data)
    except (LrcnError, OSError) as error:
        return replace(found, not_kept=str(error))
    return replace(
        found,
        kept=folder.place(kept),
        files=[folder.place(path) for path in made.paths],
        not_made=[folder.told(problem) for problem in made.problems],
    )
