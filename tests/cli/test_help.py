"""What the commands' help says of their options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module

import click
import pytest

COMMANDS = [f"data_{name}" for name in ("lists", "shard", "stats", "verify", "preview", "demo")]
COMMANDS += ["data_index", "evaluate", "predict", "train"]


def options_of(module: str) -> Iterator[click.Option]:
    from lrcn_model.training.options import TrainOptions

    values = {value.name for value in fields(TrainOptions)} if module == "train" else set()
    command: click.Command = import_module(f"lrcn_cli.{module}").command
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in values:
            yield parameter


@pytest.mark.parametrize("module", COMMANDS)
def test_the_help_of_every_option_can_be_understood_by_itself(module: str) -> None:
    for option in options_of(module):
        text, _, default = (option.help or "").partition(" [default: ")
        assert text[:1].isupper(), option.name
        assert text.endswith("."), option.name
        assert len(text.split()) >= 4, f"{option.name}: {text}"
        assert not default or default.endswith("]"), option.name


def test_an_option_that_several_commands_have_is_the_same_in_all() -> None:
    found: dict[str, set[tuple[str, str, str]]] = {}
    for module in COMMANDS:
        for option in options_of(module):
            facts = (str(option.opts), repr(option.default), str(option.help))
            found.setdefault(str(option.name), set()).add(facts)
    for name in ("device", "decoder", "debug", "as_json", "version"):
        assert len(found[name]) == 1, name
