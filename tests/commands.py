"""The commands, called in the tests' own process.

Another one would first import what they need, which takes 2 s of processor time with torch. Each
command is called in a process of its own too, by tests of it in tests/cli.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import pytest


def call(
    module: str, *arguments: str | Path, folder: Path, code: int | None = 0
) -> CompletedProcess[str]:
    """Call a command as its entry point does, and see that it ends with an exit code.

    What it changes of the process, it changes for its own time only: the environment, the current
    folder and where modules are found.

    Args:
        module: That of the command in lrcn_cli, such as train.
        arguments: The rest of the line.
        folder: In which it is called.
        code: The exit code that is expected; None for any.

    Returns:
        What `subprocess.run` would return of a process of its own.
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
    ended = stop.value.code
    assert isinstance(ended, int)
    assert code is None or ended == code, err.getvalue()
    return CompletedProcess([module, *arguments], ended, out.getvalue(), err.getvalue())
