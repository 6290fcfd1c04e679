"""A search's output folder: where its files are.

runs/search-small/
  study.db          all trials, as Optuna keeps them (SQLite): values, states, figures
  trials.csv        the same as a table, the best first
  best.toml         the best values, as `lrcn-train --config` takes them
  search.png        how the search went, and how the figure depends on each value
  runs/             of each trial its config.toml, run.json and metrics.jsonl; of the finalists
                    with other seeds whole runs, which lrcn-eval takes; features of frozen CNNs
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.storage.folder import Folder
from lrcn_model.run_folder import RUNS, RunFolder

_TRIAL = "trial-"


class SearchFolder:
    """The folder of a search.

    Args:
        out: The folder, which need not exist; None for `runs/search-<file>`.
        config: The path of the search's TOML file.

    Raises:
        UsageError: It is not on this machine.
    """

    def __init__(self, out: str | Path | None, config: Path) -> None:
        folder = Folder(out or RUNS / f"search-{config.stem}")
        if not folder.is_local:
            raise UsageError(
                f"a search writes into a folder on this machine, where its processes share a"
                f" database, and {folder} is none; name another with --out"
            )
        self.path = folder.path.absolute()

    @property
    def study(self) -> Path:
        """Optuna's file."""
        return self.path / "study.db"

    @property
    def claims(self) -> Path:
        """The file in which processes lock what they do."""
        return self.path / ".claims"

    @property
    def table(self) -> Path:
        """The table of all trials."""
        return self.path / "trials.csv"

    @property
    def best(self) -> Path:
        """The best values."""
        return self.path / "best.toml"

    @property
    def picture(self) -> Path:
        """The plots."""
        return self.path / "search.png"

    @property
    def _runs(self) -> Path:
        return self.path / "runs"

    def make(self) -> None:
        """Make the folder where that is needed.

        Raises:
            UsageError: It can't be made or written to.
        """
        try:
            self._runs.mkdir(parents=True, exist_ok=True)
            self.claims.touch()
        except OSError as error:
            raise UsageError(
                f"the search's folder {self.path} can't be made or written to ({error.strerror});"
                " name another with --out"
            ) from error

    def has_runs(self) -> bool:
        """Whether trials were trained here."""
        return any(self._runs.glob(f"{_TRIAL}*"))

    def run(self, trial: int, repeat: int = 0) -> RunFolder:
        """The folder of a trial's training, or of its training with another seed.

        Args:
            trial: The trial's number, from 0.
            repeat: The number of the other seed, from 1; 0 for the trial's own.
        """
        again = f"-repeat-{repeat}" if repeat else ""
        return RunFolder(self._runs / f"{_TRIAL}{trial:04d}{again}")

    def drop_states(self, trial: int, repeat: int = 0) -> None:
        """Remove the checkpoints of a training that has ended; nothing goes on from them."""
        shutil.rmtree(self.run(trial, repeat).checkpoints, ignore_errors=True)
