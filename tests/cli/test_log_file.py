"""--log, and what terminals get, of commands as people use them."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lrcn_cli import log_file
from lrcn_cli.progress import CountProgress, fitting
from lrcn_cli.words import at_words, on_stream

from tests.commands import call

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "said.log"
    log_file.open_log(path)
    yield path
    log_file.close_log()


def said(path: Path) -> list[str]:
    """The lines without their times, but for the command."""
    lines = path.read_text().splitlines()
    assert all(re.match(TIME, line) for line in lines)
    return [line[20:] for line in lines if not line[20:].startswith("$ ")]


def test_a_log_has_the_command_all_that_is_said_and_the_error(
    make_data_set: Callable[..., Path],
) -> None:
    folder = make_data_set().parent
    values = ("--shards", "shards", "--out", "run", "--epochs", "1", "--cnn", "small")
    small = ("--size", "32x32", "--lstm-hidden", "8", "--log", "all.log")
    done = call("train", *values, *small, folder=folder)
    lines = (folder / "all.log").read_text().splitlines()
    assert lines[0].endswith(f"$ lrcn-train {' '.join([*values, *small])}")
    expected = [*done.stderr.splitlines(), *done.stdout.splitlines()]
    assert sorted(said(folder / "all.log")) == sorted(expected)
    done = call("evaluate", "nowhere", "--shards", "x", "--log", "all.log", folder=folder, code=2)
    assert f"{said(folder / 'all.log')[-1]}\n" == done.stderr
    assert (folder / "all.log").read_text().splitlines()[: len(lines)] == lines


def test_a_log_that_cant_be_opened_is_refused(tmp_path: Path) -> None:
    done = call("evaluate", "x", "--shards", "x", "--log", "no/all.log", folder=tmp_path, code=2)
    assert done.stderr.startswith("error: --log no/all.log can't be written: No such file")


def test_a_log_that_is_full_is_given_up_and_the_command_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_file.open_log(Path("/dev/full"))
    log_file.add_to_log("more")
    assert capsys.readouterr().err.count("/dev/full can't be written any more") == 1
    log_file.close_log()


def test_lines_of_a_log_have_no_colours_and_no_carriage_returns(log: Path) -> None:
    log_file.add_to_log("\x1b[1mbold\x1b[0m\x1b[2K\r20 %\n\ntwo")
    assert said(log) == ["bold", "20 %", "", "two"]
    assert "\r" not in log.read_text()
    assert "\x1b" not in log.read_text()


def test_progress_says_the_same_in_the_log_as_where_there_is_no_terminal(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("lrcn_cli.progress.time.monotonic", lambda: now[0])
    with CountProgress("clips") as progress:
        progress.start(9, 6)
        for _ in range(3):
            now[0] += 6
            progress.advance(2)
    assert said(log) == capsys.readouterr().err.splitlines()
    assert said(log) == ["3 of 9 clips were done before", "4 of 6 clips, 0.3 clips/s"]


def test_of_figures_as_many_are_shown_as_fit_and_a_long_one_shows_its_end() -> None:
    figures = "loss 1.025, acc 64.2%, 40.1 clips/s"
    assert fitting(figures, 50) == figures
    assert fitting(figures, 34) == "loss 1.025, acc 64.2%"
    assert fitting(figures, 12) == "loss 1.025"
    assert fitting("0:10 of 1:00 of some/long/name.mp4", 10) == "…/name.mp4"
    assert fitting(figures, 0) == ""


def test_sentences_break_between_words_and_paths_stay_whole() -> None:
    text = "trained on 1,234,567 clips of some/very/long/folder/that/is-longer-than/a/line"
    lines = at_words(text, 30).splitlines()
    assert " ".join(lines) == text
    assert lines[0] == "trained on 1,234,567 clips of"
    assert on_stream(text, io.StringIO()) == text


def on_terminal(columns: int, folder: Path, *arguments: str) -> bytes:
    """What a command writes to a terminal of so many columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        # readline, which pytest imports, has put COLUMNS where os.environ doesn't show it
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("COLUMNS", None)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-m", "lrcn_cli.data", *arguments]
        os.execve(sys.executable, command, environment)
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        written += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, written
    return written


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.parametrize("columns", [50, 200])
def test_a_terminal_is_never_cleared_and_its_lines_are_never_too_long(
    columns: int, make_data_set: Callable[..., Path]
) -> None:
    folder = make_data_set().parent
    written = on_terminal(columns, folder, "stats").decode()
    assert "\x1b[2J" not in written
    assert "\x1b[H" not in written
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written).replace("\r", "\n")
    tables = [line for line in plain.splitlines() if line[:1] in tuple("┏┃┡│└")]
    assert tables
    assert all(len(line) <= columns for line in tables), plain
    assert "class 0" in plain
