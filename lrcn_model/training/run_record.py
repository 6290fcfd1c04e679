"""What a run was trained on, and whether a command may go on with it."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Self

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_model.run_folder import RunFolder, run_file
from lrcn_model.training.options import TrainOptions, read_config
from lrcn_model.training.pretrained import Pretrained

_EXTENDED = "epochs"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedOn:
    """What a run was trained on, by which it is recognized; kept in run.json.

    Attributes:
        shards: The SHA-256 of each shard that the run was trained on, in order.
        val_shards: The SHA-256 of each shard that it was validated with, in order.
        classes: The class names, by class number.
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        fps: The frame rate in frames a second, as a text: a whole number or a fraction.
        frame_kind: The name of the kind of frames.
        plugins: The version of each plug-in in the net, by its name.
        multi_label: Whether a clip has a set of classes, instead of one.
        labels_in_time: Whether frames have classes of their own.
    """

    shards: list[str]
    val_shards: list[str]
    classes: list[str]
    seq_len: int
    fps: str
    frame_kind: str = RGB_FRAMES
    plugins: dict[str, str] = field(default_factory=dict)
    multi_label: bool = False
    labels_in_time: bool = False

    def as_record(self) -> dict[str, Any]:
        """As run.json has it: what all runs had before there was a choice of it is left out."""
        record = asdict(self)
        if self.frame_kind == RGB_FRAMES:
            del record["frame_kind"]
        if not self.plugins:
            del record["plugins"]
        for name in ("multi_label", "labels_in_time"):
            if not record[name]:
                del record[name]
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Read it back from what run.json holds.

        Raises:
            KeyError: A value is missing.
        """
        return cls(
            **{
                f.name: record[f.name]
                for f in fields(cls)
                if f.name in record or (f.default is MISSING and f.default_factory is MISSING)
            }
        )


def write_record(
    folder: RunFolder,
    options: TrainOptions,
    trained_on: TrainedOn,
    environment: dict[str, Any],
    *,
    processes: int = 1,
) -> None:
    """Write run.json and config.toml; where a run goes on, its files are replaced.

    Args:
        folder: The run's folder; it must exist.
        options: All values of the training.
        trained_on: The data that the run is recognized by.
        environment: The command, the software and the machine that train, which only people read.
        processes: The number of processes that the run was begun with, whose batches make a step.

    Raises:
        LrcnError: A file can't be written.
    """
    import tomli_w

    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    with run_file(folder.record) as file:
        record = {**trained_on.as_record(), "processes": processes, "environment": environment}
        file.write(json.dumps(record, indent=1, ensure_ascii=False).encode() + b"\n")
    # last: its presence says that there is a run
    with run_file(folder.config) as file:
        tomli_w.dump(options.to_toml(), file)


def write_pretrained(folder: RunFolder, found: Pretrained) -> None:
    """Write pretrained.json: tensor by tensor, what became of the weights of --pretrained.

    Raises:
        LrcnError: The file can't be written.
    """
    with run_file(folder.pretrained) as file:
        file.write(json.dumps(found.as_record(), indent=1).encode() + b"\n")


def read_options(folder: RunFolder) -> TrainOptions:
    """The options of a run.

    Raises:
        UsageError: There is no run, or its config.toml can't be read.
    """
    if not folder.exists():
        raise UsageError(f"{folder} is no run: it has no {folder.config.name}")
    return TrainOptions().with_values(read_config(folder.config))


def check_same(folder: RunFolder, options: TrainOptions, trained_on: TrainedOn) -> None:
    """Refuse to go on with other data or with values that change the losses.

    The number of epochs may grow, unless the learning rate depends on it.

    Raises:
        UsageError: The data, or a value that changes the losses, differs from the run's.
        LrcnError: The folder's files can't be read.
    """
    before = read_options(folder).loss_values()
    now = options.loss_values()
    difference = _difference(before, now)
    if options.lr_schedule == "cosine" and before[_EXTENDED] != now[_EXTENDED]:
        difference = difference or (
            f"{_EXTENDED} {before[_EXTENDED]}, not {now[_EXTENDED]}, over which --lr-schedule"
            " cosine has spread its steps"
        )
    difference = difference or _difference(asdict(_read_record(folder)), asdict(trained_on))
    if difference:
        raise UsageError(
            f"{folder} is a run with {difference}; use another --out, with --init"
            f" {folder} to begin with its weights, or --resume {folder} to go on with the"
            " run's own values, or --fresh to throw the run away and start anew"
        )


def read_processes(folder: RunFolder) -> int | None:
    """The number of processes that a run was begun with; None where an older version began it.

    Raises:
        LrcnError: The run's record can't be read.
    """
    processes = _read_json(folder).get("processes")
    if processes is not None and not (type(processes) is int and processes > 0):
        raise LrcnError(
            f"{folder.record} says that the run was begun with {processes!r} processes, which is no"
            " number of them; use --fresh to start anew"
        )
    return processes


def _read_record(folder: RunFolder) -> TrainedOn:
    try:
        return TrainedOn.from_json(_read_json(folder))
    except KeyError as error:
        raise LrcnError(f"{folder.record} lacks {error}; use --fresh to start anew") from error


def _read_json(folder: RunFolder) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(folder.record.read_bytes())
        return record
    except (OSError, ValueError) as error:
        raise LrcnError(
            f"{folder.record} can't be read ({error!r}); use --fresh to start anew"
        ) from error


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first value that differs, in words; nothing where none does."""
    for name, value in now.items():
        if name != _EXTENDED and before.get(name) != value:
            if isinstance(value, list):
                one, other = before.get(name) or [], value
                counts = f"{len(one)}, not {len(other)}" if len(one) != len(other) else "others"
                return f"other {name} ({counts})"
            if name == "plugins":
                return _other_version(before.get(name) or {}, value)
            return f"{name} {before.get(name)}, not {value}"
    return ""


def _other_version(before: dict[str, str], now: dict[str, str]) -> str:
    """The first plug-in whose version differs, in words."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return f"version {before.get(names[0])} of {names[0]}, not {now.get(names[0])}"
