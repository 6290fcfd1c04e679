"""What is searched: for each value of a training, or of a part of its net, what it may be.

It is the [search] table of a TOML file for --config, in which

    lr = { low = 1e-4, high = 1e-2, log = true }     any number between the two
    batch_size = [8, 16, 32]                         one of these
    head.hidden = [64, 128]                          a value within a part of the net

Nothing here needs torch or Optuna.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError
from lrcn_model.nets.heads import HEAD_VALUES
from lrcn_model.training.option import NetPart, Number, Option, Whole
from lrcn_model.training.options import NET_OPTIONS, OPTIONS, SEARCH

_PARTS = tuple(name for name, one in NET_OPTIONS.items() if isinstance(one.kind, NetPart))
"""The options that are parts of the net, with values of their own."""

_NOT_SEARCHED = {
    "shards": "figures on other clips can't be compared",
    "val_shards": "figures on other clips can't be compared",
    "seed": "the luckiest is no better than others; --repeat trains the finalists with several",
}
"""The options that can't be searched, and why."""

_RANGE = ("low", "high", "log", "step")


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Numbers between two, which are among them.

    Attributes:
        low: The least number.
        high: The largest number.
        log: Whether numbers are drawn so that each factor between two is as likely as another.
        step: The distance between two numbers; None for any number, or any whole one.
        whole: Whether only whole numbers are meant.
    """

    low: float
    high: float
    log: bool
    step: float | None
    whole: bool

    def examples(self) -> list[float]:
        """The numbers that are tried before the search, as all others lie between them."""
        return [self.low, self.high]

    def __str__(self) -> str:
        step = "" if self.step is None else f", step {self.step:g}"
        return f"{self.low:g} to {self.high:g}{', log' if self.log else ''}{step}"


@dataclass(frozen=True, slots=True)
class Choices:
    """A few values.

    Attributes:
        values: The values, each as a TOML file has it.
    """

    values: tuple[Any, ...]

    def examples(self) -> list[Any]:
        """The values that are tried before the search: all."""
        return list(self.values)

    def by_label(self) -> dict[Any, Any]:
        """The values by what stands for each in the study: itself, or a list or a table as text."""
        return {label_of(value): value for value in self.values}

    def __str__(self) -> str:
        return "one of " + ", ".join(str(label) for label in self.by_label())


Dimension: TypeAlias = Range | Choices

Space: TypeAlias = Mapping[str, Dimension]
"""What may be drawn, by the name of the value: of a training's option, or `head.hidden`."""


def label_of(value: Any) -> Any:
    """What stands for a value in the study and in tables: lists and tables are texts there."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def space_as_record(space: Space) -> dict[str, Any]:
    """The space as JSON can hold it, by which two searches are compared."""
    return {name: {str(type(one).__name__): asdict(one)} for name, one in space.items()}


def read_space(table: Any, source: str) -> dict[str, Dimension]:
    """Read a [search] table.

    Args:
        table: The table, as tomllib gives it.
        source: The name of the file, for error messages.

    Raises:
        UsageError: A name is unknown, or what is said of it makes no sense.
    """
    if not isinstance(table, dict) or not table:
        raise UsageError(
            f"{source}: nothing is searched; add a [{SEARCH}] table, with lines such as"
            " lr = { low = 1e-4, high = 1e-2, log = true } or batch_size = [8, 16]"
        )
    space = {name: _dimension(name, said, source) for name, said in _flat(table)}
    if "lstm_hidden" in space and "head.hidden" in space:
        raise UsageError(
            f"{source}: [{SEARCH}] lstm_hidden and head.hidden are the same value; leave one out"
        )
    return space


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The lines of the table; `head.hidden` is the same with quotes and without."""
    for name, said in table.items():
        if name in _PARTS and isinstance(said, dict):
            yield from ((f"{name}.{own}", one) for own, one in said.items())
        else:
            yield name, said


