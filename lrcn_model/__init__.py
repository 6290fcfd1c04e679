"""Stage 2: reads shards, trains the CNN-LSTM on them, and scores and predicts with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrcn_data.lazy_names import lazy_names

if TYPE_CHECKING:
    from lrcn_model.detection.alarms import Alarm, AlarmFigures
    from lrcn_model.detection.detection_comparison import DetectionComparison, compare_detection
    from lrcn_model.detection.detection_result import DetectionResult, detection_result
    from lrcn_model.detection.frame_track import FrameTrack
    from lrcn_model.exporting.export import Export, export
    from lrcn_model.exporting.exported_facts import ExportedFacts
    from lrcn_model.exporting.onnx_model import OnnxModel
    from lrcn_model.figures.intervals import Interval
    from lrcn_model.nets.cnn import Expects
    from lrcn_model.nets.net import LRCN
    from lrcn_model.nets.net_config import NetConfig, Part
    from lrcn_model.pictures.confusion_picture import draw_confusion
    from lrcn_model.predicting.live_events import LiveFrame, LiveSummary, SourceLost
    from lrcn_model.predicting.predict import PredictProgress, predict, predict_videos
    from lrcn_model.predicting.prediction import FrameGuess, Guess, Prediction
    from lrcn_model.predicting.segments import Segment
    from lrcn_model.predicting.watch import Watch, watch
    from lrcn_model.reading.augmentation import Augmentation
    from lrcn_model.reading.clip_batch import ClipBatch, collate
    from lrcn_model.reading.epoch_sampler import EpochSampler
    from lrcn_model.reading.preprocess import Preprocess
    from lrcn_model.reading.shard_dataset import ShardDataset
    from lrcn_model.reading.webdataset_reader import WebdatasetReader
    from lrcn_model.reporting.write_report import Report, write_report
    from lrcn_model.scoring.calibration import Calibration, CalibrationFigures
    from lrcn_model.scoring.class_figures import ClassFigures
    from lrcn_model.scoring.compare import Agreement, Comparison, compare
    from lrcn_model.scoring.evaluate import evaluate
    from lrcn_model.scoring.evaluate_in_time import evaluate_in_time
    from lrcn_model.scoring.evaluation import Evaluation, ScoredShard
    from lrcn_model.scoring.evaluation_in_time import EvaluationInTime, compare_in_time
    from lrcn_model.scoring.find_evaluation import find_evaluation
    from lrcn_model.scoring.fuse import Fusion, fuse
    from lrcn_model.scoring.kept_evaluations import read_evaluation
    from lrcn_model.scoring.scorer import Result, VideoScores
    from lrcn_model.scoring.scores_csv import write_csv
    from lrcn_model.scoring.set_scorer import SetResult, SetVideoScores
    from lrcn_model.scoring.summary import Fold, Summary, pooled_difference, summarize
    from lrcn_model.scoring.summary_in_time import SummaryInTime, summarize_in_time
    from lrcn_model.scoring.trained_run import TrainedRun, load_run
    from lrcn_model.searching.search import search
    from lrcn_model.searching.search_result import Finalist, SearchResult
    from lrcn_model.searching.trial import TrialResult
    from lrcn_model.training.reports import TrainingObserver
    from lrcn_model.training.run import Outcome
    from lrcn_model.training.train import train

__all__ = [
    "LRCN",
    "Agreement",
    "Alarm",
    "AlarmFigures",
    "Augmentation",
    "Calibration",
    "CalibrationFigures",
    "ClassFigures",
    "ClipBatch",
    "Comparison",
    "DetectionComparison",
    "DetectionResult",
    "EpochSampler",
    "Evaluation",
    "EvaluationInTime",
    "Expects",
    "Export",
    "ExportedFacts",
    "Finalist",
    "Fold",
    "FrameGuess",
    "FrameTrack",
    "Fusion",
    "Guess",
    "Interval",
    "LiveFrame",
    "LiveSummary",
    "NetConfig",
    "OnnxModel",
    "Outcome",
    "Part",
    "PredictProgress",
    "Prediction",
    "Preprocess",
    "Report",
    "Result",
    "ScoredShard",
    "SearchResult",
    "Segment",
    "SetResult",
    "SetVideoScores",
    "ShardDataset",
    "SourceLost",
    "Summary",
    "SummaryInTime",
    "TrainedRun",
    "TrainingObserver",
    "TrialResult",
    "VideoScores",
    "Watch",
    "WebdatasetReader",
    "collate",
    "compare",
    "compare_detection",
    "compare_in_time",
    "detection_result",
    "draw_confusion",
    "evaluate",
    "evaluate_in_time",
    "export",
    "find_evaluation",
    "fuse",
    "load_run",
    "pooled_difference",
    "predict",
    "predict_videos",
    "read_evaluation",
    "search",
    "summarize",
    "summarize_in_time",
    "train",
    "watch",
    "write_csv",
    "write_report",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Outcome": "training.run",
        "VideoScores": "scoring.scorer",
        "Result": "scoring.scorer",
        "SetResult": "scoring.set_scorer",
        "SetVideoScores": "scoring.set_scorer",
        "draw_confusion": "pictures.confusion_picture",
        "write_csv": "scoring.scores_csv",
        "Guess": "predicting.prediction",
        "Fold": "scoring.summary",
        "FrameGuess": "predicting.prediction",
        "LRCN": "nets.net",
        "Agreement": "scoring.compare",
        "Augmentation": "reading.augmentation",
        "Calibration": "scoring.calibration",
        "CalibrationFigures": "scoring.calibration",
        "ClipBatch": "reading.clip_batch",
        "Comparison": "scoring.compare",
        "compare": "scoring.compare",
        "EpochSampler": "reading.epoch_sampler",
        "ClassFigures": "scoring.class_figures",
        "Evaluation": "scoring.evaluation",
        "Interval": "figures.intervals",
        "ScoredShard": "scoring.evaluation",
        "pooled_difference": "scoring.summary",
        "read_evaluation": "scoring.kept_evaluations",
        "summarize": "scoring.summary",
        "Expects": "nets.cnn",
        "NetConfig": "nets.net_config",
        "Part": "nets.net_config",
        "Prediction": "predicting.prediction",
        "PredictProgress": "predicting.predict",
        "Segment": "predicting.segments",
        "Preprocess": "reading.preprocess",
        "ShardDataset": "reading.shard_dataset",
        "Summary": "scoring.summary",
        "TrainedRun": "scoring.trained_run",
        "TrainingObserver": "training.reports",
        "WebdatasetReader": "reading.webdataset_reader",
        "collate": "reading.clip_batch",
        "evaluate": "scoring.evaluate",
        "evaluate_in_time": "scoring.evaluate_in_time",
        "EvaluationInTime": "scoring.evaluation_in_time",
        "compare_in_time": "scoring.evaluation_in_time",
        "DetectionResult": "detection.detection_result",
        "DetectionComparison": "detection.detection_comparison",
        "Alarm": "detection.alarms",
        "AlarmFigures": "detection.alarms",
        "FrameTrack": "detection.frame_track",
        "detection_result": "detection.detection_result",
        "compare_detection": "detection.detection_comparison",
        "SummaryInTime": "scoring.summary_in_time",
        "summarize_in_time": "scoring.summary_in_time",
        "find_evaluation": "scoring.find_evaluation",
        "Fusion": "scoring.fuse",
        "fuse": "scoring.fuse",
        "load_run": "scoring.trained_run",
        "Export": "exporting.export",
        "ExportedFacts": "exporting.exported_facts",
        "OnnxModel": "exporting.onnx_model",
        "export": "exporting.export",
        "LiveFrame": "predicting.live_events",
        "LiveSummary": "predicting.live_events",
        "SourceLost": "predicting.live_events",
        "Watch": "predicting.watch",
        "watch": "predicting.watch",
        "predict": "predicting.predict",
        "predict_videos": "predicting.predict",
        "train": "training.train",
        "search": "searching.search",
        "Finalist": "searching.search_result",
        "SearchResult": "searching.search_result",
        "Report": "reporting.write_report",
        "write_report": "reporting.write_report",
        "TrialResult": "searching.trial",
    },
)
