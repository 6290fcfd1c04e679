"""The TOML file of a search: values of a training, and a [search] table of what is searched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lrcn_data.errors import UsageError
from lrcn_model.nets.heads import HEAD_VALUES
from lrcn_model.nets.net_config import Part
from lrcn_model.searching.search_space import Space, read_space
from lrcn_model.training.options import (
    OPTIONS,
    SEARCH,
    TrainOptions,
    read_toml,
    values_from_toml,
)
from lrcn_model.training.presets import find_config


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchConfig:
    """What trials have in common, and what they differ in.

    Attributes:
        source: The name of the file.
        values: The values that are not searched, by the names of a training's options.
        space: What may be drawn, by the name of each value.
    """

    source: str
    values: Mapping[str, Any]
    space: Space

    @classmethod
    def read(cls, config: Path, given: Mapping[str, Any]) -> Self:
        """Read the file and try what it says: all choices and ends of ranges, in pairs.

        Args:
            config: The path of the file, or the name of a preset.
            given: Values that override those of the file, by the names of a training's options.

        Raises:
            UsageError: The file can't be read, or has a name or a value that there is not.
        """
        path = find_config(config)
        record = read_toml(path)
        space = read_space(record.pop(SEARCH, None), str(path))
        values = {**values_from_toml(record, str(path)), **given}
        read = cls(source=str(path), values=values, space=space)
        for drawn in read.trying_pairs():
            read.options(drawn)
        return read

    def options(self, drawn: Mapping[str, Any]) -> TrainOptions:
        """All values of a trial.

        Args:
            drawn: The values drawn, by the names of the space, as a TOML file has them.

        Raises:
            UsageError: They make no training.
        """
        try:
            return self._options(drawn)
        except UsageError as error:
            said = ", ".join(f"{name} = {value}" for name, value in drawn.items())
            raise UsageError(f"{self.source}: with {said}: {error}") from error

    def _options(self, drawn: Mapping[str, Any]) -> TrainOptions:
        whole = {
            name: OPTIONS[name].kind.from_toml(value, name)
            for name, value in drawn.items()
            if "." not in name
        }
        options = TrainOptions.of_new_run(self.values, whole)
        parts: dict[str, Part] = {}
        for name, value in drawn.items():
            part, dot, own = name.partition(".")
            if dot:
                before = parts.get(part, getattr(options.net, part))
                parts[part] = Part(before.name, **{**before.values, own: value})
        # only values that are there by now tell which are unknown
        for one in (options.net.head, *parts.values()):
            if one.name in HEAD_VALUES:
                one.filled(**HEAD_VALUES[one.name])
        return options.with_values(parts)

    def first(self) -> dict[str, Any]:
        """The first example of every value."""
        return {name: one.examples()[0] for name, one in self.space.items()}

    def trying_each(self) -> Iterator[dict[str, Any]]:
        """Every example of each value, the others at their first."""
        for name, one in self.space.items():
            for example in one.examples():
                yield {**self.first(), name: example}

    def trying_pairs(self) -> Iterator[dict[str, Any]]:
        """Every example of each value with each of every other, the rest at their first."""
        yield from self.trying_each()
        for (name, one), (other_name, other) in itertools.combinations(self.space.items(), 2):
            for value, other_value in itertools.product(one.examples(), other.examples()):
                yield {**self.first(), name: value, other_name: other_value}
