"""Every value of a training: what it may be, and how it is read from a TOML file.

The command line is made from these fields, so that names, defaults and meanings are the same
there, in TOML files and in a run's config.toml. Nothing here needs torch.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from lrcn_data.errors import UsageError
from lrcn_data.size import Size, parse_size, size_text
from lrcn_model.scoring.average import Average

Mean = Literal["image", "channel", "none"]
Optimizer = Literal["adam", "sgd"]
Device = Literal["auto", "cpu", "cuda"]
Amp = Literal["auto", "off", "bf16", "fp16"]
Reader = Literal["shards", "webdataset"]
CnnName = Literal["paper", "small"]
LrSchedule = Literal["step", "cosine", "none"]

PARTS = ("cnn", "lstm", "classifier")
"""What --freeze can name: the parts of the net."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """The values of `lrcn-train`; `MEANINGS` says what each is.

    Raises:
        UsageError: A value that can't be meant.
    """

    shards: tuple[str, ...] = ()
    val_shards: tuple[str, ...] = ()
    cnn: CnnName = "paper"
    size: Size = (216, 216)
    lstm_hidden: int = 256
    dropout: float = 0.5
    mean: Mean = "image"
    crop: float = 0.0
    flip: float = 0.0
    jitter: float = 0.0
    epochs: int = 10
    batch_size: int = 2
    accumulate: int = 1
    optimizer: Optimizer = "adam"
    lr: float = 5e-5
    lr_schedule: LrSchedule = "step"
    lr_decay: float = 0.5
    lr_decay_every: int = 5
    warmup: int = 0
    weight_decay: float = 0.0
    clip_grad: float = 0.0
    label_smoothing: float = 0.0
    ema: float = 0.0
    patience: int = 0
    init: str | None = None
    freeze: tuple[str, ...] = ()
    shuffle_window: int = 0
    balanced: bool = False
    average: Average = "log-probs"
    reader: Reader = "shards"
    amp: Amp = "auto"
    compile: bool = False
    seed: int = 0
    device: Device = "auto"
    workers: int | None = None
    checkpoint_every: int = 1000
    log_every: int = 10

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                listed = ", ".join(choices)
                raise UsageError(
                    f"--{_dashed(name)} must be one of {listed}, got {getattr(self, name)!r}"
                )
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                above = "" if most == _ANY else f" and at most {most:g}"
                raise UsageError(
                    f"--{_dashed(name)} must be at least {least:g}{above}, got {value:g}"
                )
        if not 0 < self.lr < _ANY:
            raise UsageError(f"--lr must be above 0, got {self.lr:g}")
        for name in ("dropout", "ema"):
            if not getattr(self, name) < 1:
                raise UsageError(f"--{name} must be below 1, got {getattr(self, name):g}")
        if min(self.size) < 1:
            raise UsageError(f"--size must be at least 1x1, got {size_text(self.size)}")
        if self.patience and not self.val_shards:
            raise UsageError(
                f"--patience {self.patience} waits for better accuracy on --val-shards; name some"
            )
        self._check_freeze()

    def _check_freeze(self) -> None:
        for name in self.freeze:
            if name not in PARTS:
                raise UsageError(f"--freeze must be one of {', '.join(PARTS)}, got {name!r}")
        if "lstm" in self.freeze and not self.lstm_hidden:
            raise UsageError("--freeze lstm: with --lstm-hidden 0 there is none; leave it out")
        trained = set(PARTS) - ({"lstm"} if not self.lstm_hidden else set())
        if trained <= set(self.freeze):
            raise UsageError(f"--freeze {' '.join(self.freeze)} leaves nothing to train")
        if self.freeze and self.init is None:
            raise UsageError(
                f"--freeze {' '.join(self.freeze)} would keep weights as drawn at random; name with"
                " --init the run whose weights to begin with"
            )

    def loss_values(self) -> dict[str, Any]:
        """What decides the losses, but for the shards' content, in the form of a TOML file."""
        return {name: value for name, value in self.to_toml().items() if name not in _NOT_IN_LOSSES}

    def to_toml(self) -> dict[str, Any]:
        """All values as a TOML file has them; what has no value is left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["size"] = size_text(self.size)
        for name in ("shards", "val_shards", "freeze"):
            values[name] = list(values[name])
        return {name: value for name, value in values.items() if value is not None}


MEANINGS = {
    "shards": "Shards to train on: paths, a folder, globs, ranges such as 'train-{000..099}.tar'.",
    "val_shards": "Shards to score after every epoch; the best weights on them are kept.",
    "cnn": "The paper's CNN, or a small one for small frames and CPUs.",
    "size": "Size that frames are squeezed to.",
    "lstm_hidden": "Units of the LSTM; 0 leaves it out (a single-frame net).",
    "dropout": "Probability, after the CNN and after the LSTM.",
    "mean": "What is subtracted: the mean image, its mean colour, nothing.",
    "crop": "Up to which fraction of width and height is cut away at random.",
    "flip": "Probability that a clip's left and right are exchanged.",
    "jitter": "Up to which fraction brightness, contrast and saturation change at random.",
    "epochs": "Passes over all clips.",
    "batch_size": "Clips a batch (of each process).",
    "accumulate": "Batches a step of the optimizer.",
    "optimizer": "Adam, or SGD with momentum 0.9.",
    "lr": "Learning rate at the start.",
    "lr_schedule": "Steps down by --lr-decay, half a cosine wave down to 0, or as it is.",
    "lr_decay": "Factor of the learning rate after --lr-decay-every epochs.",
    "lr_decay_every": "Epochs between two changes of the learning rate.",
    "warmup": "Steps of the optimizer over which the learning rate rises to what it would be.",
    "weight_decay": "L2 penalty.",
    "clip_grad": "Largest norm of the gradient; 0 for any.",
    "label_smoothing": "Share of each frame's label that is spread over all classes.",
    "ema": "Decay a step of a moving average of the weights, which is scored and kept (0: none).",
    "patience": "Stop after so many epochs without a better val accuracy (0: never).",
    "init": "Begin with the weights of this run, or of its weights.safetensors.",
    "freeze": f"Parts of the net that keep the weights of --init: {', '.join(PARTS)}.",
    "shuffle_window": "Read from so many shards at a time (0: all of them), for slow disks.",
    "balanced": "Take every class equally often instead of every clip once.",
    "average": "Which scores of a video's frames are averaged to recognize it.",
    "reader": "Read at random, or in sequence with webdataset (no exact resume in an epoch).",
    "amp": "Mixed precision; auto is bf16 or fp16 on a GPU, off on a CPU.",
    "compile": "Have torch.compile make the training's net faster; the first step takes longer.",
    "seed": "Of the first weights, the order, dropout and all random changes.",
    "device": "What computes.",
    "workers": "Processes that read. [default: the cores less 1, at most 8; none on 2 cores]",
    "checkpoint_every": "Steps between two checkpoints; there is one after every epoch besides.",
    "log_every": "Steps between two lines of metrics.jsonl.",
}
"""What each value is, as the command's help says it."""

