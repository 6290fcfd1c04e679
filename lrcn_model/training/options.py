"""Every value of a training: what it may be, and how it is read from a TOML file.

Each is declared once, as a field below with what `option` says of it. The command line is made
from these declarations, so that names, defaults and meanings are the same there, in TOML files and
in a run's config.toml. Nothing here needs torch.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError
from lrcn_data.storage.locations import is_url, read_whole
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.frame_differences import FRAME_INPUTS, FRAMES
from lrcn_model.nets.heads import HEADS
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.processor_names import DEVICES, PRECISIONS
from lrcn_model.scoring.loss_at import LAST, LOSS_AT
from lrcn_model.scoring.video_vote import VOTES
from lrcn_model.training.cnn_defaults import CNN_DEFAULTS
from lrcn_model.training.learning_rate import SCHEDULES
from lrcn_model.training.mean import MEANS
from lrcn_model.training.optimizers import OPTIMIZERS
from lrcn_model.training.option import (
    ByteCount,
    Choice,
    Flag,
    NetPart,
    Number,
    Option,
    PictureSize,
    Text,
    Texts,
    Weights,
    Whole,
    declared_option,
    option,
)

CLASS_WEIGHTS = ("none", "balanced")
"""What --class-weights takes."""

CACHES = ("auto", "off", "host", "device")
"""What --cache takes."""

PARTS = ("cnn", "lstm", "head", "classifier")
"""The parts of the net, as --freeze names them; `lstm` is an older name of the head."""

_MODULES = {name: name for name in PARTS} | {"lstm": "head"}

_DATA, _NET, _CHANGES = "Data", "Net", "Random changes of the clips"
_LEARNING, _MACHINE, _RUN = "Learning", "Machine", "Run"
"""The headings of the options, in the command's help."""

_DEFAULT_NET = NetConfig()

