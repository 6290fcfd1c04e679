from __future__ import annotations

from typing import Any

from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.scorer import Result
from lrcn_model.training.reports import EpochReport, StepReport

VAL = Result(
    videos=8,
    clips=9,
    frames=36,
    skipped=1,
    failed=0,
    accuracy=0.5,
    top5=1.0,
    mean_class_accuracy=0.25,
    accuracy_skipped_wrong=0.4,
    clip_accuracy=0.6,
    clip_top5=None,
    frame_accuracy=0.75,
    frame_loss=1.5,
    confusion=[[1]],
)
EPOCH: dict[str, Any] = {"epoch": 2, "step": 40, "loss": 1.25, "accuracy": 0.5, "seconds": 3.14159}


def test_a_steps_line_has_the_values_that_are_read_from_metrics_jsonl() -> None:
    report = StepReport(
        step=3, epoch=1, loss=0.1 + 0.2, lr=1e-3, clips_per_s=12.3456, accuracy=0.5, waiting=0.1
    )
    assert list(report.to_line().items()) == [
        ("step", 3),
        ("epoch", 1),
        ("loss", 0.1 + 0.2),
        ("lr", 1e-3),
        ("clips_per_s", 12.35),
    ]


def test_an_epochs_line_without_a_validation_has_no_values_of_one() -> None:
    report = EpochReport(**EPOCH, val=None, best=True)
    assert list(report.to_line().items()) == [
        ("step", 40),
        ("epoch", 2),
        ("loss", 1.25),
        ("accuracy", 0.5),
        ("seconds", 3.14),
    ]
    assert report.describe_weights() == {"epoch": 2, "step": 40}


def test_an_epochs_line_has_the_scores_of_its_validation_and_whether_they_are_the_best() -> None:
    report = EpochReport(**EPOCH, val=VAL, best=False)
    assert list(report.to_line().items())[5:] == [
        ("val_accuracy", 0.5),
        ("val_top5", 1.0),
        ("val_mean_class_accuracy", 0.25),
        ("val_frame_accuracy", 0.75),
        ("val_frame_loss", 1.5),
        ("best", False),
    ]
    assert report.describe_weights() == {"epoch": 2, "step": 40, "val_accuracy": 0.5}


def test_the_line_of_kept_weights_has_their_temperature() -> None:
    calibration = Calibration(temperature=1.25, videos=40, shards=["ab" * 32])
    report = EpochReport(**EPOCH, val=VAL, best=True, calibration=calibration)
    assert list(report.to_line().items())[10:] == [
        ("best", True),
        ("val_temperature", 1.25),
        ("val_videos", 40),
    ]
