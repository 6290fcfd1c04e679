from __future__ import annotations

import csv
import math
from pathlib import Path

from lrcn_model.figures.class_table import ClassTable
from lrcn_model.figures.confused_pairs import ConfusedPair, most_confused
from lrcn_model.figures.figure_tables import write_class_table, write_confused_pairs


def table(f1: list[float]) -> ClassTable:
    return ClassTable(
        classes=[f"class {number}" for number in range(len(f1))],
        things="videos",
        counts=list(range(len(f1))),
        figures={"precision": f1, "F1": f1},
    )


def test_pairs_are_those_off_the_diagonal_the_most_frequent_first() -> None:
    found = most_confused([[5, 2, 0], [0, 0, 0], [2, 4, 2]])
    assert found == [
        ConfusedPair(2, 1, 4, 0.5),
        ConfusedPair(0, 1, 2, 2 / 7),
        ConfusedPair(2, 0, 2, 0.25),
    ]
    assert most_confused([[3, 0], [0, 4]]) == []


def test_of_many_classes_the_worst_and_the_best_are_shown_and_one_without_videos_is_not() -> None:
    many = table([0.5, math.nan, 0.1, 0.9, 0.3, 0.7])
    assert many.with_figures() == [0, 2, 3, 4, 5]
    assert many.worst_and_best(3) == [2, 4, 3]
    assert many.worst_and_best(5) == [0, 2, 3, 4, 5]
    assert many.title(5) == "classes"
    assert many.title(3) == "the 2 worst and the 1 best of 5 classes, by F1"


def test_the_tables_on_the_disk_have_all_classes_and_pairs(tmp_path: Path) -> None:
    write_class_table(tmp_path / "classes.csv", table([0.25, math.nan]))
    write_confused_pairs(
        tmp_path / "pairs.csv", [ConfusedPair(1, 0, 3, 0.75)], ["a, b", "走る"], "frames"
    )
    assert (tmp_path / "classes.csv").read_text() == (
        "class,videos,precision,F1\nclass 0,0,0.25,0.25\nclass 1,1,,\n"
    )
    with (tmp_path / "pairs.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["class", "recognized as", "frames", "share of the class"],
            ["走る", "a, b", "3", "0.75"],
        ]
