from __future__ import annotations

from pathlib import Path

from lrcn_data.lists.problems import ListError, Problem, report


def problem(line: int = 1, kind: str = "odd", text: str = "is odd") -> Problem:
    return Problem(kind=kind, file=Path("train.txt"), line=line, text=text)


def test_a_problem_of_a_line_names_file_and_line() -> None:
    assert str(problem(line=7)) == "train.txt:7: is odd"


def test_a_problem_of_a_whole_file_names_no_line() -> None:
    assert str(problem(line=0)) == "train.txt: is odd"


def test_one_problem_and_its_advice_are_one_line() -> None:
    assert report([problem()], "mend it") == "train.txt:1: is odd; mend it"


def test_every_kind_is_shortened_by_itself() -> None:
    many = [problem(line=n) for n in range(1, 26)] + [problem(line=n, kind="even") for n in (1, 2)]
    lines = report(many).splitlines()
    assert lines[0] == "27 problems in the lists; nothing was decoded"
    assert lines[1:] == [
        *(f"  train.txt:{n}: is odd" for n in range(1, 21)),
        *(f"  train.txt:{n}: is odd" for n in (1, 2)),
        "  ... and 5 more: odd",
    ]


def test_the_error_holds_all_that_its_message_shortens() -> None:
    error = ListError([problem(line=n) for n in range(1, 100)])
    assert len(error.problems) == 99
    assert len(str(error).splitlines()) < 30
