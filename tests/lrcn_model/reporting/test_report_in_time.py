"""The page of a run whose labels are in time: segments, their frames, and timelines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from lrcn_model import evaluate_in_time, write_report
from tests.lrcn_model.reporting.page_data import data_of, parsed

MakeDataSet = Callable[..., Path]
MakeRun = Callable[..., Path]


@pytest.fixture
def run(make_data_set: MakeDataSet, make_run: MakeRun) -> Path:
    shards = make_data_set(
        samples={"test": [7, 6]},
        seq_len=8,
        classes=3,
        labels_in_time=True,
        recipe={"sampling": "windows"},
        class_names=["rest", "fall", "walk"],
    )
    folder = make_run("run", shards)
    evaluate_in_time(folder, shards, workers=0, alarm="fall")
    return folder


def test_the_clips_are_the_labelled_segments_with_their_frames(run: Path) -> None:
    report = write_report([run])
    [kept] = (run / "evaluations").glob("*.npz")
    arrays = np.load(kept)
    ends = np.cumsum(arrays["track_frames"])
    segments = set()
    for video, end, count in zip(arrays["track_videos"], ends, arrays["track_frames"], strict=True):
        frames = range(end - count, end)
        for label, group in groupby(frames, key=lambda frame: int(arrays["track_labels"][frame])):
            own = list(group)
            times = tuple(np.round(arrays["track_times"][own], 2).tolist())
            best = tuple(arrays["track_scores"][own].argmax(axis=1).tolist())
            if label != -1:
                segments.add((str(video), label, times, best))
    [shown] = data_of(report.path.read_text())["runs"]
    assert segments == {
        (clip["v"], clip["t"][0], tuple(clip["x"]), tuple(clip["a"])) for clip in shown["clips"]
    }
    assert report.pictures == report.clips == len(segments)


def test_timelines_show_truth_over_prediction(run: Path) -> None:
    page = write_report([run]).path.read_text()
    [kept] = (run / "evaluations").glob("*.npz")
    labels = np.load(kept)["track_labels"]
    timelines = page.partition('class="lines"')[2]
    paths = re.findall(r'<path fill="#......" d="([^"]+)"', timelines)
    seconds = sum(
        float(end) - float(start)
        for path in paths
        for start, end in re.findall(r"M(\S+) 0H(\S+?)V1", path)
    )
    # each frame lasts a fifth of a second, and all have a prediction
    assert seconds == pytest.approx(((labels != -1).sum() + len(labels)) / 5, rel=0.02)
    texts, _, _ = parsed(page)
    assert {"rest", "fall", "walk", "frame mAP", "fall: noticed"} <= set(texts)


def test_figures_have_the_intervals_that_were_kept(run: Path) -> None:
    [kept] = (run / "evaluations").glob("*.json")
    low, high = json.loads(kept.read_text())["figures"]["intervals"]["frame_accuracy"]
    texts, _, _ = parsed(write_report([run]).path.read_text())
    assert f"95 % interval {100 * low:.1f} to {100 * high:.1f}" in texts