def _dimension(name: str, said: Any, source: str) -> Dimension:
    where = f"{source}: [{SEARCH}] {name}"
    part, dot, own = name.partition(".")
    if dot and part in _PARTS:
        if not own or "." in own:
            raise UsageError(
                f"{where}: there is no such value; name one of a part, such as head.hidden, and"
                " give what lies deeper as a list of whole values"
            )
        if own == "name":
            raise UsageError(f'{where}: give the whole parts instead, as in {part} = ["a", "b"]')
        return _read(said, where, None)
    if name not in OPTIONS:
        known = [*OPTIONS, *(f"head.{one}" for one in HEAD_VALUES["lstm"])]
        hint = did_you_mean(name.replace("-", "_"), known)
        raise UsageError(
            f"{where}: there is no such value; {hint or 'see `lrcn-train --help` for all'}"
        )
    if name in _NOT_SEARCHED:
        raise UsageError(f"{where} can't be searched: {_NOT_SEARCHED[name]}")
    return _read(said, where, OPTIONS[name])


def _read(said: Any, where: str, option: Option | None) -> Dimension:
    """Read what is said of a value; its type is that of the option, if it is one."""
    if isinstance(said, list):
        return _choices(said, where, option)
    if isinstance(said, dict) and ("low" in said or "high" in said):
        return _range(said, where, option)
    raise UsageError(
        f"{where} must be a list of values, or a range {{ low = ..., high = ... }}, got {said!r}"
    )


def _choices(values: list[Any], where: str, option: Option | None) -> Choices:
    labels = [label_of(value) for value in values]
    if not labels:
        raise UsageError(f"{where} is an empty list; name the values to try")
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"{where} has {label} twice; leave one of them out")
    if option is not None:
        for value in values:
            option.kind.from_toml(value, where)
    return Choices(tuple(values))


def _range(said: Mapping[str, Any], where: str, option: Option | None) -> Range:
    for name in said:
        if name not in _RANGE:
            hint = did_you_mean(name, _RANGE) or f"it has {', '.join(_RANGE)}"
            raise UsageError(f"{where}: a range has no {name!r}; {hint}")
    if option is not None and not isinstance(option.kind, Whole | Number):
        raise UsageError(f"{where} is no number; give a list of values instead of a range")
    numbers = {name: said[name] for name in ("low", "high", "step") if name in said}
    for name in ("low", "high"):
        if name not in numbers:
            raise UsageError(f"{where}: the range has no {name}; add it")
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{where}: {name} must be a number, got {value!r}")
        if not math.isfinite(value):
            raise UsageError(f"{where}: {name} must be finite, got {value}")
    low, high, step, log = said["low"], said["high"], said.get("step"), said.get("log", False)
    all_whole = all(isinstance(value, int) for value in numbers.values())
    whole = all_whole if option is None else isinstance(option.kind, Whole)
    if whole and not all_whole:
        raise UsageError(f"{where} must be a whole number; low, high and step as well")
    if type(log) is not bool:
        raise UsageError(f"{where}: log must be true or false, got {log!r}")
    if not low < high:
        raise UsageError(f"{where}: low {low:g} must be below high {high:g}")
    if log and (low <= 0 or step is not None):
        raise UsageError(f"{where}: log goes with a low above 0, and not with step")
    if step is not None and not 0 < step <= high - low:
        raise UsageError(f"{where}: step {step:g} must be above 0 and no more than high - low")
    if step is not None and (last := _last_step(low, high, step)) != high:
        raise UsageError(
            f"{where}: steps of {step:g} from low {low:g} don't meet high {high:g}; the last one"
            f" before it is {last:g}"
        )
    return Range(low=low, high=high, log=log, step=step, whole=whole)


def _last_step(low: float, high: float, step: float) -> float:
    """The last number that steps from the least one meet, as they are written in the file."""
    first, each = Decimal(str(low)), Decimal(str(step))
    return float(first + (Decimal(str(high)) - first) // each * each)
