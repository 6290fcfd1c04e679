"""What a run's folder holds of what a page shows, at any time of its training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.shard_patterns import shards_of
from lrcn_data.storage.locations import split_location
from lrcn_model.run_folder import CONFIG, RunFolder
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.find_evaluation import newest_evaluation, read_any_evaluation
from lrcn_model.scoring.kept_evaluations import read_record
from lrcn_model.training.metrics_log import epoch_lines, step_lines
from lrcn_model.training.options import read_toml


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunContents:
    """What a run's folder holds.

    Attributes:
        name: The path or URL of the run's folder.
        folder: The run's folder, on this machine.
        config: All values of the training, as its config.toml has them.
        record: What the run was trained on, and what ran it: its run.json; empty where there is
            none yet.
        steps: The lines about steps of its metrics.jsonl.
        epochs: The lines about epochs.
        evaluation: The evaluation that is shown; None where there is none.
        evaluation_record: What its .json says; empty where there is none.
        without: The reason why no kept evaluation is shown, and what helps; empty where one is.
            Where there is none, `evaluation` is what the training found on its validation shards.
    """

    name: str
    folder: RunFolder
    config: Mapping[str, Any]
    record: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    epochs: Sequence[Mapping[str, Any]]
    evaluation: Evaluation | EvaluationInTime | None
    evaluation_record: Mapping[str, Any]
    without: str

    @property
    def evaluate_command(self) -> str:
        """The command that scores the run, on the test shards beside those trained on."""
        patterns = self.config.get("shards") or []
        folder, name = split_location(str(patterns[0])) if patterns else ("", "")
        shards = shards_of(folder if "." in name else str(patterns[0]), "test") if patterns else ""
        return f"lrcn-eval {self.name} --shards {_quoted(shards or '...')}"


def read_run(folder: RunFolder, named: Path | None) -> RunContents:
    """Read what a run's folder holds; a training may be writing into it meanwhile.

    Args:
        folder: The run's folder, on this machine.
        named: The path of the .json of the evaluation that is meant; None for the newest one.

    Raises:
        UsageError: There is no run.
        LrcnError: The evaluation that is named can't be read.
    """
    if not folder.exists():
        raise UsageError(f"{folder} is no run: it has no {CONFIG}; name the folder of a training")
    evaluation, without = None, ""
    try:
        evaluation = read_any_evaluation(named) if named else newest_evaluation(folder)
    except LrcnError as error:
        if named:
            raise
        if folder.validation.exists():
            evaluation = read_any_evaluation(folder.validation)
        without = folder.told(error)
    kept = Path(evaluation.kept) if evaluation and evaluation.kept else None
    metrics = folder.metrics if folder.metrics.exists() else None
    return RunContents(
        name=str(folder),
        folder=folder,
        config=read_toml(folder.config),
        record=_json(folder.record),
        steps=step_lines(metrics) if metrics else [],
        epochs=epoch_lines(metrics) if metrics else [],
        evaluation=evaluation,
        evaluation_record=read_record(kept) if kept else {},
        without=without,
    )


def _json(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where it isn't there.

    Raises:
        LrcnError: It is damaged.
    """
    if not path.exists():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    except ValueError as error:
        raise LrcnError(f"{path} can't be read ({error}); copy it again") from error


def _quoted(pattern: str) -> str:
    return f"'{pattern}'" if set(pattern) & set("*?[{< ") else pattern
