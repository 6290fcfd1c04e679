"""Every value of a training: what it may be, and how it is read from a TOML file.

Each is declared once, as a field below with what `option` says of it. The command line is made
from these declarations, so that names, defaults and meanings are the same there, in TOML files and
in a run's config.toml. Nothing here needs torch.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, get_args

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import CNNS
from lrcn_model.nets.head import HEADS
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.scoring.average import Average
from lrcn_model.training.learning_rate import SCHEDULES
from lrcn_model.training.mean import MEANS
from lrcn_model.training.optimizers import OPTIMIZERS
from lrcn_model.training.option import (
    Choice,
    Flag,
    NetPart,
    Number,
    Option,
    PictureSize,
    Text,
    Texts,
    Whole,
    declared_option,
    option,
)

PARTS = ("cnn", "lstm", "head", "classifier")
"""What --freeze can name: the parts of the net; `lstm` is an older name of the head."""

_MODULES = {name: name for name in PARTS} | {"lstm": "head"}

_DEFAULT_NET = NetConfig()

NET_OPTIONS = {
    "cnn": Option(
        kind=NetPart(CNNS),
        default=_DEFAULT_NET.cnn,
        meaning="The CNN: the paper's, a small one for small frames and CPUs, or a function of your"
        " own.",
    ),
    "size": Option(
        kind=PictureSize(),
        default=_DEFAULT_NET.size,
        meaning="The size that frames are squeezed to.",
    ),
    "head": Option(
        kind=NetPart(HEADS),
        default=_DEFAULT_NET.head,
        meaning="What sees a clip's frames in their order: an LSTM, nothing (each frame is judged"
        " by itself), or a function of your own.",
    ),
    "lstm_hidden": Option(
        kind=Whole(),
        default=_DEFAULT_NET.lstm_hidden,
        meaning="The number of units of the LSTM; 0 is the same as --head none.",
    ),
    "dropout": Option(
        kind=Number(least=0, most=1, below=1),
        default=_DEFAULT_NET.dropout,
        meaning="The probability of dropping a value, after the CNN and after the head.",
    ),
}
"""The options that `TrainOptions.net` is made from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """The values of `lrcn-train`; `OPTIONS` says what each is.

    Attributes:
        net: What the net is built from; the classes and the frames' channels are the data's.

    Raises:
        UsageError: A value that can't be meant.
    """

    shards: tuple[str, ...] = option(
        (),
        Texts(metavar="SHARD..."),
        "The shards to train on: paths, a folder, globs, or ranges such as 'train-{000..099}.tar'.",
        in_losses=False,
    )
    val_shards: tuple[str, ...] = option(
        (),
        Texts(metavar="SHARD..."),
        "The shards to score after every epoch; the weights that do best on them are kept.",
        in_losses=False,
    )
    net: NetConfig = field(default=_DEFAULT_NET)
    mean: str = option(
        "image",
        Choice(tuple(MEANS)),
        "What is subtracted from every frame: the mean image of the data, its mean colour, or"
        " nothing. A CNN with a mean of its own takes that instead.",
    )
    crop: float = option(
        0.0,
        Number(least=0, most=0.95),
        "The largest fraction of width and height that is cut away at random.",
    )
    flip: float = option(
        0.0,
        Number(least=0, most=1),
        "The probability that left and right of a clip are exchanged.",
    )
    jitter: float = option(
        0.0,
        Number(least=0, most=0.95),
        "The largest fraction by which brightness, contrast and saturation change at random.",
    )
    epochs: int = option(10, Whole(least=1), "How many times to go through all clips.")
    batch_size: int = option(2, Whole(least=1), "How many clips a batch has (in each process).")
    accumulate: int = option(1, Whole(least=1), "How many batches make one step of the optimizer.")
    optimizer: str = option(
        "adam", Choice(tuple(OPTIMIZERS)), "Adam, or SGD with a momentum of 0.9."
    )
    lr: float = option(5e-5, Number(above=0), "The learning rate to begin with.")
    lr_schedule: str = option(
        "step",
        Choice(tuple(SCHEDULES)),
        "How the learning rate changes: in steps of --lr-decay, along half a cosine wave down to"
        " 0, or not at all.",
    )
    lr_decay: float = option(
        0.5,
        Number(least=0),
        "What the learning rate is multiplied by after every --lr-decay-every epochs.",
    )
    lr_decay_every: int = option(
        5, Whole(least=1), "How many epochs the learning rate stays the same."
    )
    warmup: int = option(
        0,
        Whole(),
        "The number of steps over which the learning rate rises to what it would be otherwise.",
    )
    weight_decay: float = option(0.0, Number(least=0), "The weight of the L2 penalty.")
    clip_grad: float = option(
        0.0,
        Number(least=0),
        "The largest norm that the gradient may have; larger ones are scaled down to it. 0 allows"
        " any.",
    )
    label_smoothing: float = option(
        0.0,
        Number(least=0, most=1),
        "The share of each frame's label that is spread over all classes.",
    )
    ema: float = option(
        0.0,
        Number(least=0, most=1, below=1),
        "Score and keep a moving average of the weights, with this decay at every step (0: the"
        " weights themselves).",
    )
    patience: int = option(
        0,
        Whole(),
        "Stop after this many epochs without a better accuracy on the val shards (0: never).",
        in_losses=False,
    )
    init: str | None = option(
        None,
        Text(),
        "Begin with the weights of this run (its folder, or its weights.safetensors).",
    )
    freeze: tuple[str, ...] = option(
        (),
        Texts(metavar="PART...", choices=PARTS),
        f"The parts of the net that keep the weights of --init: {', '.join(PARTS)} (lstm is an"
        " older name of the head).",
    )
    shuffle_window: int = option(
        0,
        Whole(),
        "How many shards to read from at a time (0: all of them); a few suit slow disks.",
    )
    balanced: bool = option(
        False, Flag(), "Take every class equally often, instead of every clip once."
    )
    average: Average = option(  # noqa: RUF009 - it is a field
        "log-probs",
        Choice(get_args(Average)),
        "Which scores of a video's frames are averaged to recognize it.",
    )
    reader: str = option(
        "shards",
        Choice(("shards", "webdataset")),
        "Read the shards at random, or one after the other with the webdataset library (a stopped"
        " epoch then begins anew).",
    )
    amp: str = option(
        "auto",
        Choice(("auto", "off", "bf16", "fp16")),
        "Mixed precision; auto is bf16 or fp16 on a GPU, and off on a CPU.",
    )
    compile: bool = option(
        False,
        Flag(),
        "Make the training faster with torch.compile; the first step takes longer.",
        in_losses=False,
    )
    seed: int = option(
        0,
        Whole(most=2**63 - 1),
        "The seed of the first weights, the order of the clips, dropout and all random changes.",
    )
    device: str = option(
        "auto",
        Choice(("auto", "cpu", "cuda")),
        "What to compute on; auto is a GPU where there is one.",
        in_losses=False,
    )
    workers: int | None = option(
        None,
        Whole(),
        "The number of processes that read shards. [default: the cores less 1, at most 8; none on"
        " 2 cores]",
        in_losses=False,
    )
    checkpoint_every: int = option(
        1000,
        Whole(least=1),
        "How many steps there are between two checkpoints; every epoch ends with one besides.",
        in_losses=False,
    )
    log_every: int = option(
        10,
        Whole(least=1),
        "How many steps there are between two lines of metrics.jsonl.",
        in_losses=False,
    )

    def __post_init__(self) -> None:
        for name, declared in OPTIONS.items():
            if name not in NET_OPTIONS:
                declared.check(name, getattr(self, name))
        NET_OPTIONS["size"].check("size", self.net.size)
        if self.patience and not self.val_shards:
            raise UsageError(
                f"--patience {self.patience} waits for better accuracy on --val-shards; name some"
            )
        self._check_freeze()

    def _check_freeze(self) -> None:
        for name in self.freeze:
            if _MODULES[name] == "head" and not self.net.has_head:
                raise UsageError(
                    f"--freeze {name}: with --lstm-hidden 0 there is none; leave it out"
                )
        trained = set(_MODULES.values()) - (set() if self.net.has_head else {"head"})
        if trained <= set(self.frozen_modules()):
            raise UsageError(f"--freeze {' '.join(self.freeze)} leaves nothing to train")
        if self.freeze and self.init is None:
            raise UsageError(
                f"--freeze {' '.join(self.freeze)} would keep weights as drawn at random; name with"
                " --init the run whose weights to begin with"
            )

    def frozen_modules(self) -> list[str]:
        """The names of the net's modules that --freeze means, each once."""
        return list(dict.fromkeys(_MODULES[name] for name in self.freeze))

    def with_values(self, *layers: Mapping[str, Any]) -> Self:
        """The same options with some values changed.

        Args:
            *layers: Values by the names of `OPTIONS`; those of a later one count over those of the
                ones before it.

        Raises:
            UsageError: A value that can't be meant.
        """
        net, others = self.net, dict[str, Any]()
        for layer in layers:
            for name, value in layer.items():
                OPTIONS[name].check(name, value)
            net = net.changed({name: layer[name] for name in layer if name in NET_OPTIONS})
            others |= {name: layer[name] for name in layer if name not in NET_OPTIONS}
        return replace(self, net=net, **others)

    def loss_values(self) -> dict[str, Any]:
        """What decides the losses, but for the shards' content, in the form of a TOML file.

        The shards' content, which does, is known by its hash.
        """
        values = {
            name: OPTIONS[name].kind.to_toml(value)
            for name, value in self._given().items()
            if OPTIONS[name].tells_runs_apart(value)
        }
        # the two names of the head make no other run
        values["freeze"] = ["lstm" if name == "head" else name for name in self.freeze]
        return values

    def to_toml(self) -> dict[str, Any]:
        """All values as a TOML file has them; what has no value is left out."""
        return {name: OPTIONS[name].kind.to_toml(value) for name, value in self._given().items()}

    def _given(self) -> dict[str, Any]:
        """The value of each option that has one."""
        values = {
            name: getattr(self.net if name in NET_OPTIONS else self, name) for name in OPTIONS
        }
        # the head is written as it always was, unless that can't say it
        del values["head" if self.net.lstm_hidden is not None else "lstm_hidden"]
        return {name: value for name, value in values.items() if value is not None}


def _all_options() -> dict[str, Option]:
    found: dict[str, Option] = {}
    for declared in fields(TrainOptions):
        one = declared_option(declared.metadata)
        found |= NET_OPTIONS if one is None else {declared.name: one}
    return found


OPTIONS = _all_options()
"""All options by name, in the order in which the help shows them."""


def read_config(path: Path) -> dict[str, Any]:
    """The values of a TOML file, by the names of `OPTIONS`; those it has, no others.

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
    values = {}
    for name, value in record.items():
        if name not in OPTIONS:
            close = difflib.get_close_matches(name.replace("-", "_"), OPTIONS, 1)
            hint = f"did you mean {close[0]!r}?" if close else "see `lrcn-train --help` for all"
            raise UsageError(f"{source}: there is no value {name!r}; {hint}")
        values[name] = OPTIONS[name].kind.from_toml(value, f"{source}: {name}")
    return values
