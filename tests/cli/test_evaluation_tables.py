"""What lrcn-eval shows of figures that are known."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from lrcn_cli.evaluation_tables import percent, print_evaluation

from lrcn_model.figures.intervals import Interval, intervals
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.class_figures import class_figures
from lrcn_model.scoring.evaluation import Evaluation, drawn_figures
from lrcn_model.scoring.scorer import Scorer
from lrcn_model.scoring.views import Views


def evaluation(labels: list[int], recognized: list[int], classes: int) -> Evaluation:
    """A clip a video, of one frame, with the class that is recognized."""
    scorer, count = Scorer(classes), len(labels)
    scores = torch.nn.functional.one_hot(torch.tensor(recognized), classes).float() * 9
    names = tuple(f"{number:05d}" for number in range(count))
    batch = ClipBatch(
        pixels=torch.zeros(0, dtype=torch.uint8),
        sizes=torch.ones(count, 2, dtype=torch.int64),
        labels=torch.tensor(labels),
        frame_labels=torch.tensor(labels)[:, None],
        num_valid=torch.ones(count, dtype=torch.int64),
        indices=torch.arange(count),
        keys=names,
        videos=names,
    )
    scorer.add(scores[:, None], batch)
    videos = scorer.videos()
    return Evaluation(
        run="run",
        weights={},
        result=scorer.result(),
        videos=videos,
        classes=[f"class {number}" for number in range(classes)],
        first=True,
        differences=[],
        average="log-probs",
        views=Views(name="ten-crop"),
        shards=[],
        intervals=intervals(drawn_figures(videos, classes), len(videos)),
        by_class=class_figures(videos, classes),
    )


def rows_of(shown: str) -> dict[str, list[str]]:
    """The cells of all tables' rows, by the first one; of equal ones the first row's."""
    rows: dict[str, list[str]] = {}
    for line in shown.splitlines():
        cells = [cell.strip() for cell in line.split("│")[1:-1]]
        if cells:
            rows.setdefault(cells[0], cells[1:])
    return rows


def test_a_figure_is_shown_with_its_interval() -> None:
    assert percent(0.98, Interval(0.9551, 0.995)) == "98.0 % (95 % interval 95.5 to 99.5)"
    assert percent(0.98) == percent(0.98, Interval(float("nan"), float("nan"))) == "98.0 %"
    assert percent(float("nan")) == "-"


def test_where_all_are_right_the_interval_is_told_to_say_little(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_evaluation(evaluation([0, 1] * 30, [0, 1] * 30, classes=2))
    said = " ".join(capsys.readouterr().out.split())
    assert "all 60 videos are right" in said
    assert "up to 5.0 % of others" in said
    assert evaluation([0, 1], [0, 0], classes=2).of_all_right is None


def test_videos_clips_and_views_are_said_apart(capsys: pytest.CaptureFixture[str]) -> None:
    right = [0, 1, 2] * 20
    print_evaluation(evaluation(right, [0, *right[1:]], 3))
    shown = {name: cells[0] for name, cells in rows_of(capsys.readouterr().out).items()}
    assert shown["views a clip"] == "10 (ten-crop, 0.125 cut away)"
    assert (shown["videos scored"], shown["clips scored"]) == ("60", "60")
    assert shown["video accuracy, top 1"] == "100.0 % (95 % interval 100.0 to 100.0)"
    assert shown["clip accuracy, top 1"] == "100.0 %"
    assert "video accuracy, top 5" not in shown


def test_of_many_classes_the_worst_and_the_best_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # of class n, n of 40 videos are taken for class 40; the last one has no video
    labels = np.repeat(np.arange(40), 40)
    recognized = np.where(np.tile(np.arange(40), 40) < labels, 40, labels)
    print_evaluation(evaluation(labels.tolist(), recognized.tolist(), 41))
    shown = capsys.readouterr().out
    assert "the 15 worst and the 15 best of 41 classes, by F1" in shown
    named = [number for number in range(41) if f"class {number} " in shown]
    assert named == [*range(15), *range(26, 41)]
    assert "11 more classes are left out here; --json has all" in shown
    assert "most confused: 10 of 39 pairs" in shown
    assert re.search(r"class 39 +│ class 40 +│ +39 │ +97.5 %", shown)
    # videos, precision, recall and F1 of the best of all, and of the class that no video has
    rows = rows_of(shown)
    assert rows["class 0"] == ["40", "100.0 %", "100.0 %", "100.0 %"]
    assert rows["class 40"] == ["0", "0.0 %", "-", "0.0 %"]


def test_few_classes_are_all_shown_and_one_without_anything_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_evaluation(evaluation([0, 0, 1, 1], [0, 1, 1, 1], 3))
    rows = rows_of(capsys.readouterr().out)
    assert rows["class 0"] == ["2", "100.0 %", "50.0 %", "66.7 %"]
    assert rows["class 1"] == ["2", "66.7 %", "100.0 %", "80.0 %"]
    assert "class 2" not in rows
