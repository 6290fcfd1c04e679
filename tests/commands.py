"""The commands, called in the tests' own process.

A process of its own imports torch first, which takes 2 s of processor time; here it is imported
already. Each command is called in a process of its own too, by a test of its module in tests/cli.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest


class Printed(NamedTuple):
    """What a command has printed."""

    out: str
    err: str


def call(module: str, *arguments: str | Path, folder: Path, code: int = 0) -> Printed:
    """Call a command as its entry point does, and see that it ends with an exit code.

    What it changes of the process, it changes for its own time only: the environment, the current
    folder and where modules are found.

    Args:
        module: That of the command in lrcn_cli, such as train.
        arguments: The rest of the line.
        folder: In which it is called.
        code: The exit code that is expected.
    """
    out, err = io.StringIO(), io.StringIO()
    main = import_module(f"lrcn_cli.{module}").main
    with (
        chdir(folder),
        patch.dict(os.environ),
        patch.object(sys, "argv", [f"lrcn-{module}", *map(str, arguments)]),
        patch.object(sys, "path", [*sys.path]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as stop,
    ):
        main()
    assert stop.value.code == code, err.getvalue()
    return Printed(out.getvalue(), err.getvalue())
