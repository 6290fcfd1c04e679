"""What the commands' help says of their options."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from lrcn_model.training.options import OPTIONS

COMMANDS = [f"data_{name}" for name in ("lists", "shard", "stats", "verify", "preview", "demo")]
COMMANDS += ["data_merge", "data_subset", "data_index"]
COMMANDS += ["evaluate", "export", "predict", "report", "search", "train"]


def options_of(module: str) -> Iterator[click.Option]:
    command: click.Command = import_module(f"lrcn_cli.{module}").command
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter


def text_of(option: click.Option) -> str:
    return (option.help or "").partition(" [default: ")[0]


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
            # a training's values get their defaults later, from the TOML file or the declarations
            declared = OPTIONS.get(str(option.name)) if module == "train" else None
            default = option.default if declared is None else declared.default
            facts = (str(option.opts), repr(default), text_of(option))
            found.setdefault(str(option.name), set()).add(facts)
    for name in ("device", "decoder", "debug", "as_json", "version"):
        assert len(found[name]) == 1, name