NET_OPTIONS = {
    "cnn": Option(
        group=_NET,
        kind=NetPart(CNNS),
        default=_DEFAULT_NET.cnn,
        meaning=f"The CNN: {', '.join(CNNS.built_in)} (a list of layers in a [cnn] table of"
        " --config), torchvision:NAME, timm:NAME, or module:function of your own.",
    ),
    "size": Option(
        group=_NET,
        kind=PictureSize(),
        default=_DEFAULT_NET.size,
        meaning="The width and height, in pixels, that every frame is squeezed to.",
    ),
    "frame_input": Option(
        group=_NET,
        kind=Choice(FRAME_INPUTS),
        default=_DEFAULT_NET.frame_input,
        meaning="What the CNN sees: each frame, its difference to the frame before (0 at the first"
        " one) in place of it, or both, with twice the channels.",
        added_later=True,
    ),
    "head": Option(
        group=_NET,
        kind=NetPart(HEADS),
        default=_DEFAULT_NET.head,
        meaning="The part that follows a clip from frame to frame: an LSTM, a GRU, the mean of the"
        " clip's frames, nothing (each frame is judged by itself), or a function of your own."
        " Layers, directions and what it sees are values of a [head] table in --config.",
    ),
    "lstm_hidden": Option(
        group=_NET,
        kind=Whole(),
        default=_DEFAULT_NET.lstm_hidden,
        meaning="The number of units of the LSTM; 0 is the same as --head none.",
    ),
    "dropout": Option(
        group=_NET,
        kind=Number(least=0, below=1),
        default=_DEFAULT_NET.dropout,
        meaning="The probability with which dropout sets a value to 0, after the CNN, after the"
        " head, and between the layers of a head of several.",
    ),
    "modality_dropout": Option(
        group=_NET,
        kind=Number(least=0, below=1),
        default=_DEFAULT_NET.modality_dropout,
        meaning="With --frame-input both, the probability with which a clip is seen without its"
        " frames, by their differences alone, so that a net learns movements and not scenes alone.",
        added_later=True,
    ),
}
"""The options that `TrainOptions.net` is made from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """The values of `lrcn-train`; `OPTIONS` says what each is.

    Attributes:
        net: What the net is built from; the classes and the frames' channels are the data's.

    Raises:
        UsageError: A value is out of range, or contradicts another one.
    """

    shards: tuple[str, ...] = option(
        (),
        Texts(metavar="SHARD..."),
        "The shards to train on: paths, a folder, globs, or ranges such as 'train-{000..099}.tar'.",
        in_losses=False,
        group=_DATA,
    )
    val_shards: tuple[str, ...] = option(
        (),
        Texts(metavar="SHARD..."),
        "The shards to score after every epoch; the weights that do best on them are kept.",
        in_losses=False,
        group=_DATA,
    )
    net: NetConfig = field(default=_DEFAULT_NET)
    mean: str = option(
        "image",
        Choice(tuple(MEANS)),
        "What is subtracted from every frame: the mean image of the data, its mean colour, or"
        " nothing. A CNN with a mean of its own takes that instead.",
        group=_DATA,
    )
    crop: float = option(
        0.0,
        Number(least=0, most=0.95),
        "The largest fraction of a frame's width and height that is cut away at random; the rest is"
        " resized to the full size.",
        group=_CHANGES,
    )
    flip: float = option(
        0.0,
        Number(least=0, most=1),
        "The probability with which left and right of a clip are exchanged.",
        group=_CHANGES,
    )
    jitter: float = option(
        0.0,
        Number(least=0, most=0.95),
        "The largest fraction by which a clip's brightness, contrast and saturation are changed at"
        " random.",
        group=_CHANGES,
    )
    fixed_views: int = option(
        0,
        Whole(),
        "The number of views of each clip that the epochs take in turn: the clip as it is stored,"
        " and random changes of it that are the same in every training. A frozen CNN computes its"
        " features no more often. 0 for new changes in every epoch.",
        group=_CHANGES,
        added_later=True,
    )
    epochs: int = option(
        10,
        Whole(least=1),
        "The number of times that the training goes through all clips.",
        group=_LEARNING,
    )
    batch_size: int = option(
        2, Whole(least=1), "The number of clips in a batch, in each process.", group=_LEARNING
    )
    accumulate: int = option(
        1,
        Whole(least=1),
        "The number of batches that together make one step of the optimizer.",
        group=_LEARNING,
    )
    optimizer: str = option(
        "adam",
        Choice(tuple(OPTIMIZERS)),
        "The optimizer: Adam, Adam with decoupled weight decay, or SGD with a momentum of 0.9.",
        group=_LEARNING,
    )
    lr: float = option(
        5e-5,
        Number(above=0),
        "The learning rate that the training begins with, after --warmup.",
        group=_LEARNING,
    )
    lr_schedule: str = option(
        "step",
        Choice(tuple(SCHEDULES)),
        "How the learning rate changes: multiplied by --lr-decay every few epochs, along half a"
        " cosine wave down to 0, or not at all.",
        group=_LEARNING,
    )
    lr_decay: float = option(
        0.5,
        Number(least=0),
        "The factor that the learning rate is multiplied by after every --lr-decay-every epochs.",
        group=_LEARNING,
    )
    lr_decay_every: int = option(
        5,
        Whole(least=1),
        "The number of epochs after which the learning rate is multiplied by --lr-decay.",
        group=_LEARNING,
    )
    warmup: int = option(
        0,
        Whole(),
        "The number of steps at the start over which the learning rate rises linearly to its full"
        " value.",
        group=_LEARNING,
    )
    weight_decay: float = option(
        0.0,
        Number(least=0),
        "The factor of the L2 penalty on the weights, or with adamw the share of --lr by which they"
        " shrink at every step; 0 means none.",
        group=_LEARNING,
    )
    clip_grad: float = option(
        0.0,
        Number(least=0),
        "The largest L2 norm that the gradient of all weights together may have; a larger gradient"
        " is scaled down to it. 0 allows any.",
        group=_LEARNING,
    )
    label_smoothing: float = option(
        0.0,
        Number(least=0, most=1),
        "The share of each frame's label that is spread evenly over all classes; where clips have"
        " several labels, over yes and no of each.",
        group=_LEARNING,
    )
    class_weights: str = option(
        "none",
        Choice(CLASS_WEIGHTS),
        "How much a clip, or where labels are in time a frame, of each class counts in the loss:"
        " all alike, or balanced, by one over the number of those that the class has.",
        group=_LEARNING,
        added_later=True,
    )
    mixup: float = option(
        0.0,
        Number(least=0),
        "Mix each clip of a batch with another one, and their labels as well, by a share from the"
        " beta distribution with this value twice, such as 0.4; 0 mixes nothing.",
        group=_LEARNING,
        added_later=True,
    )
    loss_at: str = option(
        "every",
        Choice(tuple(LOSS_AT)),
        "Where in a clip the loss is taken: at every frame, at the last one, which --average last"
        " suits, or at the mean of its frames' scores.",
        group=_LEARNING,
        added_later=True,
    )
    ema: float = option(
        0.0,
        Number(least=0, below=1),
        "The decay, at every step, of a moving average of the weights, which is scored and kept"
        " instead of the weights themselves; 0 turns it off.",
        group=_LEARNING,
    )
    patience: int = option(
        0,
        Whole(),
        "The number of epochs without a better accuracy on --val-shards (mAP where clips have"
        " several labels, frame mAP where labels are in time) after which the training stops; 0"
        " means that it never stops early.",
        in_losses=False,
        group=_LEARNING,
    )
    init: str | None = option(
        None,
        Text(),
        "The run whose weights the training begins with: the path or URL of its folder, or of its"
        " weights.safetensors.",
        group=_NET,
    )
    allow_other_sampling: bool = option(
        False,
        Flag(),
        "Allow --val-shards, and a run as --init, whose clips were sampled otherwise than those"
        " trained on: at another rate, with another sampling or stride.",
        in_losses=False,
        group=_DATA,
    )
    pretrained: str | None = option(
        None,
        Text(),
        "The weights that the CNN begins with: `library` for those that come with it, another run,"
        " of which the CNN is taken, or a file of safetensors or torch.",
        group=_NET,
    )
    freeze: tuple[str, ...] = option(
        (),
        Texts(metavar="PART..."),
        "The parts of the net that are not trained, but keep the weights of --init or --pretrained:"
        f" {', '.join(PARTS)}, or modules within them, such as cnn.blocks.0; lstm is an older name"
        " of the head.",
        group=_NET,
    )
    part_lr: tuple[str, ...] = option(
        (),
        Texts(metavar="PART=RATE..."),
        "Learning rates of parts of the net that are not --lr, such as cnn=1e-5; of several that"
        " hold for a weight, the longest name's. They change as --lr does.",
        group=_LEARNING,
        added_later=True,
    )
    shuffle_window: int = option(
        0,
        Whole(),
        "The number of shards that clips are drawn from at a time; a few suit slow disks, and 0"
        " means all of them.",
        group=_DATA,
    )
    balanced: bool = option(
        False,
        Flag(),
        "Take every class equally often, instead of every clip once; not where clips have several"
        " labels. Where labels are in time, a window is of the rarest class that it holds.",
        group=_DATA,
    )
    mix: tuple[float, ...] = option(
        (),
        Weights(metavar="WEIGHT..."),
        "How often clips of each data set in --shards are taken, in their order, such as 1 3: an"
        " epoch has as many clips as they have together, and of each its part of them.",
        default_meaning="every clip once",
        group=_DATA,
        added_later=True,
    )
    seq_len: int | None = option(
        None,
        Whole(least=1),
        "The number of frames that are taken evenly of each stored clip, where shards of --sampling"
        " blocks or center have more.",
        default_meaning="all",
        group=_DATA,
        added_later=True,
    )
    window: int | None = option(
        None,
        Whole(),
        "Where labels are in time, the number of frames of the windows that videos are cut into,"
        " whatever windows the shards have; 0 for whole videos.",
        default_meaning="as in the shards",
        group=_DATA,
        added_later=True,
    )
    window_stride: int = option(
        0,
        Whole(),
        "The number of frames from the start of a --window to the next one's; 0 for windows that"
        " share no frames.",
        group=_DATA,
        added_later=True,
    )
    carry_state: bool = option(
        False,
        Flag(),
        "Go through each video window by window, and let the head go on with what it has seen of"
        " the windows before; gradients end at a window's start. For causal heads.",
        group=_DATA,
        added_later=True,
    )
    allow_one_class: bool = option(
        False,
        Flag(),
        "Allow shards of a single class, of which every answer of a net would be right.",
        in_losses=False,
        group=_DATA,
    )
    average: str = option(
        "log-probs",
        Choice(tuple(VOTES)),
        "Which scores of a video's frames are averaged to recognize it: log-probabilities (log-odds"
        " where clips have several labels), probabilities, or the log-probabilities of each clip's"
        " last frame.",
        group=_LEARNING,
    )
    smooth: int = option(
        1,
        Whole(least=1),
        "Where labels are in time, the number of frames, an odd one, over which the probabilities"
        " of a frame are averaged when a video is scored or predicted; 1 judges each by itself.",
        group=_LEARNING,
        added_later=True,
    )
    reader: str = option(
        "shards",
        Choice(("shards", "webdataset")),
        "How shards are read: at random, or one after the other with the webdataset library, with"
        " which a stopped epoch begins anew.",
        group=_DATA,
    )
    cache: str = option(
        "auto",
        Choice(CACHES),
        "What is computed once for all epochs: with auto the features of a frozen CNN whose frames"
        " are not changed at random, in files beside the run; with host or device every clip's"
        " decoded frames, in this machine's or the GPU's memory; with off nothing.",
        in_losses=False,
        group=_MACHINE,
    )
    cache_dir: str | None = option(
        None,
        Text(),
        "A folder on this machine in which whole shards of stores are kept for later epochs, for"
        " other trainings and for lrcn-eval.",
        default_meaning="none",
        in_losses=False,
        group=_MACHINE,
    )
    cache_size: int | None = option(
        None,
        ByteCount(),
        "The most bytes that the shards in --cache-dir may have: 200GB, 500MiB.",
        default_meaning="what is free, less a tenth of the disk",
        in_losses=False,
        group=_MACHINE,
    )
    amp: str = option(
        "auto",
        Choice(PRECISIONS),
        "The mixed precision to compute in; auto is bf16 or fp16 on a GPU, and off on a CPU.",
        group=_MACHINE,
    )
    compile: bool = option(
        False,
        Flag(),
        "Compile the CNN with torch.compile: the first step takes longer, the others are faster.",
        in_losses=False,
        group=_MACHINE,
    )
    seed: int = option(
        0,
        Whole(most=2**63 - 1),
        "The seed of the first weights, the order of the clips, dropout and all random changes.",
        group=_LEARNING,
    )
    device: str = option(
        "auto",
        Choice(DEVICES),
        "The device to compute on; auto takes a GPU if there is one.",
        in_losses=False,
        group=_MACHINE,
    )
    workers: int | None = option(
        None,
        Whole(),
        "The number of processes that read shards; with 0 the main process reads.",
        default_meaning="the cores less 1, at most 8; 0 on 2 cores",
        in_losses=False,
        group=_MACHINE,
    )
    checkpoint_every: int = option(
        1000,
        Whole(least=1),
        "The number of steps between two checkpoints; one is also saved at the end of every epoch.",
        in_losses=False,
        group=_RUN,
    )
    log_every: int = option(
        10,
        Whole(least=1),
        "The number of steps between two lines of metrics.jsonl.",
        in_losses=False,
        group=_RUN,
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
        self.part_rates()
        if self.fixed_views and not self.changes_clips:
            raise UsageError(
                f"--fixed-views {self.fixed_views} are views of clips that are changed at random;"
                " give --crop, --flip or --jitter as well"
            )
        if self.cache in ("host", "device") and self.reader != "shards":
            raise UsageError(f"--cache {self.cache} goes with --reader shards")
        if self.seq_len is not None and self.reader != "shards":
            raise UsageError(f"--seq-len {self.seq_len} goes with --reader shards")
        self._check_windows()

    def _check_windows(self) -> None:
        if self.window_stride and not self.window:
            raise UsageError(
                f"--window-stride {self.window_stride} says how far --window moves; give its length"
                " as well"
            )
        if self.smooth % 2 == 0:
            raise UsageError(
                f"--smooth takes an odd number of frames, as many before a frame as behind it, got"
                f" {self.smooth}"
            )
        if self.window is not None and self.reader != "shards":
            raise UsageError(f"--window {self.window} goes with --reader shards")
        if self.scores_carry_state and self.net.frame_input != FRAMES:
            what = "--carry-state goes" if self.carry_state else "--loss-at last of a --window goes"
            raise UsageError(
                f"{what} on from window to window, and --frame-input {self.net.frame_input} begins"
                " anew with each; leave one of them out"
            )
        if not self.carry_state:
            return
        if not self.window:
            raise UsageError(
                "--carry-state goes through videos in windows; give their length, such as"
                " --window 64"
            )
        others = {
            "--window-stride": self.window_stride,
            "--balanced": self.balanced,
            "--mix": self.mix,
            "--shuffle-window": self.shuffle_window,
            "--mixup": self.mixup,
            "--compile": self.compile,
            "--smooth": self.smooth > 1,
        }
        for flag, given in others.items():
            if given:
                raise UsageError(
                    f"--carry-state takes the frames of each video in their order and knows none to"
                    f" come; leave {flag} out"
                )

    def _check_freeze(self) -> None:
        for part in self.freeze:
            self._check_part("--freeze", part)
        trained = set(_MODULES.values()) - (set() if self.net.has_head else {"head"})
        if trained <= set(self.frozen_modules()):
            raise UsageError(f"--freeze {' '.join(self.freeze)} leaves nothing to train")
        if self.freezes_cnn and self.net.modality_dropout:
            raise UsageError(
                f"--modality-dropout {self.net.modality_dropout} is for a CNN that learns, and"
                " --freeze keeps it as it is; leave one of them out"
            )
        others = [part for part in self.frozen_modules() if part.partition(".")[0] != "cnn"]
        if self.freeze and self.init is None and (self.pretrained is None or others):
            raise UsageError(
                f"--freeze {' '.join(self.freeze)} would keep weights as drawn at random; name with"
                " --init the run whose weights to begin with, or with --pretrained those of the CNN"
            )
        if self.init is not None and self.pretrained is not None:
            raise UsageError(
                f"--init {self.init} has a CNN, and so has --pretrained {self.pretrained}; give one"
                " of the two"
            )

    def _check_part(self, flag: str, part: str) -> None:
        """Refuse the name of a part that the net can't have."""
        root = part.partition(".")[0]
        if root not in PARTS:
            raise UsageError(
                f"{flag} takes {', '.join(PARTS)}, or a module within one of them, such as"
                f" cnn.blocks.0, got {part!r}"
            )
        if _MODULES[root] == "head" and not self.net.has_head:
            raise UsageError(f"{flag} {part}: with --lstm-hidden 0 there is none; leave it out")

    def frozen_modules(self) -> list[str]:
        """The names of the net's modules that --freeze means, each once."""
        return list(dict.fromkeys(_module(part) for part in self.freeze))

    @property
    def freezes_cnn(self) -> bool:
        """Whether the whole CNN is left as it is."""
        return "cnn" in self.frozen_modules()

    @property
    def scores_carry_state(self) -> bool:
        """Whether videos are scored window by window with the head's state carried on.

        So are those of a net that was trained at the last frames of windows: a frame is judged
        after as many frames before it as there are (see `loss.losses_in_time`).
        """
        return self.carry_state or bool(self.window and self.loss_at == LAST)

    @property
    def changes_clips(self) -> bool:
        """Whether clips are changed at random."""
        return bool(self.crop or self.flip or self.jitter)

    @property
    def caches_features(self) -> bool:
        """Whether epochs need not run the CNN."""
        same = not self.changes_clips or self.fixed_views > 0
        # contrast is about the mean of a whole clip, and windows are cut from several
        same = same and not (self.jitter and self.window is not None)
        # a frame's features are others where another window begins with it
        same = same and (self.window is None or self.net.frame_input == FRAMES)
        return (self.cache, self.reader) == ("auto", "shards") and self.freezes_cnn and same

    def view(self, epoch: int) -> int:
        """The number of the fixed view that an epoch takes; 0 for clips as they are stored."""
        return epoch % self.fixed_views if self.fixed_views else 0

    def part_rates(self) -> dict[str, float]:
        """The learning rate of each module that --part-lr names, by the module's name.

        Raises:
            UsageError: --part-lr names no part, or gives it no rate of at least 0.
        """
        rates = {}
        for text in self.part_lr:
            part, separator, rate = text.rpartition("=")
            try:
                value = float(rate)
            except ValueError:
                value = math.nan
            if not separator or not 0 <= value < math.inf:
                raise UsageError(
                    f"--part-lr takes a part and its learning rate, such as cnn=1e-5, got {text!r}"
                )
            self._check_part("--part-lr", part)
            rates[_module(part)] = value
        return rates

    @classmethod
    def of_new_run(cls, *layers: Mapping[str, Any]) -> Self:
        """The options of a new run: values that are given, else those that suit its CNN.

        Args:
            *layers: Values as `with_values` takes them.

        Raises:
            UsageError: A value is out of range, or contradicts another one.
        """
        cnn = cls().with_values(*layers).net.cnn.name
        return cls().with_values(CNN_DEFAULTS.get(cnn, {}), *layers)

    def with_values(self, *layers: Mapping[str, Any]) -> Self:
        """The same options with some values changed.

        Args:
            *layers: Values by the names of `OPTIONS`; a later layer's values override those of the
                layers before it.

        Raises:
            UsageError: A value is out of range, or contradicts another one.
        """
        net, others = self.net, dict[str, Any]()
        for layer in layers:
            for name, value in layer.items():
                OPTIONS[name].check(name, value)
            net = net.changed({name: layer[name] for name in layer if name in NET_OPTIONS})
            others |= {name: layer[name] for name in layer if name not in NET_OPTIONS}
        return replace(self, net=net, **others)

    def loss_values(self) -> dict[str, Any]:
        """The values that decide the losses, in the form of a TOML file.

        The shards' content decides them too, and is known by its hash instead.
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
        """All values as a TOML file has them; options without a value are left out."""
        return {name: OPTIONS[name].kind.to_toml(value) for name, value in self._given().items()}

    def _given(self) -> dict[str, Any]:
        """The value of each option that has one."""
        values = {
            name: getattr(self.net if name in NET_OPTIONS else self, name) for name in OPTIONS
        }
        # the head is written as it always was, unless that can't say it
        del values["head" if self.net.lstm_hidden is not None else "lstm_hidden"]
        return {name: value for name, value in values.items() if value is not None}


def _module(part: str) -> str:
    """The name of the net's module that a part is."""
    root, *within = part.split(".")
    return ".".join([_MODULES[root], *within])


