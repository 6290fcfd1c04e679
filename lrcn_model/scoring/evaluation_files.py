"""What people look at of an evaluation: tables and pictures in a folder beside its .json.

evaluations/
  test-log-probs-1a2b3c4d.json, .npz   the evaluation; see `kept_evaluations`
  test-log-probs-1a2b3c4d/
    per-class.csv, per-class.png       precision, recall and F1 of each class
    confusion-matrix.png               which class is taken for which
    most-confused.csv                  the same as pairs of classes, the most frequent first
    clips.jpg                          right and wrong answers, the most certain wrong ones first
    timelines.png                      where labels are in time: what videos show, what is predicted

Videos with sets of classes have per-class figures alone. Nothing of this is ever read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrcn_data.fonts import Fonts
from lrcn_data.format.sample_frames import spread_frames
from lrcn_data.format.shard_reader import DataSet
from lrcn_model.detection.frame_confusion import frame_confusion
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.detection.runs import Runs, predicted_runs, true_runs
from lrcn_model.figures.confused_pairs import most_confused
from lrcn_model.figures.figure_tables import write_class_table, write_confused_pairs
from lrcn_model.pictures.class_bars import draw_class_bars
from lrcn_model.pictures.clip_sheet import FRAMES, ShownClip, clip_sheet, write_sheet
from lrcn_model.pictures.confusion_picture import draw_confusion
from lrcn_model.pictures.timelines_picture import Stretch, Timeline, draw_timelines
from lrcn_model.pictures.written_files import Write, WrittenFiles, write_files
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.set_scorer import SetResult
from lrcn_model.scoring.shown_videos import (
    ShownVideo,
    evenly_right_and_wrong,
    middle_clip,
    most_certain_right,
    most_certain_wrong,
    share_right,
)

PER_CLASS, CLASS_BARS = "per-class.csv", "per-class.png"
CONFUSION, CONFUSED = "confusion-matrix.png", "most-confused.csv"
CLIPS, TIMELINES = "clips.jpg", "timelines.png"

_MOST_CLIPS = 12
"""Right ones, and wrong ones."""

_MOST_VIDEOS = 10


def write_evaluation_files(
    found: Evaluation | EvaluationInTime, folder: Path, data: DataSet | None
) -> WrittenFiles:
    """Write all tables and pictures that suit an evaluation; this never fails.

    Args:
        found: The evaluation.
        folder: The folder to write into; it is made.
        data: The shards that were scored, from which frames are taken; None for no frames.
    """
    if isinstance(found, Evaluation):
        return write_files(folder, _of_videos(found, data))
    return write_files(folder, _of_frames(found))


def _of_videos(found: Evaluation, data: DataSet | None) -> dict[str, Write]:
    files = _of_classes(found)
    if isinstance(found.result, SetResult):
        return files
    files |= _of_confusion(found.result.confusion, found.classes, "videos")
    if data is not None:
        files[CLIPS] = lambda path: _write_clips(path, found, data)
    return files


def _of_frames(found: EvaluationInTime) -> dict[str, Write]:
    confusion = frame_confusion(found.tracks, len(found.classes)).tolist()
    shown = evenly_right_and_wrong(found.tracks, _MOST_VIDEOS)
    files = {**_of_classes(found), **_of_confusion(confusion, found.classes, "frames")}
    if shown:
        timelines = [timeline(track) for track in shown]
        files[TIMELINES] = lambda path: draw_timelines(path, timelines, found.classes)
    return files


def _of_classes(found: Evaluation | EvaluationInTime) -> dict[str, Write]:
    table = found.class_table
    return {
        PER_CLASS: lambda path: write_class_table(path, table),
        CLASS_BARS: lambda path: draw_class_bars(path, table),
    }


def _of_confusion(
    confusion: Sequence[Sequence[int]], classes: Sequence[str], things: str
) -> dict[str, Write]:
    pairs = most_confused(confusion)
    return {
        CONFUSION: lambda path: draw_confusion(path, confusion, classes, things=things),
        CONFUSED: lambda path: write_confused_pairs(path, pairs, classes, things),
    }


def _write_clips(path: Path, found: Evaluation, data: DataSet) -> str | None:
    right, wrong = (
        [clip for one in choose(found, _MOST_CLIPS) if (clip := _shown(one, data, found.classes))]
        for choose in (most_certain_right, most_certain_wrong)
    )
    count = sum(not video.right for video in found.videos)
    sections = [
        (f"wrong: the most certain of {count:,} videos", wrong),
        (f"right: the most certain of {len(found.videos) - count:,} videos", right),
    ]
    fonts = Fonts()
    write_sheet(path, clip_sheet(sections, found.classes, fonts))
    return fonts.remedy()


def _shown(one: ShownVideo, data: DataSet, classes: Sequence[str]) -> ShownClip | None:
    number = middle_clip(data, one.video)
    if number is None:
        return None
    return ShownClip(
        video=one.video.video,
        frames=[frame for _, frame in spread_frames(data.read_sample(number), FRAMES)],
        label=one.video.label,
        truth=classes[one.video.label],
        predicted=one.video.predicted,
        probability=one.probability,
    )


def timeline(track: FrameTrack) -> Timeline:
    """What a video shows when, and what was predicted of it; frames without a label are left out.

    Args:
        track: The video.
    """
    frames = track.labelled()

    def stretches(runs: Runs) -> list[Stretch]:
        starts, ends = runs.starts(frames).tolist(), runs.ends(frames).tolist()
        return [Stretch(*one) for one in zip(starts, ends, runs.labels_S.tolist(), strict=True)]

    return Timeline(
        video=track.video,
        accuracy=share_right(track),
        truth=stretches(true_runs(frames)),
        predicted=stretches(predicted_runs(frames)),
    )
