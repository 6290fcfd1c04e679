"""How the help of a command is laid out."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from importlib import import_module

import click
import pytest
from click.testing import CliRunner
from lrcn_cli.command import GENERAL, Command

from lrcn_model.training.options import OPTIONS

COMMANDS = [f"data_{name}" for name in ("lists", "shard", "stats", "verify", "preview", "demo")]
COMMANDS += [
    "data",
    "data_merge",
    "data_subset",
    "data_index",
    "evaluate",
    "export",
    "predict",
    "train",
]


def command_of(module: str) -> Command:
    command: Command = import_module(f"lrcn_cli.{module}").command
    return command


def help_of(module: str, width: int = 100) -> str:
    result = CliRunner().invoke(
        command_of(module), ["--help"], terminal_width=width, max_content_width=width
    )
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("module", COMMANDS)
def test_every_option_is_shown_once_under_a_heading(module: str) -> None:
    command = command_of(module)
    options = [one for one in command.params if isinstance(one, click.Option)]
    named = Counter(name for names in command.groups.values() for name in names)
    assert named.keys() <= {one.name for one in options}
    assert set(named.values()) <= {1}
    shown = re.findall(r"^  (?:-[a-z], )?(--[a-z-]+)", help_of(module), re.MULTILINE)
    assert sorted(shown) == sorted([*(one.opts[0] for one in options), "--help"])
    if command.groups:
        # the headings leave out what every command has, and nothing else
        loose = {one.opts[0] for one in options if one.name not in named}
        assert loose <= set(GENERAL)


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_has_examples_that_can_be_meant(module: str) -> None:
    examples, text = command_of(module).examples, help_of(module)
    assert examples
    for example in examples:
        assert example in text
        program, *words = shlex.split(example)
        if program == "lrcn-data":
            subcommand = words.pop(0)
            assert module in ("data", f"data_{subcommand}")
            command = command_of(f"data_{subcommand}")
        else:
            command = command_of(module)
        command.make_context(program, [word for word in words if word != "--help"])


def test_numbers_are_shown_with_their_ranges_and_defaults() -> None:
    text = " ".join(help_of("train").split())
    for shown in (
        "[default: 10; x>=1]",
        "0.2 with --cnn small); 0<=x<1]",
        "[default: 0.0; 0<=x<=1]",
    ):
        assert shown in text
    text = " ".join(help_of("data_shard").split())
    for shown in ("[default: 90; 1<=x<=100]", "[default: 300.0; x>0]", "[default: (half of --seq"):
        assert shown in text


def test_the_headings_of_a_training_are_those_of_its_declarations() -> None:
    groups = command_of("train").groups
    for name, option in OPTIONS.items():
        assert name in groups[option.group]


def test_a_wide_terminal_gets_a_wide_help() -> None:
    widths = {}
    for columns in ("80", "200"):
        text = subprocess.run(
            [sys.executable, "-m", "lrcn_cli.train", "--help"],
            env={**os.environ, "COLUMNS": columns},
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        widths[columns] = max(map(len, text.splitlines()))
    assert 70 < widths["80"] <= 80
    assert 110 < widths["200"] <= 120
