"""The table of `lrcn-predict`."""

from __future__ import annotations

import pytest
from lrcn_cli.prediction_table import PredictionTable

from lrcn_model.predicting.prediction import Guess, Prediction


def test_the_reason_why_a_video_cant_be_read_has_the_width_of_all_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    read = Prediction(
        video="a.mp4",
        guesses=[Guess(label=0, name="sit", probability=0.75)],
        class_name="sit",
    )
    unread = Prediction(video="b.mp4", error="not-a-video: the file is empty")
    table = PredictionTable(["a.mp4", "b.mp4"], ["sit"], timeline=False)
    lines = [line for video in (read, unread, read) for line in table.lines(video)]
    assert [*lines, *table.end()][2:] == [
        "┡━━━━━━━╇━━━━━━━╇━━━━━━━━━━━━━┩",
        "│ a.mp4 │ sit   │       75.0% │",
        "├───────┼───────┴─────────────┤",
        "│ b.mp4 │ not-a-video: the    │",
        "│       │ file is empty       │",
        "├───────┼───────┬─────────────┤",
        "│ a.mp4 │ sit   │       75.0% │",
        "└───────┴───────┴─────────────┘",
    ]
