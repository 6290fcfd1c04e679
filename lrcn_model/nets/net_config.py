"""What a net is built from, as data; nothing here needs torch.

The same config is in the options of a training, in its TOML file, and in the saved weights.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError
from lrcn_data.size import Size
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.frame_differences import BOTH, FRAME_INPUTS, FRAMES
from lrcn_model.nets.heads import HEAD_VALUES, HEADS

_SHOWN = 80
"""The most characters that are shown of a part's own values; a list of layers may be long."""

_LSTM, _NO_HEAD, _HIDDEN = "lstm", "none", "hidden"


@dataclass(frozen=True, slots=True, init=False)
class Part:
    """A part of the net: the name of its kind, and a table of its own values.

    `Part("my_nets:resnet", width=32)` is what a TOML file has as

        [cnn]
        name = "my_nets:resnet"
        width = 32

    Attributes:
        name: The name of a built-in kind, or `package.module:function` of a plug-in.
        values: The part's own values by name, as JSON has them.

    Raises:
        UsageError: A value is neither a text, a number, a truth value, nor a list or a table of
            those.
    """

    name: str
    values: dict[str, Any] = field(hash=False)

    def __init__(self, name: str, /, **values: Any) -> None:
        try:
            # as they come back from a file, so that they compare equal with what was saved
            copied = json.loads(json.dumps(values))
        except TypeError as error:
            raise UsageError(f"the values of {name} can't be saved: {error}") from error
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "values", copied)

    def __str__(self) -> str:
        if not self.values:
            return self.name
        values = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        return f"{self.name} ({textwrap.shorten(values, _SHOWN, placeholder=' ...')})"

    @classmethod
    def of(cls, value: Part | str | Mapping[str, Any]) -> Part:
        """A part from its name alone, or from a table with a `name` and its own values.

        Raises:
            UsageError: The table has no name, or a value that can't be saved.
        """
        if isinstance(value, Part):
            return value
        if isinstance(value, str):
            return cls(value)
        name = value.get("name")
        if not isinstance(name, str):
            raise UsageError(f"a table of a part of the net needs a name, got {dict(value)}")
        return cls(name, **{key: one for key, one in value.items() if key != "name"})

    def to_json(self) -> str | dict[str, Any]:
        """The name, or a table where there are values besides it, which `of` reads back."""
        return {"name": self.name, **self.values} if self.values else self.name

    def filled(self, **defaults: Any) -> dict[str, Any]:
        """All values that a kind of part knows, with the defaults of those that are not given.

        Args:
            **defaults: The values that the kind knows, each with its default.

        Raises:
            UsageError: The part has a value that the kind doesn't know.
        """
        for name in self.values:
            if name not in defaults:
                hint = did_you_mean(name, defaults)
                raise UsageError(f"{self.name} has no value {name!r}{hint and '; ' + hint}")
        return {**defaults, **self.values}

    def replaced_by(self, other: Part) -> Part:
        """Another part; this one where the other is only this one's name, without values."""
        return self if other.name == self.name and not other.values else other


