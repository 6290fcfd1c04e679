"""What an option of a training is: a kind of value, its bounds, its meaning, its default.

A kind of value reads what a TOML file has, writes it, and checks it. What it is on a command line
is said there. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lrcn_data.errors import UsageError
from lrcn_data.plugins import Kinds
from lrcn_data.size import Size, parse_bytes, parse_size, size_text
from lrcn_model.nets.net_config import Part

_METADATA = "option"


class ValueKind(Protocol):
    """A kind of value that an option may have."""

    def from_toml(self, value: Any, where: str) -> Any:
        """Convert a value from a TOML file to the type that the option's field has.

        Args:
            value: The value, as tomllib gives it.
            where: The file and the option's name, for error messages.

        Raises:
            UsageError: The value has the wrong type.
        """

    def to_toml(self, value: Any) -> Any:
        """The value as a TOML file has it, which `from_toml` reads back."""

    def check(self, flag: str, value: Any) -> None:
        """Make sure that a value is within its bounds.

        Args:
            flag: The option's name on the command line, for error messages.
            value: The value, in the type that the option's field has.

        Raises:
            UsageError: The value is out of bounds.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """All that is declared of an option besides its name.

    Attributes:
        kind: The kind of value that the option has.
        meaning: The text of the command's help: what the value is, its unit and its effect.
        group: The heading in the command's help under which the option stands.
        default: The value where none is given; None for an option that has no value then.
        default_meaning: What the help says of a default that is found out later; empty where
            `default` says it.
        in_losses: Whether the value decides the losses, and so is part of what identifies a run.
        added_later: Whether there were runs before this option existed; left at its default, it
            must not make them different runs.
    """

    kind: ValueKind
    meaning: str
    group: str
    default: Any
    default_meaning: str = ""
    in_losses: bool = True
    added_later: bool = False

    def check(self, name: str, value: Any) -> None:
        """Make sure that a value, unless it is None, is within its bounds.

        Args:
            name: The option's name.
            value: The value, in the type that the option's field has.

        Raises:
            UsageError: The value is out of bounds.
        """
        if value is not None:
            self.kind.check(flag_of(name), value)

    def tells_runs_apart(self, value: Any) -> bool:
        """Whether the value is part of what identifies a run."""
        return self.in_losses and not (self.added_later and value == self.default)


def option(default: Any, kind: ValueKind, meaning: str, *, group: str, **more: Any) -> Any:
    """Declare a dataclass's field as an option; the arguments are those of `Option`."""
    declared = Option(kind=kind, meaning=meaning, group=group, default=default, **more)
    return field(default=default, metadata={_METADATA: declared})


def declared_option(metadata: Mapping[str, Any]) -> Option | None:
    """The option that a field's metadata declares; None where the field is no option."""
    return metadata.get(_METADATA)


