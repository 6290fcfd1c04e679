"""A training's output folder: its name, its files, and whether a command belongs to it.

runs/small-1a2b3c4d/
  config.toml           all values, as `--config` takes them
  run.json              what the run was trained on, and what ran it
  metrics.jsonl         a line for every --log-every steps, and one an epoch
  weights.safetensors   the best on val so far, else the last; all that predicting needs
  checkpoints/          last.pt, from which the training goes on; previous.pt, the one before; and
                        best.pt, that of the epoch with the best scores on val
  tensorboard/          the same figures as metrics.jsonl
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model.atomic_file import atomic_file
from lrcn_model.train_options import TrainOptions, read_config

RUNS = Path("runs")
_EXTENDED = "epochs"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedOn:
    """run.json: what a run was trained on, by which it is known again.

    Attributes:
        shards: SHA-256 of each shard, in order.
        val_shards: The same of those for validation.
        classes: Class names by number.
        seq_len: Frames a clip.
        fps: Frames a second, a whole number or a fraction, as text.
    """

    shards: list[str]
    val_shards: list[str]
    classes: list[str]
    seq_len: int
    fps: str

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Read it back; KeyError where something is missing."""
        return cls(**{f.name: record[f.name] for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths in a run's folder."""

    path: Path

    @property
    def config(self) -> Path:
        """All values of the training."""
        return self.path / "config.toml"

    @property
    def record(self) -> Path:
        """What it was trained on."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """Losses and accuracies."""
        return self.path / "metrics.jsonl"

    @property
    def weights(self) -> Path:
        """What eval and predict use."""
        return self.path / "weights.safetensors"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's events."""
        return self.path / "tensorboard"

    def exists(self) -> bool:
        """Whether a training was started here."""
        return self.config.exists()

    def has_checkpoint(self) -> bool:
        """Whether a training can go on from here."""
        return any(self.checkpoints.glob("*.pt"))

    def clear(self) -> None:
        """Remove a run's files, and nothing else."""
        for file in (self.config, self.record, self.metrics, self.weights):
            file.unlink(missing_ok=True)
        for folder in (self.checkpoints, self.tensorboard):
            if folder.exists():
                shutil.rmtree(folder)

    def create(
        self, options: TrainOptions, trained_on: TrainedOn, environment: dict[str, Any]
    ) -> None:
        """Write what the run is, or bring it up to date where it goes on.

        Args:
            options: All values.
            trained_on: What the run is known by.
            environment: What runs it, for people.
        """
        import tomli_w

        self.checkpoints.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.record) as file:
            record = {**asdict(trained_on), "environment": environment}
            file.write(json.dumps(record, indent=1, ensure_ascii=False).encode() + b"\n")
        # last: its presence says that there is a run
        with atomic_file(self.config) as file:
            tomli_w.dump(options.to_toml(), file)

    def read_config(self) -> dict[str, Any]:
        """The values of config.toml.

        Raises:
            UsageError: There is no run, or its config.toml can't be read.
        """
        if not self.exists():
            raise UsageError(f"{self.path} is no run: it has no {self.config.name}")
        return read_config(self.config)

    def check_same(self, options: TrainOptions, trained_on: TrainedOn) -> None:
        """Refuse to go on with other data or with values that change the losses.

        The number of epochs may grow, unless the learning rate depends on it.

        Raises:
            UsageError: Something differs.
            LrcnError: The folder's files can't be read.
        """
        before = TrainOptions(**self.read_config()).loss_values()
        now = options.loss_values()
        difference = _difference(before, now)
        if options.lr_schedule == "cosine" and before[_EXTENDED] != now[_EXTENDED]:
            difference = difference or (
                f"{_EXTENDED} {before[_EXTENDED]}, not {now[_EXTENDED]}, over which --lr-schedule"
                " cosine has spread its steps"
            )
        difference = difference or _difference(asdict(self._trained_on()), asdict(trained_on))
        if difference:
            raise UsageError(
                f"{self.path} is a run with {difference}; use another --out, or --fresh to throw"
                " the run away and start anew"
            )

    def _trained_on(self) -> TrainedOn:
        try:
            return TrainedOn.from_json(json.loads(self.record.read_bytes()))
        except (OSError, ValueError, KeyError) as error:
            raise LrcnError(
                f"{self.record} can't be read ({error!r}); use --fresh to start anew"
            ) from error


def run_name(options: TrainOptions, trained_on: TrainedOn) -> str:
    """`<cnn>-<8 hex>`: a hash of the data and of all values that change the losses."""
    values = {**options.loss_values(), **asdict(trained_on)}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return f"{options.cnn}-{digest[:8]}"


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first value that differs, in words; nothing where none does."""
    for name, value in now.items():
        if name != _EXTENDED and before.get(name) != value:
            if isinstance(value, list):
                one, other = before.get(name) or [], value
                counts = f"{len(one)}, not {len(other)}" if len(one) != len(other) else "others"
                return f"other {name} ({counts})"
            return f"{name} {before.get(name)}, not {value}"
    return ""
