"""A layer's table, read value by value: each by its name, checked, and with a default."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError

Table: TypeAlias = Mapping[str, Any]


class LayerValues:
    """The values of a layer's table.

    Args:
        table: The table.
        kinds: The names of the kinds of layers; of several that are named, the first one counts.
        where: The layer's place, such as "layer 3", for errors.
        dropout: The dropout of fully connected layers that don't say theirs.
        activation: The activation where the table says none.

    Attributes:
        kind: The layer's kind, which its table names.
        where: The layer's place and kind.
        dropout: As given.

    Raises:
        UsageError: The table names no kind of layer.
    """

    def __init__(
        self,
        table: Table,
        kinds: Collection[str],
        where: str,
        *,
        dropout: float,
        activation: str,
    ) -> None:
        named = [kind for kind in kinds if kind in table] if isinstance(table, Mapping) else []
        if not named:
            raise UsageError(
                f"{where} must be a table that names one of {', '.join(kinds)}, got {table}"
            )
        self.kind = named[0]
        self.where, self.dropout = f"{where} ({self.kind})", dropout
        self._activation = activation
        self._table, self._known = table, [self.kind]

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number of at least 1."""
        value = self._value(name, default)
        if type(value) is not int or value < 1:
            raise self.wrong(name, "a whole number of at least 1", value)
        return value

    def number(self, name: str, default: float) -> float:
        """A number from 0 to below 1."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            raise self.wrong(name, "a number from 0 to below 1", value)
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._value(name, default)
        if type(value) is not bool:
            raise self.wrong(name, "true or false", value)
        return value

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """One of some words."""
        value = self._value(name, default)
        if value not in choices:
            raise self.wrong(name, f"one of {', '.join(choices)}", value)
        return str(value)

    def activation(self, choices: Sequence[str]) -> str:
        """The name of the activation."""
        return self.choice("activation", self._activation, choices)

    def padding(self) -> int | None:
        """The pixels that a convolution adds around a frame; None for as many as "same" needs."""
        value = self._value("padding", "same")
        if value == "same":
            return None
        if type(value) is not int or value < 0:
            raise self.wrong("padding", '"same" or a whole number of pixels', value)
        return value

    def layers(self, name: str) -> list[Table]:
        """A list of layers."""
        value = self._value(name, [])
        if not isinstance(value, list | tuple) or not value:
            raise self.wrong(name, "a list of layers", value)
        return list(value)

    def check_all_known(self) -> None:
        """Refuse names that nobody asked for.

        Raises:
            UsageError: There is such a name.
        """
        for name in self._table:
            if name not in self._known:
                hint = did_you_mean(name, self._known) or f"it has {', '.join(self._known)}"
                raise UsageError(f"{self.where} has no value {name!r}; {hint}")

    def wrong(self, name: str, right: str, value: object) -> UsageError:
        """What is to be said of a wrong value."""
        return UsageError(f"{self.where}: {name} must be {right}, got {value!r}")

    def _value(self, name: str, default: Any) -> Any:
        if name not in self._known:
            self._known.append(name)
        return self._table.get(name, default)