def _all_options() -> dict[str, Option]:
    found: dict[str, Option] = {}
    for declared in fields(TrainOptions):
        one = declared_option(declared.metadata)
        found |= NET_OPTIONS if one is None else {declared.name: one}
    return found


OPTIONS = _all_options()
"""All options by name, in the order in which the help shows them."""


SEARCH = "search"
"""The table of a TOML file that says what lrcn-search searches, and which no training takes."""


def read_config(path: Path | str) -> dict[str, Any]:
    """The values that a TOML file has, by the names of `OPTIONS`; the others are left out.

    Raises:
        UsageError: The file can't be read, or has an unknown name or a value of the wrong type.
    """
    record = read_toml(path)
    if SEARCH in record:
        raise UsageError(
            f"--config {path} has a [{SEARCH}] table; search with `lrcn-search {path}`, and train"
            " with the best.toml that it writes"
        )
    return values_from_toml(record, str(path))


def read_toml(path: Path | str) -> dict[str, Any]:
    """What the TOML file of --config holds, unchecked.

    Args:
        path: Its path or URL.

    Raises:
        UsageError: The file can't be read, or is no TOML.
    """
    try:
        # one on this machine may be a pipe, such as a shell's <(...)
        data = read_whole(str(path)) if is_url(path) else Path(path).read_bytes()
        return tomllib.loads(data.decode())
    except OSError as error:
        raise UsageError(f"--config {path} can't be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path} is no TOML file: {error}") from error


def values_from_toml(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Check the names and types of what a TOML file holds, and give the values.

    Args:
        record: The file's content, as tomllib gives it.
        source: The name of the file, for error messages.

    Returns:
        The values in the types that the options' fields have, by the names of `OPTIONS`.

    Raises:
        UsageError: A name is unknown, or a value has the wrong type.
    """
    values = {}
    for name, value in record.items():
        if name not in OPTIONS:
            close = did_you_mean(name.replace("-", "_"), OPTIONS)
            hint = close or "see `lrcn-train --help` for all"
            raise UsageError(f"{source}: there is no value {name!r}; {hint}")
        values[name] = OPTIONS[name].kind.from_toml(value, f"{source}: {name}")
    return values
