"""What commands print beside their tables: results as JSON, and warnings."""

from __future__ import annotations

import json
from typing import Any

import click


def print_json(result: Any) -> None:
    """Print one machine-readable result on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def warn(message: str) -> None:
    """Print one line of warning on stderr."""
    click.echo(f"warning: {message}", err=True)
