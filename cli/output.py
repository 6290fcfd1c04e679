"""What commands print beside their tables: results as JSON, and warnings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click


def print_json(result: Any) -> None:
    """Print one machine-readable result on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def warn(message: str) -> None:
    """Print one line of warning on stderr."""
    click.echo(f"warning: {message}", err=True)


def print_files(paths: Sequence[Path]) -> None:
    """Name the files that were made for people to look at, a line for each folder."""
    for folder, files in groupby(paths, lambda path: path.parent):
        names = ", ".join(path.name for path in files)
        click.echo(f"look at: {folder}/ {names}")
