"""A Sphinx directive that shows the help of lrcn's commands as they print it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

COLUMNS = 80


def commands() -> Iterator[tuple[str, str]]:
    """The name of every command and subcommand, and its help."""
    scripts = tomllib.loads(PYPROJECT.read_text())["project"]["scripts"]
    for name, place in scripts.items():
        module = import_module(place.partition(":")[0])
        yield from _helps(getattr(module, "group", None) or module.command, name, None)


def _helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    with click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=COLUMNS,
        max_content_width=COLUMNS,
        color=False,
    ) as context:
        yield context.command_path, click.unstyle(command.get_help(context))
        if isinstance(command, click.Group):
            for part in command.list_commands(context):
                found = command.get_command(context, part)
                assert found is not None
                yield from _helps(found, part, context)


class CommandHelp(Directive):
    """`command-help`: a section for each command, with its help."""

    def run(self) -> list[nodes.Node]:
        """The sections."""
        sections = []
        for name, text in commands():
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title(name, name)
            section += nodes.literal_block(text, text, language="text")
            self.state.document.note_explicit_target(section)
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known to Sphinx."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
