"""A training's output folder: where its files are, and how they are written.

runs/small-1a2b3c4d/
  config.toml           all values, as `--config` takes them
  run.json              what the run was trained on, and what ran it
  pretrained.json       with --pretrained: what was loaded, tensor by tensor
  metrics.jsonl         a line for every --log-every steps, and one an epoch
  weights.safetensors   the best on val so far, else the last; all that predicting needs
  checkpoints/          last.pt, from which the training goes on; previous.pt, the one before; and
                        best.pt, that of the epoch with the best scores on val (in a store last.pt
                        alone)
  tensorboard/          the same figures as metrics.jsonl, with clips and pictures
  learning-curves.png   the same drawn, at the training's end
  validation.json       what the weights kept say of val, as an evaluation is kept, and .npz beside
  validation/           the same as tables and pictures; see `scoring.evaluation_files`
  evaluations/          what lrcn-eval has found; see `scoring.kept_evaluations`
  report.html           the page that lrcn-report has made
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from lrcn_data.errors import LrcnError
from lrcn_data.storage.atomic_file import atomic_file, remove_leftovers
from lrcn_data.storage.folder import Folder

RUNS = Path("runs")

CONFIG = "config.toml"
"""The file by which a folder is known to be a run's."""

WEIGHTS = "weights.safetensors"
"""The file with the trained net."""

EVALUATIONS = "evaluations"
"""The folder with the evaluations that are kept."""

RECORD = "run.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"

FILES = (
    CONFIG,
    RECORD,
    "pretrained.json",
    METRICS,
    WEIGHTS,
    "learning-curves.png",
    "validation.json",
    "validation.npz",
    "report.html",
)
"""The names of all files that a run has in its folder itself."""

_FOLDERS = (CHECKPOINTS, TENSORBOARD, "validation", EVALUATIONS)

_OLD_TEMPORARY = ".tmp"
"""How half-written files ended before they were named as those of data sets are."""


class RunFolder(Folder):
    """The folder of a run, on this machine or in a store.

    Its files have paths only on this machine: of one in a store, `run_copy.on_this_machine` makes a
    copy.
    """

    @property
    def config(self) -> Path:
        """The file with all values of the training."""
        return self.path / CONFIG

    @property
    def record(self) -> Path:
        """The file that says what the run was trained on, and what ran it."""
        return self.path / RECORD

    @property
    def pretrained(self) -> Path:
        """The file that says what was loaded of the weights that the CNN began with."""
        return self.path / "pretrained.json"

    @property
    def metrics(self) -> Path:
        """The file with the losses and accuracies of steps and epochs."""
        return self.path / METRICS

    @property
    def weights(self) -> Path:
        """The file with the trained net, which lrcn-eval and lrcn-predict use."""
        return self.path / WEIGHTS

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's events."""
        return self.path / TENSORBOARD

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

    @property
    def original(self) -> RunFolder:
        """The run itself, which this folder may be a copy of."""
        return self

    @property
    def beside(self) -> Path:
        """The folder on this machine for what several runs share: the one this run lies in.

        Of a run in a store it is `runs` in the working directory.
        """
        return self.path.parent if self.is_local else RUNS

    def place(self, path: Path) -> Path | str:
        """Where a file of the run is for its users: its path, or its URL.

        Args:
            path: The path of the file in this folder.
        """
        return path

    def told(self, message: object) -> str:
        """A message for users as a text, in which files of the run are where they are for them."""
        return str(message)

    def publish(self) -> None:
        """Bring the run itself to the state of this folder, where this is a copy of it."""

    def exists(self) -> bool:
        """Whether a training was started here."""
        return self.has(CONFIG)

    def has_checkpoint(self) -> bool:
        """Whether a training can go on from here."""
        return any(name.endswith(".pt") for name in self.names(CHECKPOINTS))

    def clear(self) -> None:
        """Remove a run's files, and nothing else."""
        # checkpoints first: a new run must not go on from one that was left
        for folder in _FOLDERS:
            Folder(self.at(folder)).remove()
        for file in FILES:
            self.delete(file)

    def remove_leftovers(self) -> None:
        """Remove the half-written files that killed trainings left."""
        pictures = [self.validation.with_suffix(""), *self.evaluations.glob("*/")]
        for folder in (self.path, self.checkpoints, self.evaluations, *pictures):
            remove_leftovers(folder)
            for leftover in folder.glob(f"*{_OLD_TEMPORARY}"):
                leftover.unlink(missing_ok=True)


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
