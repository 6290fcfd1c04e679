"""metrics.jsonl and TensorBoard: what a training says of itself, step by step.

A line's `kind` is `step` or `epoch`. A step's line has `step`, `epoch`, `loss`, `lr`,
`clips_per_s`; an epoch's line has `step`, `epoch`, `accuracy` and more. Steps and epochs are
counted from 1. Lines of earlier versions have no kind; an accuracy tells those of epochs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lrcn_data.errors import LrcnError
from lrcn_model.detection.detection_result import DetectionResult
from lrcn_model.run_folder import run_file
from lrcn_model.scoring.scorer import Result
from lrcn_model.scoring.set_scorer import SetResult

# those of sets have an accuracy too
MAIN_FIGURES = tuple(kind.MAIN_FIGURE for kind in (SetResult, DetectionResult, Result))
"""The figures by which epochs are judged; of several that a line has, the first one here."""

_NAMES = ("step", "epoch")


class MetricsLog:
    """Writes the figures while it is used as a context manager.

    Args:
        file: The path of metrics.jsonl.
        tensorboard: Folder for TensorBoard's events; None for none.
        step: Steps that were done before; lines about later steps are removed.
        epochs: Epochs that ended before; lines about later epochs are removed.

    Raises:
        LrcnError: On entering, or on leaving without another error: a file can't be written.
    """

    def __init__(self, file: Path, tensorboard: Path | None, *, step: int, epochs: int) -> None:
        self._path = file
        self._tensorboard = tensorboard
        self._step = step
        self._epochs = epochs

    def __enter__(self) -> Self:
        cut_back(self._path, step=self._step, epochs=self._epochs)
        with self._written():
            self._file = self._path.open("a", encoding="utf-8")
            self._events = self._open_events()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with self._written():
                self._file.close()
                if self._events is not None:
                    self._events.close()
        except LrcnError:
            if error is None:
                raise

    def _open_events(self) -> Any | None:
        if self._tensorboard is None:
            return None
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._tensorboard), purge_step=self._step + 1)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Turn a fault of the disk into an error that says what helps."""
        try:
            yield
        except OSError as error:
            raise LrcnError(
                f"{self._path.parent} can't be written to: {error.strerror or error}; free some"
                " space or mend it, then the same command goes on"
            ) from error

    def write(self, kind: str, values: dict[str, Any]) -> None:
        """Add a line.

        Args:
            kind: What the line is about, step or epoch; TensorBoard shows it as a heading.
            values: The values by name; `step` and `epoch` are among them.

        Raises:
            LrcnError: The line can't be written.
        """
        with self._written():
            self._file.write(json.dumps({"kind": kind, **values}) + "\n")
            self._file.flush()
            if self._events is None:
                return
            for name, value in values.items():
                if name not in _NAMES and isinstance(value, int | float):
                    self._events.add_scalar(f"{kind}/{name}", value, values["step"])

    def sync(self) -> None:
        """Make sure that all lines are on the disk, before a checkpoint builds on them.

        Raises:
            LrcnError: The lines can't be written.
        """
        with self._written():
            os.fsync(self._file.fileno())
            if self._events is not None:
                self._events.flush()


def cut_back(path: Path, *, step: int, epochs: int) -> None:
    """Remove the lines about later steps and epochs, and a line that was left unfinished.

    Args:
        path: metrics.jsonl; it need not exist.
        step: The last step whose line is kept.
        epochs: The last epoch whose line is kept.

    Raises:
        LrcnError: The file can't be written.
    """
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if _is_before(line, step, epochs)]
    if kept != lines:
        with run_file(path) as file:
            file.writelines(kept)


def _is_before(line: bytes, step: int, epochs: int) -> bool:
    try:
        values = json.loads(line)
        ended = not is_epoch(values) or values["epoch"] <= epochs
        return bool(line.endswith(b"\n") and values["step"] <= step and ended)
    except (ValueError, KeyError, TypeError):
        return False


def is_epoch(values: dict[str, Any]) -> bool:
    """Whether a line is about an epoch."""
    return values["kind"] == "epoch" if "kind" in values else "accuracy" in values


def epoch_lines(path: Path) -> list[dict[str, Any]]:
    """The lines about epochs, one for each that has ended."""
    return [line for line in whole_lines(path) if is_epoch(line)]


def step_lines(path: Path) -> list[dict[str, Any]]:
    """The lines about steps, in their order."""
    return [line for line in whole_lines(path) if not is_epoch(line)]


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """All lines, but for one that a training that still runs, or was killed, has half written."""
    *whole, _half = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole]


def kept_epoch(epochs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The line about the epoch whose weights the run keeps: the best, else the last."""
    return next((line for line in reversed(epochs) if line.get("best")), epochs[-1])


def main_figure(epoch: Mapping[str, Any]) -> str:
    """The name of the figure by which a line about a validated epoch was judged.

    Raises:
        StopIteration: The epoch was not validated.
    """
    return next(name for name in MAIN_FIGURES if f"val_{name}" in epoch)