@dataclass(frozen=True, slots=True, init=False)
class NetConfig:
    """What a net is built from.

    Args:
        classes: The number of classes; 0 as long as the data has not said it.
        cnn: The CNN, by its name, or with values of its own as a `Part` or as a table. `paper` is
            that of G. Thung and H. Jiang, "A Torch Library for Action Recognition and Detection
            Using CNNs and LSTMs"; `small` is for small frames and for CPUs.
        head: What stands between the CNN and the classifier, given like the CNN: `lstm`, `gru`,
            `mean`, which judges a clip by the mean of its frames, or `none`, which judges each
            frame by itself. `heads.HEAD_VALUES` has the values of each. One that is given as its
            default is left out, except the `hidden` of an `lstm`.
        size: (width, height), in pixels, of the frames that the net sees.
        channels: The number of channels that the frames have.
        frame_input: What the CNN sees of a frame, among `frame_differences.FRAME_INPUTS`: itself,
            its difference to the frame before, or both.
        dropout: The probability with which dropout sets a value to 0, after the CNN's features,
            after the head, and between the layers of a head of several.
        modality_dropout: The probability with which a clip is seen without its frames in training,
            by its differences alone, where the CNN sees both.
        lstm_hidden: A short way to give the head: the number of units of an `lstm`, which keeps
            its other values, or 0 for `none`.

    Raises:
        UsageError: A value is out of range, a part has a name that there is not, or `head` and
            `lstm_hidden` contradict each other.
    """

    classes: int
    cnn: Part
    head: Part
    size: Size
    channels: int
    dropout: float
    frame_input: str
    modality_dropout: float

    def __init__(
        self,
        *,
        classes: int = 0,
        cnn: Part | str | Mapping[str, Any] = "paper",
        head: Part | str | Mapping[str, Any] | None = None,
        size: Size = (216, 216),
        channels: int = 3,
        dropout: float = 0.5,
        frame_input: str = FRAMES,
        modality_dropout: float = 0.0,
        lstm_hidden: int | None = None,
    ) -> None:
        cnn, head = Part.of(cnn), _head(head, lstm_hidden)
        CNNS.check(cnn.name)
        HEADS.check(head.name)
        if classes < 0:
            raise UsageError(f"a net can't have {classes} classes")
        if channels < 1:
            raise UsageError(f"frames need at least 1 channel, got {channels}")
        if not 0 <= dropout < 1:
            raise UsageError(f"--dropout must be from 0 to below 1, got {dropout}")
        if frame_input not in FRAME_INPUTS:
            raise UsageError(
                f"--frame-input must be one of {', '.join(FRAME_INPUTS)}, got {frame_input!r}"
            )
        if not 0 <= modality_dropout < 1:
            raise UsageError(
                f"--modality-dropout must be from 0 to below 1, got {modality_dropout}"
            )
        if modality_dropout and frame_input != BOTH:
            raise UsageError(
                f"--modality-dropout {modality_dropout} leaves a clip's frames out and shows its"
                f" differences alone; it goes with --frame-input {BOTH}"
            )
        for name, value in (
            ("classes", classes),
            ("cnn", cnn),
            ("head", head),
            ("size", (size[0], size[1])),
            ("channels", channels),
            ("dropout", dropout),
            ("frame_input", frame_input),
            ("modality_dropout", modality_dropout),
        ):
            object.__setattr__(self, name, value)

    @property
    def for_cnn(self) -> Self:
        """The config that the CNN is built from, whose frames are what the CNN sees of frames."""
        channels = 2 * self.channels if self.frame_input == BOTH else self.channels
        return replace(self, channels=channels, frame_input=FRAMES, modality_dropout=0.0)

    @property
    def lstm_hidden(self) -> int | None:
        """The number of units of the LSTM, 0 where there is no head; None for any other head.

        None also for an LSTM with other values than that one.
        """
        if self.head == Part(_NO_HEAD):
            return 0
        if self.head.name == _LSTM and self.head.values.keys() == {_HIDDEN}:
            units = self.head.values[_HIDDEN]
            return units if type(units) is int else None
        return None

    @property
    def has_head(self) -> bool:
        """Whether there is a head, so that frames are not judged each by itself."""
        return self.head.name != _NO_HEAD

    def changed(self, values: Mapping[str, Any]) -> Self:
        """The same config with some values changed.

        A part of which only the name is given, and that has this name already, keeps its values.

        Args:
            values: The new values, by the names of the constructor's arguments.

        Raises:
            UsageError: A value is out of range.
        """
        changes = dict(values)
        for name in {"cnn", "head"} & changes.keys():
            changes[name] = getattr(self, name).replaced_by(Part.of(changes[name]))
        if "lstm_hidden" in changes:
            own = self.head if self.head.name == _LSTM else None
            changes["head"] = _head(changes.get("head", own), changes.pop("lstm_hidden"))
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The record of the config that saved weights have; plain frames aren't named."""
        differs: dict[str, Any] = {}
        if self.frame_input != FRAMES:
            differs["frame_input"] = self.frame_input
        if self.modality_dropout:
            differs["modality_dropout"] = self.modality_dropout
        return {
            "classes": self.classes,
            "cnn": self.cnn.to_json(),
            "head": self.head.to_json(),
            "size": list(self.size),
            "channels": self.channels,
            "dropout": self.dropout,
            **differs,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read a record back, also one from before there were heads, which has `lstm_hidden`.

        Raises:
            TypeError: The record has a value that there is not.
            UsageError: A value is out of range.
        """
        return cls(**{**record, "size": tuple(record["size"])})


def _head(head: Part | str | Mapping[str, Any] | None, lstm_hidden: int | None) -> Part:
    """The head that `head` and `lstm_hidden` mean together."""
    given = None if head is None else Part.of(head)
    if lstm_hidden is None:
        return _said_shortly(given or Part(_LSTM))
    if lstm_hidden < 0:
        raise UsageError(f"--lstm-hidden must be at least 0, got {lstm_hidden}")
    name = _LSTM if lstm_hidden else _NO_HEAD
    if given is not None and given.name not in (_LSTM, name):
        raise UsageError(
            f"--lstm-hidden {lstm_hidden} means --head {name}, but --head is {given.name};"
            " give one of the two"
        )
    if not lstm_hidden:
        return Part(_NO_HEAD)
    others = {} if given is None else given.values
    return _said_shortly(Part(_LSTM, **{**others, _HIDDEN: lstm_hidden}))


def _said_shortly(head: Part) -> Part:
    """The same head without values at their default, so that one head has one record.

    An LSTM has its number of units in any case, as it had before there were other values.
    """
    defaults = HEAD_VALUES.get(head.name, {})
    kept = {
        name: value
        for name, value in head.values.items()
        # 1 is no default where the default is true
        if name not in defaults or (type(value), value) != (type(defaults[name]), defaults[name])
    }
    if head.name == _LSTM:
        kept = {_HIDDEN: defaults[_HIDDEN], **kept}
    return Part(head.name, **kept)