_NOT_IN_LOSSES = frozenset(
    {
        *("shards", "val_shards", "patience"),
        *("device", "compile", "workers", "checkpoint_every", "log_every"),
    }
)
"""Values that don't decide the losses; the shards' content, which does, is known by its hash."""

_ANY = float("inf")

CHOICES: dict[str, tuple[str, ...]] = {
    "cnn": get_args(CnnName),
    "mean": get_args(Mean),
    "optimizer": get_args(Optimizer),
    "lr_schedule": get_args(LrSchedule),
    "average": get_args(Average),
    "reader": get_args(Reader),
    "amp": get_args(Amp),
    "device": get_args(Device),
}

_RANGES: dict[str, tuple[float, float]] = {
    "lstm_hidden": (0, _ANY),
    "dropout": (0, 1),
    "crop": (0, 0.95),
    "flip": (0, 1),
    "jitter": (0, 0.95),
    "epochs": (1, _ANY),
    "batch_size": (1, _ANY),
    "accumulate": (1, _ANY),
    "lr_decay": (0, _ANY),
    "lr_decay_every": (1, _ANY),
    "warmup": (0, _ANY),
    "weight_decay": (0, _ANY),
    "clip_grad": (0, _ANY),
    "label_smoothing": (0, 1),
    "ema": (0, 1),
    "patience": (0, _ANY),
    "shuffle_window": (0, _ANY),
    "seed": (0, 2**63 - 1),
    "workers": (0, _ANY),
    "checkpoint_every": (1, _ANY),
    "log_every": (1, _ANY),
}


def read_config(path: Path) -> dict[str, Any]:
    """The values of a TOML file, by the names of TrainOptions' fields; those it has, no others.

    Raises:
        UsageError: It can't be read, has an unknown name, or a value of another type.
    """
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path} is no TOML file: {error}") from error
    return values_from_toml(record, str(path))


def values_from_toml(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Check names and types of what a TOML file holds.

    Args:
        record: As tomllib gives it.
        source: Name of the file, for errors.

    Raises:
        UsageError: An unknown name, or a value of another type.
    """
    types = {f.name: str(f.type) for f in fields(TrainOptions)}
    values = {}
    for name, value in record.items():
        if name not in types:
            close = difflib.get_close_matches(name.replace("-", "_"), types, 1)
            hint = f"did you mean {close[0]!r}?" if close else "see `lrcn-train --help` for all"
            raise UsageError(f"{source}: there is no value {name!r}; {hint}")
        values[name] = _typed(name, value, types[name], source)
    return values


def _typed(name: str, value: Any, wanted: str, source: str) -> Any:
    """A value in the type that its field has."""
    if wanted == "Size" and isinstance(value, str):
        return parse_size(value, f"{source}: {name}")
    if wanted.startswith("tuple"):
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return tuple(texts)
    if wanted == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if wanted == "bool" and isinstance(value, bool):
        return value
    if wanted.startswith("int") and isinstance(value, int) and not isinstance(value, bool):
        return value
    if (name in CHOICES or wanted == "str | None") and isinstance(value, str):
        return value
    raise UsageError(f"{source}: {name} must be {_MEANT.get(wanted, 'a text')}, got {value!r}")


_MEANT = {
    "int": "a whole number",
    "int | None": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "Size": "a size such as '216x216'",
    "tuple[str, ...]": "a text or a list of texts",
}


def _dashed(name: str) -> str:
    return name.replace("_", "-")
