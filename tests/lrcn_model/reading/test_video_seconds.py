"""How long the videos were that a net was trained on is known from their shards, and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrcn_data import make_shards
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.video_seconds import VideoSeconds, video_seconds
from lrcn_model.scoring.trained_run import RunFacts, load_run, save_weights
from tests.lrcn_model.facts_of_shards import facts_of


def shards(folder: Path, write_video: Callable[..., Path], sampling: str) -> ShardDataset:
    """Those of three videos of 2, 3 and 7 seconds, and of one that is too short for a clip."""
    lengths = {"a.mp4": 20, "b.mp4": 30, "c.mp4": 70, "d.mp4": 6}
    for number, (name, frames) in enumerate(lengths.items()):
        write_video(f"class{number % 2}/{name}", frames=frames, fps=10)
    lines = [f"class{n % 2}/{name} class{n % 2}\n" for n, name in enumerate(lengths)]
    (folder / "list.txt").write_text("".join(lines))
    made = {"train": folder / "list.txt", "root": folder, "workers": 0, "seq_len": 4}
    make_shards(folder / "shards", sampling=sampling, **made)
    return ShardDataset(folder / "shards")


@pytest.mark.parametrize("sampling", ["blocks", "center"])
def test_the_median_and_the_longest_are_those_of_the_videos_that_gave_clips(
    tmp_path: Path, write_video: Callable[..., Path], sampling: str
) -> None:
    assert video_seconds(shards(tmp_path, write_video, sampling)) == VideoSeconds(
        median=3.0, longest=7.0
    )


def test_windows_are_of_parts_of_videos_whose_length_says_nothing(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    assert video_seconds(shards(tmp_path, write_video, "windows")) is None


def test_a_run_keeps_them_and_one_without_them_is_written_as_before(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    data = shards(tmp_path, write_video, "blocks")
    lengths = video_seconds(data)
    known = facts_of(data, average="probs", trained={}, video_seconds=lengths)
    unknown = facts_of(data, average="probs", trained={})
    assert "video_seconds" not in unknown.as_record()
    for name, facts in (("known", known), ("unknown", unknown)):
        found = saved_and_loaded(tmp_path / f"{name}.safetensors", facts)
        assert found.video_seconds == facts.video_seconds


def saved_and_loaded(path: Path, facts: RunFacts) -> RunFacts:
    net = LRCN(NetConfig(classes=2, cnn="small", size=(32, 32)))
    save_weights(path, net, Preprocess((32, 32), torch.zeros(3)), facts)
    return load_run(path, choose_processor("cpu", "off")).facts
