"""Tables on terminals of any width."""

from __future__ import annotations

import re

import pytest
from lrcn_cli.fitted_table import as_text, print_fitted
from rich.table import Table

ROWS = [("a class of a long name", "1,234,567", "100.0 %"), ("short", "8", "7.5 %")]


def table() -> Table:
    made = Table(title="a title that is longer than the table [bold]\\[is][/]", caption="all of it")
    made.add_column("class")
    made.add_column("frames", justify="right")
    made.add_column("F1", justify="right")
    for row in ROWS:
        made.add_row(*row)
    return made


def shown(width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    capsys.readouterr()
    print_fitted(table())
    return capsys.readouterr().out


@pytest.mark.parametrize("width", range(12, 80))
def test_no_number_is_broken_and_nothing_is_lost_at_any_width(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shown(width, capsys, monkeypatch)
    for number in ("1,234,567", "100.0", "7.5", "8"):
        assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d.,])", text), text
    letters = re.sub(r"\W", "", text)
    assert "…" not in text
    for word in ("short", "frames", "allofit", "atitlethatislongerthanthetableis"):
        assert word in letters
    body = [line for line in text.splitlines() if line[:1] in "┏┃┡│└"]
    assert all(len(line) <= width for line in body)


def test_a_table_that_is_wider_than_the_terminal_can_be_replaced_by_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_fitted(table(), instead="matrix.png has [it]")
    assert capsys.readouterr().out == "matrix.png has [it]\n"


def test_what_is_no_terminal_gets_a_table_in_its_own_width_without_colours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = Table()
    wide.add_column("words", style="bold")
    wide.add_row("word " * 60)
    print_fitted(wide)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 5
    assert as_text(wide) == out
    assert "\x1b" not in out


def test_colours_are_forced_and_forbidden_by_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured = Table(title="t")
    coloured.add_column("c", style="red")
    coloured.add_row("x")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_fitted(coloured)
    assert "\x1b[31m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_fitted(coloured)
    assert "\x1b[31m" not in capsys.readouterr().out
