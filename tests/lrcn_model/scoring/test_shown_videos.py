from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lrcn_data.format.shard_reader import open_data_set
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.scoring.class_figures import class_figures
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.scorer import VideoScores, video_result
from lrcn_model.scoring.shown_videos import (
    evenly_right_and_wrong,
    middle_clip,
    most_certain_right,
    most_certain_wrong,
)
from lrcn_model.scoring.views import Views


def evaluation(labels: list[int], predicted: list[int], certainty: list[float]) -> Evaluation:
    videos = []
    for number, (label, answer, sure) in enumerate(zip(labels, predicted, certainty, strict=True)):
        scores = np.log(np.where(np.arange(3) == answer, sure, (1 - sure) / 2))
        video = f"{number}.avi"
        videos.append(
            VideoScores(
                video=video, source=number, label=label, predicted=answer, frames=4, scores=scores
            )
        )
    return Evaluation(
        run="run",
        weights={},
        result=video_result(videos, 3, skipped=0, failed=0),
        videos=videos,
        classes=["a", "b", "c"],
        first=True,
        differences=[],
        average="log-probs",
        views=Views(),
        shards=[],
        intervals={},
        by_class=class_figures(videos, 3),
    )


def test_wrong_answers_come_by_certainty_and_right_ones_of_many_classes() -> None:
    found = evaluation(
        [0, 0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 0], [0.9, 0.8, 0.7, 0.6, 0.95, 0.5, 0.4]
    )
    wrong = most_certain_wrong(found, 2)
    assert [one.video.video for one in wrong] == ["4.avi", "2.avi"]
    assert np.allclose([one.probability for one in wrong], [0.95, 0.7])
    assert [one.video.video for one in most_certain_right(found, 4)] == [
        "0.avi",
        "3.avi",
        "5.avi",
        "1.avi",
    ]


def test_a_videos_middle_clip_is_a_clip_of_it(make_data_set: Callable[..., Path]) -> None:
    data = open_data_set(make_data_set(samples={"test": [6, 4]}), split="test")
    for number in range(len(data)):
        sample = data.read_sample(number)
        video = VideoScores(
            video=sample.record.video,
            source=sample.source,
            label=sample.label,
            predicted=0,
            frames=1,
            scores=np.zeros(3),
        )
        found = middle_clip(data, video)
        assert found is not None
        assert data.read_sample(found).record.video == sample.record.video
        assert data.read_sample(found).label == sample.label
    elsewhere = VideoScores(video="x", source=1, label=0, predicted=0, frames=1, scores=np.zeros(3))
    assert middle_clip(data, elsewhere) is None


def test_videos_in_time_go_from_the_worst_to_the_best() -> None:
    tracks = [
        FrameTrack(
            video=f"{right}.avi",
            source=0,
            positions=np.arange(10),
            times=np.arange(10) / 5,
            labels=np.zeros(10, np.int64),
            scores=np.eye(2)[(np.arange(10) >= right).astype(int)],
        )
        for right in (3, 9, 0, 6, 10)
    ]
    unlabelled = FrameTrack(
        video="u",
        source=0,
        positions=np.arange(1),
        times=np.zeros(1),
        labels=np.array([-1]),
        scores=np.ones((1, 2)) / 2,
    )
    shown = evenly_right_and_wrong([*tracks, unlabelled], 3)
    assert [track.video for track in shown] == ["0.avi", "6.avi", "10.avi"]
    assert evenly_right_and_wrong([unlabelled], 3) == []
