"""Testing with many clips of a video: windows, and draws, from a test list alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_data import make_shards
from lrcn_model import ShardDataset, evaluate, load_run

WINDOWS: dict[str, Any] = {"sampling": "windows", "seq_len": 16, "stride": 8}
DRAWS: dict[str, Any] = {"sampling": "blocks", "seq_len": 16, "clips": 5}


@pytest.fixture
def test_list(tmp_path: Path, write_video: Callable[..., Path]) -> Path:
    lengths = {"a.mp4": 40, "b.mp4": 45, "c.mp4": 16}
    for name, frames in lengths.items():
        write_video(name, frames=frames, fps=10)
    path = tmp_path / "list of tests.txt"
    path.write_text("a.mp4 walk\nb.mp4 run\nc.mp4 walk\n")
    return path


def starts(data: ShardDataset) -> dict[str, list[int]]:
    """The frames that the clips of each video begin with."""
    found: dict[str, list[int]] = {}
    for number in range(len(data)):
        record = data.data_set.read_sample(number).record
        found.setdefault(record.video, []).append(round(record.frame_times[0] * 10))
    return found


@pytest.mark.parametrize(("clips", "count"), [(WINDOWS, 10), (DRAWS, 15)])
def test_all_clips_of_a_video_are_averaged(
    tmp_path: Path, test_list: Path, make_run: Callable[..., Path], clips: Any, count: int
) -> None:
    shards = tmp_path / "shards"
    make_shards(shards, test=test_list, root=tmp_path, fps=10, workers=0, **clips)
    data = ShardDataset(shards)
    if clips is WINDOWS:
        assert starts(data) == {"a.mp4": [0, 8, 16, 24], "b.mp4": [0, 8, 16, 24, 29], "c.mp4": [0]}
    else:
        assert [len(of_video) for of_video in starts(data).values()] == [5, 5, 5]
    run = load_run(make_run("run", shards), device="cpu")
    found = evaluate(run, shards, workers=0)
    assert (found.result.videos, found.result.clips) == (3, count)
    votes: dict[str, list[np.ndarray]] = {}
    right = []
    for number in range(len(data)):
        batch = data[number]
        votes_TC = run.score(batch)[0].double().log_softmax(-1).numpy()
        votes.setdefault(batch.videos[0], []).extend(votes_TC)
        right.append(votes_TC.mean(axis=0).argmax() == int(batch.labels[0]))
    for video in found.videos:
        np.testing.assert_allclose(video.scores, np.mean(votes[video.video], axis=0), atol=1e-5)
    assert found.result.clip_accuracy == pytest.approx(np.mean(right))  # type: ignore[union-attr]
