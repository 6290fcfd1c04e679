"""What a search leaves as files for people and programs: trials.csv and best.toml."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path

from lrcn_model.run_folder import run_file
from lrcn_model.searching.search_config import SearchConfig
from lrcn_model.searching.search_options import SearchOptions
from lrcn_model.searching.search_result import SearchResult
from lrcn_model.searching.search_space import label_of
from lrcn_model.training.options import TrainOptions

_FIGURES = ("state", "figure", "loss", "epoch", "epochs", "seconds", "reason")
"""The columns of trials.csv besides the values that are searched."""


def write_table(path: Path, result: SearchResult) -> None:
    """Write all trials as CSV, the best first; a value that is a list or a table is JSON.

    Raises:
        LrcnError: The file can't be written.
    """
    names = list(result.best.values)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["trial", *names, *_FIGURES])
    for trial in result.trials:
        figures = asdict(trial.outcome)
        values = [label_of(trial.values[name]) for name in names]
        writer.writerow([trial.number, *values, *(figures[name] for name in _FIGURES)])
    with run_file(path) as file:
        file.write(text.getvalue().encode())


def write_best(
    path: Path,
    result: SearchResult,
    config: SearchConfig,
    options: TrainOptions,
    how: SearchOptions,
) -> None:
    """Write the best values as a file that `lrcn-train --config` takes, and say what they are from.

    Args:
        path: The file.
        result: What the search has found.
        config: What was searched.
        options: All values of the best trial.
        how: How was searched.

    Raises:
        LrcnError: The file can't be written.
    """
    import tomli_w

    lines = [*_origin(result, config, how), "", tomli_w.dumps(options.to_toml())]
    with run_file(path) as file:
        file.write("\n".join(lines).encode())


def _origin(result: SearchResult, config: SearchConfig, how: SearchOptions) -> list[str]:
    best, ended = result.best, len(result.trials)
    figure = result.figure.replace("_", " ")
    lines = [
        f"# Trial {best.number} of {ended}, which `lrcn-search {config.source}` has found",
        f"# (--sampler {how.sampler}, --pruning {how.pruning}, --seed {how.seed}):",
        *(
            f"#   {name} = {label_of(value)}, of {config.space[name]}"
            for name, value in best.values.items()
        ),
        f"# val {figure} {best.outcome.figure:.1%} after its best epoch, {best.outcome.epoch} of"
        f" {best.outcome.epochs}; chosen as the best of many, which makes that too good",
    ]
    if result.finalists:
        first = result.finalists[0]
        spread = (
            f", standard deviation {first.deviation:.1%}" if first.deviation is not None else ""
        )
        lines.append(
            f"# with {len(first.repeats)} other seeds {first.mean:.1%} on the same clips{spread}"
        )
    return [*lines, f"#   lrcn-train --config {result.folder / 'best.toml'}"]
