from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from lrcn_cli.command import Command
from lrcn_cli.error_boundary import run
from lrcn_cli.options import debug_option

from lrcn_data.errors import LrcnError, ShardError, UsageError


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Run a command that raises an error (or none), and give its exit code."""

    def run_with(error: BaseException | None, *arguments: str) -> object:
        @click.command()
        @debug_option
        def command() -> None:
            if error is not None:
                raise error

        monkeypatch.setattr(sys, "argv", ["lrcn-x", *arguments])
        with pytest.raises(SystemExit) as caught:
            run(command, "lrcn-x")
        return caught.value.code

    return run_with


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (LrcnError("it is broken; mend it"), 1, "error: it is broken; mend it\n"),
        (ShardError("a.tar is damaged"), 1, "error: a.tar is damaged\n"),
        (UsageError("--x must be 1, got 2"), 2, "error: --x must be 1, got 2\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
        (
            OSError(28, "No space left on device", "a.tar"),
            1,
            "error: a.tar: No space left on device; --debug shows where\n",
        ),
    ],
)
def test_an_error_becomes_one_line_and_an_exit_code(
    end: Callable[..., object],
    capsys: pytest.CaptureFixture[str],
    error: BaseException | None,
    code: int,
    said: str,
) -> None:
    assert end(error) == code
    assert capsys.readouterr() == ("", said)


def test_only_what_goes_on_where_it_was_stopped_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command(cls=Command, goes_on=True)
    def command() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["lrcn-x"])
    with pytest.raises(SystemExit):
        run(command, "lrcn-x")
    assert capsys.readouterr().err == "\ninterrupted; the same command goes on from here\n"


def test_wrong_usage_says_where_to_look(
    end: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(None, "--nosuch") == 2
    said = capsys.readouterr().err
    assert said == "error: No such option '--nosuch'; see `lrcn-x --help`\n"


@pytest.mark.parametrize("error", [LrcnError("broken"), OSError(5, "Input/output error")])
def test_debug_lets_an_error_through_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    @click.command()
    @debug_option
    def command() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["lrcn-x", "--debug"])
    with pytest.raises(type(error)) as caught:
        run(command, "lrcn-x")
    assert caught.value is error


def test_what_ends_like_input_is_no_interruption(end: Callable[..., object]) -> None:
    with pytest.raises(EOFError, match="a worker is gone"):
        end(EOFError("a worker is gone"))


@pytest.mark.parametrize("arguments", [["--help"], ["shard", "--help"]])
def test_a_reader_that_has_enough_ends_the_command_with_its_own_exit_code(
    arguments: list[str],
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "lrcn_cli.data", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
