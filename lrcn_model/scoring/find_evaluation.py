"""Finds the evaluation of a run that is meant among those that are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.printable import first_few
from lrcn_data.storage.locations import is_url, split_location
from lrcn_model.run_copy import on_this_machine
from lrcn_model.run_folder import EVALUATIONS, FILES, WEIGHTS, RunFolder
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.kept_evaluations import (
    as_kept,
    kept_evaluations,
    read_evaluation,
    read_record,
)
from lrcn_model.scoring.kept_in_time import IN_TIME, read_in_time
from lrcn_model.scoring.run_weights import what_is_trained

_SHOWN = 6

_SHOWN_FILES = (*(name for name in FILES if name != WEIGHTS), EVALUATIONS)
"""What is needed of a run to show it."""

_RECORD = ".json"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """What an evaluation is chosen by.

    Attributes:
        path: The path of its .json.
        weights: What the weights stood for that were scored.
        made_with: How it was made, by the names of `find_evaluation`'s arguments.
        splits: The splits that were scored.
        time: When it was made, as ISO 8601 has it in UTC.
    """

    path: Path
    weights: Mapping[str, Any]
    made_with: Mapping[str, Any]
    splits: set[str]
    time: str

    @classmethod
    def read(cls, path: Path) -> _Kept:
        record = read_record(path)
        with as_kept(path):
            return cls(
                path=path,
                weights=record["weights"],
                made_with={n: record["figures"].get(n) for n in ("average", "views", "crop")},
                splits={shard["split"] for shard in record["data"]["shards"]},
                time=record["made"]["time"],
            )


def find_evaluation(
    run: str | os.PathLike[str],
    *,
    average: str | None = None,
    views: str | None = None,
    crop: float | None = None,
) -> Evaluation | EvaluationInTime:
    """Read the one kept evaluation of a run that is meant.

    It is of the weights that the run has now. Those of test shards go before others.

    Args:
        run: The path or URL of the run's folder, or of the .json of the evaluation itself.
        average: Which scores of a video's frames were averaged; None for any.
        views: In which views each clip was scored; None for any.
        crop: The fraction of width and height that each crop cut away; None for any.

    Raises:
        UsageError: There is none, or there are several.
        LrcnError: It is damaged.
    """
    wanted = {"average": average, "views": views, "crop": crop}
    with run_with_evaluations(run) as (folder, named):
        found = read_any_evaluation(named or _chosen(folder, os.fspath(run), wanted))
        assert isinstance(found.kept, Path)
        found = replace(found, kept=folder.place(found.kept))
    return found if named else replace(found, run=os.fspath(run))


def _chosen(folder: RunFolder, name: str, wanted: Mapping[str, Any]) -> Path:
    """The path of the one evaluation that is meant."""
    current = _of_current_weights(folder, name)
    fitting = [
        kept
        for kept in current
        if all(value in (None, kept.made_with[option]) for option, value in wanted.items())
    ]
    fitting = [kept for kept in fitting if kept.splits == {"test"}] or fitting
    if len(fitting) != 1:
        count = len(fitting) or "no"
        names = first_few([kept.path.name for kept in fitting or current], _SHOWN)
        raise UsageError(
            f"{name} has {count} evaluations that fit, of {names}; name the .json of one in"
            " place of the run, or choose with --views, --crop and --average where they differ in"
            " these"
        )
    return fitting[0].path


def newest_evaluation(folder: RunFolder) -> Evaluation | EvaluationInTime:
    """Read the newest kept evaluation of a run; those of test shards alone go before others.

    It is of the weights that the run has now.

    Args:
        folder: The run's folder, on this machine.

    Raises:
        UsageError: There is none.
        LrcnError: It is damaged.
    """
    current = _of_current_weights(folder, str(folder))
    kept = max(current, key=lambda kept: (kept.splits == {"test"}, kept.time))
    return replace(read_any_evaluation(kept.path), run=str(folder))


@contextmanager
def run_with_evaluations(run: str | os.PathLike[str]) -> Iterator[tuple[RunFolder, Path | None]]:
    """A run with its evaluations on this machine while the block runs, and the one that is named.

    Args:
        run: The path or URL of the run's folder, or of the .json of an evaluation.

    Yields:
        The run's folder, and the path of the .json if one is named, else None.

    Raises:
        LrcnError: The run can't be had.
    """
    name = os.fspath(run)
    original = _run_around(name) if name.endswith(_RECORD) else RunFolder(name)
    with on_this_machine(original, _SHOWN_FILES) as folder:
        named = None
        if original.location != RunFolder(name).location:
            named = Path(RunFolder(name).location.replace(original.location, folder.location, 1))
        yield folder, named


def _run_around(evaluation: str) -> RunFolder:
    """The run in whose folder, or somewhere below it, a .json lies."""
    location = RunFolder(evaluation).location
    if is_url(location):
        above = split_location(location)[0]
        around = [above, split_location(above)[0]]
    else:
        around = [str(path) for path in Path(location).parents]
    folders = map(RunFolder, around)
    return next((folder for folder in folders if folder.exists()), RunFolder(around[0]))


def read_any_evaluation(path: Path) -> Evaluation | EvaluationInTime:
    """Read an evaluation that was kept, of whichever kind of labels.

    Args:
        path: The path of its .json.

    Raises:
        LrcnError: It is no such file, is damaged, or was written by a later version.
    """
    is_in_time = read_record(path).get("kind") == IN_TIME
    return read_in_time(path) if is_in_time else read_evaluation(path)


def _of_current_weights(folder: RunFolder, name: str) -> list[_Kept]:
    """The kept evaluations of a run's weights, one at least; where it has no weights, all.

    Raises:
        UsageError: There are none.
    """
    again = f"`lrcn-eval {name} --shards ...`"
    found = [_Kept.read(path) for path in kept_evaluations(folder)]
    if not found:
        raise UsageError(f"{name} has no evaluation; make one with {again}")
    trained = what_is_trained(folder.original)
    current = [kept for kept in found if trained in (None, kept.weights)]
    if not current:
        raise UsageError(f"{name} was evaluated with other weights than it has now; use {again}")
    return current
