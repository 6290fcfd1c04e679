"""What a training says of itself where there is no terminal."""

from __future__ import annotations

import pytest
from lrcn_cli import train_progress
from lrcn_cli.train_progress import TrainProgress

from lrcn_model.training.reports import CacheReport, StepReport


def test_the_time_left_is_not_reckoned_by_the_time_that_computing_features_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, said = 0.0, []
    monkeypatch.setattr(train_progress.time, "monotonic", lambda: now)
    progress = TrainProgress()
    monkeypatch.setattr(progress, "now_and_then", lambda line: said.append(line()))
    progress._steps, progress._steps_before = 100, 0
    facts = {"epoch": 1, "loss": 1.0, "lr": 0.1, "clips_per_s": 1.0, "accuracy": 0.5}
    now = 2.0
    progress.step(StepReport(step=1, waiting=0.0, **facts))
    now = 600.0
    progress.cache(CacheReport(what="features", done=9, clips=9))
    now = 620.0
    progress.step(StepReport(step=11, waiting=0.0, **facts))
    assert said[0].endswith(" 0:03:18 left")
    assert said[-1].endswith(" 0:02:58 left")
