"""A training's output folder: where its files are, and how they are written.

runs/small-1a2b3c4d/
  config.toml           all values, as `--config` takes them
  run.json              what the run was trained on, and what ran it
  pretrained.json       with --pretrained: what was loaded, tensor by tensor
  metrics.jsonl         a line for every --log-every steps, and one an epoch
  weights.safetensors   the best on val so far, else the last; all that predicting needs
  checkpoints/          last.pt, from which the training goes on; previous.pt, the one before; and
                        best.pt, that of the epoch with the best scores on val
  tensorboard/          the same figures as metrics.jsonl, with clips and pictures
  learning-curves.png   the same drawn, at the training's end
  validation.json       what the weights kept say of val, as an evaluation is kept, and .npz beside
  validation/           the same as tables and pictures; see `scoring.evaluation_files`
  evaluations/          what lrcn-eval has found; see `scoring.kept_evaluations`
  report.html           the page that lrcn-report has made
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.storage.atomic_file import atomic_file, remove_leftovers
from lrcn_data.storage.folder import Folder

RUNS = Path("runs")

CONFIG = "config.toml"
"""The file by which a folder is known to be a run's."""

WEIGHTS = "weights.safetensors"
"""The file with the trained net."""

EVALUATIONS = "evaluations"
"""The folder with the evaluations that are kept."""

_OLD_TEMPORARY = ".tmp"
"""How half-written files ended before they were named as those of data sets are."""


class RunFolder(Folder):
    """The folder of a run; trainings write it on this machine, and it is read from anywhere."""

    @property
    def config(self) -> Path:
        """The file with all values of the training."""
        return self.path / CONFIG

    @property
    def record(self) -> Path:
        """The file that says what the run was trained on, and what ran it."""
        return self.path / "run.json"

    @property
    def pretrained(self) -> Path:
        """The file that says what was loaded of the weights that the CNN began with."""
        return self.path / "pretrained.json"

    @property
    def metrics(self) -> Path:
        """The file with the losses and accuracies of steps and epochs."""
        return self.path / "metrics.jsonl"

    @property
    def weights(self) -> Path:
        """The file with the trained net, which lrcn-eval and lrcn-predict use."""
        return self.path / WEIGHTS

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def evaluations(self) -> Path:
        """The folder of the evaluations that are kept."""
        return self.path / EVALUATIONS

    @property
    def report(self) -> Path:
        """The page that shows the run."""
        return self.path / "report.html"

    @property
    def learning_curves(self) -> Path:
        """The picture of the losses and accuracies."""
        return self.path / "learning-curves.png"

    @property
    def validation(self) -> Path:
        """The file that says what the weights kept have scored on val."""
        return self.path / "validation.json"

    def exists(self) -> bool:
        """Whether a training was started here."""
        return self.has(CONFIG)

    def has_checkpoint(self) -> bool:
        """Whether a training can go on from here."""
        return any(self.checkpoints.glob("*.pt"))

    def clear(self) -> None:
        """Remove a run's files, and nothing else."""
        facts = (self.config, self.record, self.pretrained, self.metrics, self.weights)
        shown = (self.learning_curves, self.validation, self.validation.with_suffix(".npz"))
        for file in (*facts, *shown, self.report):
            file.unlink(missing_ok=True)
        pictures = self.validation.with_suffix("")
        for folder in (self.checkpoints, self.tensorboard, pictures, self.evaluations):
            if folder.exists():
                shutil.rmtree(folder)

    def remove_leftovers(self) -> None:
        """Remove the half-written files that killed trainings left."""
        pictures = [self.validation.with_suffix(""), *self.evaluations.glob("*/")]
        for folder in (self.path, self.checkpoints, self.evaluations, *pictures):
            remove_leftovers(folder)
            for leftover in folder.glob(f"*{_OLD_TEMPORARY}"):
                leftover.unlink(missing_ok=True)


def folder_to_train_in(location: str | os.PathLike[str]) -> RunFolder:
    """The folder of a run that a training writes into.

    Raises:
        UsageError: It is not on this machine.
    """
    folder = RunFolder(location)
    if not folder.is_local:
        raise UsageError(
            f"a training can't write its run to {folder} yet; train into a folder on this machine,"
            " then copy it there"
        )
    return folder


@contextmanager
def run_file(path: Path) -> Iterator[BufferedRandom]:
    """Write a file of a run so that it is there whole or not at all.

    Args:
        path: The path of the file.

    Yields:
        The file, open for writing.

    Raises:
        LrcnError: The file can't be written (disk full, no permission).
    """
    try:
        with atomic_file(path) as file:
            yield file
    except OSError as error:
        raise LrcnError(
            f"{path} can't be written: {error}; what was there before is unchanged, and the same"
            " command goes on from it"
        ) from error