def flag_of(name: str) -> str:
    """The name of an option on the command line, such as `--batch-size`."""
    return "--" + name.replace("_", "-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """A whole number within bounds.

    Attributes:
        least: The smallest value allowed.
        most: The largest value allowed.
    """

    least: int = 0
    most: float = math.inf

    def from_toml(self, value: Any, where: str) -> int:
        """The number."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise _other_type(where, "a whole number", value)

    def to_toml(self, value: int) -> int:
        """The number."""
        return value

    def check(self, flag: str, value: int) -> None:
        """Make sure that the number is within its bounds."""
        _check_range(flag, value, self.least, self.most)


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A number within bounds.

    Attributes:
        least: The smallest value allowed; None where `above` is the bound.
        most: The largest value allowed; it counts only together with `least`.
        above: A number that the value, which must be finite then, has to be larger than; None
            where `least` is the bound.
        below: A number that the value has to be smaller than; None where `most` is the bound.
    """

    least: float | None = None
    most: float = math.inf
    above: float | None = None
    below: float | None = None

    def from_toml(self, value: Any, where: str) -> float:
        """The number."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise _other_type(where, "a number", value)

    def to_toml(self, value: float) -> float:
        """The number."""
        return value

    def check(self, flag: str, value: float) -> None:
        """Make sure that the number is within its bounds."""
        if self.least is not None:
            _check_range(flag, value, self.least, self.most)
        if self.above is not None and not self.above < value < math.inf:
            raise UsageError(f"{flag} must be above {self.above:g}, got {value:g}")
        if self.below is not None and not value < self.below:
            raise UsageError(f"{flag} must be below {self.below:g}, got {value:g}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """True or false."""

    def from_toml(self, value: Any, where: str) -> bool:
        """The truth value."""
        if isinstance(value, bool):
            return value
        raise _other_type(where, "true or false", value)

    def to_toml(self, value: bool) -> bool:
        """The truth value."""
        return value

    def check(self, flag: str, value: bool) -> None:
        """Nothing to check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Any text."""

    def from_toml(self, value: Any, where: str) -> str:
        """The text."""
        if isinstance(value, str):
            return value
        raise _other_type(where, "a text", value)

    def to_toml(self, value: str) -> str:
        """The text."""
        return value

    def check(self, flag: str, value: str) -> None:
        """Nothing to check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """Several texts.

    Attributes:
        metavar: The word that stands for the texts in the command's help.
    """

    metavar: str

    def from_toml(self, value: Any, where: str) -> tuple[str, ...]:
        """The texts, from a list of them or from a single one."""
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return tuple(texts)
        raise _other_type(where, "a text or a list of texts", value)

    def to_toml(self, value: tuple[str, ...]) -> list[str]:
        """The list of the texts."""
        return list(value)

    def check(self, flag: str, value: tuple[str, ...]) -> None:
        """Nothing to check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """Several numbers above 0, of which only the proportions count.

    Attributes:
        metavar: The word that stands for the numbers in the command's help.
    """

    metavar: str

    def from_toml(self, value: Any, where: str) -> tuple[float, ...]:
        """The numbers, from a list of them."""
        kinds = (int, float)
        if isinstance(value, list | tuple) and all(type(number) in kinds for number in value):
            return tuple(map(float, value))
        raise _other_type(where, "a list of numbers", value)

    def to_toml(self, value: tuple[float, ...]) -> list[float]:
        """The list of the numbers."""
        return list(value)

    def check(self, flag: str, value: tuple[float, ...]) -> None:
        """Make sure that all numbers are above 0."""
        for number in value:
            if not 0 < number < math.inf:
                raise UsageError(f"{flag} must have numbers above 0, got {number:g}")


@dataclass(frozen=True, slots=True)
class Choice(Text):
    """One text out of a few.

    Attributes:
        choices: The texts allowed.
    """

    choices: tuple[str, ...]

    def check(self, flag: str, value: str) -> None:
        """Make sure that the text is one of the choices."""
        if value not in self.choices:
            raise UsageError(f"{flag} must be one of {', '.join(self.choices)}, got {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureSize:
    """(width, height) in pixels, of at least 1x1, written as WIDTHxHEIGHT."""

    def from_toml(self, value: Any, where: str) -> Size:
        """The size."""
        if isinstance(value, str):
            return parse_size(value, where)
        raise _other_type(where, "a size such as '216x216'", value)

    def to_toml(self, value: Size) -> str:
        """The size as a text, such as 216x216."""
        return size_text(value)

    def check(self, flag: str, value: Size) -> None:
        """Make sure that there is at least one pixel."""
        if min(value) < 1:
            raise UsageError(f"{flag} must be at least 1x1, got {size_text(value)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteCount:
    """A number of bytes, written as such or with a unit: 500MB, 256MiB."""

    def from_toml(self, value: Any, where: str) -> int:
        """The number."""
        if isinstance(value, int | str) and not isinstance(value, bool):
            return parse_bytes(str(value), where)
        raise _other_type(where, "a size such as '200GB'", value)

    def to_toml(self, value: int) -> int:
        """The number."""
        return value

    def check(self, flag: str, value: int) -> None:
        """Make sure that the number is above 0."""
        _check_range(flag, value, 1, math.inf)


@dataclass(frozen=True, slots=True)
class NetPart:
    """A part of the net, by its name, or as a table with its name and its own values.

    Attributes:
        kinds: The table of the parts that can be named.
    """

    kinds: Kinds[Any]

    def from_toml(self, value: Any, where: str) -> Part:
        """The part."""
        if isinstance(value, str) or (isinstance(value, dict) and "name" in value):
            return Part.of(value)
        raise _other_type(where, "a text, or a table with a name", value)

    def to_toml(self, value: Part) -> str | dict[str, Any]:
        """The name, or a table where there are values besides it."""
        return value.to_json()

    def check(self, flag: str, value: Part | str) -> None:
        """Make sure that the name is in the table, or is one that a plug-in can have."""
        self.kinds.check(Part.of(value).name)


def _check_range(flag: str, value: float, least: float, most: float) -> None:
    # written so that a value that is no number is refused
    if not least <= value <= most:
        above = "" if most == math.inf else f" and at most {most:g}"
        raise UsageError(f"{flag} must be at least {least:g}{above}, got {value:g}")


def _other_type(where: str, wanted: str, value: Any) -> UsageError:
    return UsageError(f"{where} must be {wanted}, got {value!r}")
