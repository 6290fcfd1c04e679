"""What the weights that a run keeps say of the clips for validation, kept as an evaluation is."""

from __future__ import annotations

from typing import Any

from lrcn_model.detection.detection_result import DetectionResult
from lrcn_model.processor import Processor
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.class_figures import class_figures
from lrcn_model.scoring.evaluation import Evaluation, ScoredShard
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.kept_evaluations import keep_evaluation
from lrcn_model.scoring.kept_in_time import keep_in_time
from lrcn_model.scoring.label_kinds import TrainingScorer
from lrcn_model.scoring.scorer import Result
from lrcn_model.scoring.set_scorer import SetResult
from lrcn_model.scoring.time_scorer import TimeScorer
from lrcn_model.scoring.views import Views
from lrcn_model.training.data import TrainData
from lrcn_model.training.reports import EpochReport


def keep_validation(
    folder: RunFolder,
    scorer: TrainingScorer,
    report: EpochReport,
    *,
    data: TrainData,
    average: str,
    processor: Processor,
) -> None:
    """Write the validation of an epoch, in place of that of an earlier one.

    It has no intervals, and no scores of the frames of clips that are labelled as a whole.

    Args:
        folder: The run's folder.
        scorer: The scores of the clips.
        report: What is known of the epoch.
        data: The clips.
        average: The name of the kind of vote.
        processor: The processor that the net was run on.

    Raises:
        LrcnError: A file can't be written.
    """
    val, result = data.val, report.val
    assert val is not None
    facts: dict[str, Any] = {
        "run": str(folder),
        "weights": report.describe_weights(),
        "classes": val.classes,
        "first": True,
        "differences": [],
        "views": Views(),
        "shards": [ScoredShard.of(shard) for shard in val.data_set.shards],
    }
    where: dict[str, Any] = {"seconds": report.seconds, "path": folder.validation}
    if isinstance(scorer, TimeScorer):
        assert isinstance(result, DetectionResult)
        in_time = EvaluationInTime(result=result, tracks=scorer.tracks(), **facts)
        keep_in_time(folder, in_time, processor=processor, **where)
        return
    assert isinstance(result, Result | SetResult)
    videos = scorer.videos()
    found = Evaluation(
        result=result,
        videos=videos,
        average=average,
        intervals={},
        by_class=class_figures(videos, len(val.classes)),
        calibration=report.calibration,
        **facts,
    )
    keep_evaluation(folder, found, {}, processor=processor, **where)
