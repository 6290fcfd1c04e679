"""The evaluations of labels in time that are kept in a run's folder, each in two files.

evaluations/
  test-in-time-1a2b3c4d.json   what was scored, with what, and all figures
  test-in-time-1a2b3c4d.npz    the probabilities of each frame of each video

They are written and named as `kept_evaluations` says. The .json has in `kind` the text "in time";
the .npz has these arrays (V videos, F frames of all videos one after another, C classes):

  track_videos     text (V,)            the path of each video, as its list had it
  track_sources    text (V,)            which file it is, as a number of `lrcn_data.format.sources`
  track_frames     int64 (V,)           the number of its frames
  track_positions  int64 (F,)           each frame's number in the fps stream
  track_times      float64 (F,)         its own time in seconds
  track_labels     int32 (F,)           its class; -1 where it has none
  track_scores     float32 (F, C)       the probability of each class
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lrcn_model.detection.alarms import Alarm
from lrcn_model.detection.detection_result import detection_result
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.processor import Processor
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.evaluation import ScoredShard
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.frame_scores import Array
from lrcn_model.scoring.kept_evaluations import (
    as_kept,
    circumstances,
    evaluation_name,
    load_arrays,
    read_record,
    write_evaluation,
)
from lrcn_model.scoring.views import WHOLE, Views

IN_TIME = "in time"
"""The `kind` of such evaluations; others have none."""


def keep_in_time(
    folder: RunFolder,
    found: EvaluationInTime,
    *,
    processor: Processor,
    seconds: float,
    path: Path | None = None,
) -> Path:
    """Write an evaluation into the folder of its run, in place of the same one of before.

    Args:
        folder: The run's folder, on this machine.
        found: The evaluation.
        processor: The processor that the net was run on.
        seconds: The time that scoring took.
        path: The .json to write; None for one of the run's evaluations.

    Returns:
        The path of its .json.

    Raises:
        LrcnError: It can't be written.
    """
    alarm = found.alarm and {"label": found.alarm.label, "min_length": found.alarm.min_length}
    record = {
        "kind": IN_TIME,
        "run": found.run,
        "weights": dict(found.weights),
        "made": circumstances(processor, seconds),
        "figures": found.report(),
        "alarm": alarm,
    }
    views = found.views
    decides = {
        "background": found.result.background,
        "alarm": alarm,
        "views": views.name,
        "crop": views.cuts,
    }
    words = [IN_TIME.replace(" ", "-"), *([] if views.name == WHOLE else [views.name])]
    name = evaluation_name(found.shards, found.weights, processor.precision, words, decides)
    path = path or folder.evaluations / f"{name}.json"
    return write_evaluation(path, record, found.shards, _arrays(found))


def read_in_time(path: Path) -> EvaluationInTime:
    """Read an evaluation that was kept; its figures are computed anew, without intervals.

    Args:
        path: The path of its .json.

    Raises:
        LrcnError: It is no such file, is damaged, or was written by a later version.
    """
    record = read_record(path)
    with as_kept(path):
        tracks = _tracks(load_arrays(path, record["scores"], "track_"))
        figures = record["figures"]
        alarm = Alarm(**record["alarm"]) if record["alarm"] else None
        return EvaluationInTime(
            run=record["run"],
            weights=record["weights"],
            result=detection_result(
                tracks,
                background=figures["background"],
                alarm=alarm,
                with_intervals=False,
                skipped=figures["skipped"],
                failed=figures["failed"],
            ),
            tracks=tracks,
            classes=figures["classes"],
            first=True,
            differences=figures.get("differences", []),
            views=Views(name=figures["views"], crop=figures["crop"]),
            shards=[ScoredShard(**shard) for shard in record["data"]["shards"]],
            alarm=alarm,
            kept=path,
        )


def _arrays(found: EvaluationInTime) -> dict[str, Array]:
    tracks = found.tracks

    def together(name: str, kind: Any) -> Array:
        parts = [getattr(track, name) for track in tracks]
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

    return {
        "track_videos": np.array([track.video for track in tracks]),
        "track_sources": np.array([str(track.source) for track in tracks]),
        "track_frames": np.array([len(track.labels) for track in tracks], np.int64),
        "track_positions": together("positions", np.int64),
        "track_times": together("times", np.float64),
        "track_labels": together("labels", np.int32),
        "track_scores": together("scores", np.float32),
    }


def _tracks(arrays: dict[str, Array]) -> list[FrameTrack]:
    ends = np.cumsum(arrays["track_frames"])[:-1]
    parts = zip(
        arrays["track_videos"].tolist(),
        map(int, arrays["track_sources"]),
        np.split(arrays["track_positions"], ends),
        np.split(arrays["track_times"], ends),
        np.split(arrays["track_labels"].astype(np.int64), ends),
        np.split(arrays["track_scores"], ends),
        strict=True,
    )
    return [
        FrameTrack(
            video=video,
            source=source,
            positions=positions,
            times=times,
            labels=labels,
            scores=scores,
        )
        for video, source, positions, times, labels, scores in parts
    ]
