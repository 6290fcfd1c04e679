"""Shards of optical flow: of the same frames as those of RGB, and the flow that OpenCV gives."""

from __future__ import annotations

import json
import os
import tarfile
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_data import make_shards, read_clips
from lrcn_data.format.flow_jpeg import FlowJpeg
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.pixels import RGB

cv2 = pytest.importorskip("cv2")


def make(folder: Path, out: str, **values: Any) -> list[dict[str, Any]]:
    """Make shards, and give what is recorded of their samples."""
    lists = {split: folder / f"{split}.txt" for split in ("train", "test")}
    make_shards(folder / out, **lists, root=folder, fps=5, seq_len=4, **values)
    data = open_data_set(folder / out)
    return [asdict(data.read_sample(number).record) for number in range(len(data))]


def flow_of(first: RGB, second: RGB) -> Any:
    """The flow as OpenCV's own example computes it, stored as Donahue et al. stored theirs."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = dis.calc(*grey, None).astype(np.float64)
    magnitude = np.sqrt(flow[..., 0] ** 2 + flow[..., 1] ** 2)
    return np.dstack([flow, magnitude]) * 16 + 128


def decoded(jpeg: memoryview, like: RGB) -> Any:
    into = np.empty_like(like)
    FlowJpeg().decode(jpeg, into)
    return into.astype(np.float64)


@pytest.mark.parametrize("sampling", ["blocks", "windows"])
def test_flow_has_the_frames_that_rgb_has(video_lists: Path, sampling: str) -> None:
    rgb = make(video_lists, "rgb", sampling=sampling, workers=0, seed=3)
    flow = make(video_lists, "flow", sampling=sampling, workers=0, seed=3, frame_kind="flow")
    neighbours = [record.pop("neighbour_times") for record in flow]
    assert [record.pop("neighbour_times") for record in rgb] == [None] * len(rgb)
    assert flow == rgb
    gaps = {
        round(near - time, 6)
        for record, times in zip(flow, neighbours, strict=True)
        for time, near in zip(record["frame_times"], times, strict=True)
    }
    # the videos have 10 frames a second; windows end with the last one, of which one goes back
    assert gaps in ({0.1}, {0.1, -0.1})


def test_what_is_stored_is_opencvs_flow_from_each_frame_to_the_next(video_lists: Path) -> None:
    make(video_lists, "flow", workers=0, sampling="windows", frame_kind="flow", quality=100)
    data = open_data_set(video_lists / "flow")
    seen = 0
    for number in range(0, len(data), 7):
        sample = data.read_sample(number)
        video = video_lists / sample.record.video
        [whole] = read_clips(video, fps=10, seq_len=200, short="pad").clips
        times = whole.frame_times[: whole.num_valid]
        for time, jpeg in zip(sample.record.frame_times, sample.frames, strict=True):
            first = min(times.index(time), len(times) - 2)
            wanted = flow_of(whole.frames[first], whole.frames[first + 1])
            found = decoded(jpeg, whole.frames[first])
            # colours have half the resolution; what flows is all the same
            assert np.abs(found - np.clip(wanted, 0, 255)).mean() < 4
            seen += 1
    assert seen > 20


def test_flow_has_the_same_bytes_whatever_the_workers(video_lists: Path) -> None:
    make(video_lists, "one", workers=1, frame_kind="flow")
    make(video_lists, "three", workers=3, frame_kind="flow")
    tars = sorted(path.name for path in (video_lists / "one").glob("*.tar"))
    assert len(tars) > 2
    for name in tars:
        one, three = (video_lists / folder / name for folder in ("one", "three"))
        assert one.read_bytes() == three.read_bytes()


def test_the_manifest_says_how_flow_was_computed_and_each_sample_to_which_frame(
    video_lists: Path,
) -> None:
    make(video_lists, "flow", workers=0, frame_kind="flow")
    manifest = json.loads((video_lists / "flow/dataset.json").read_text())
    assert manifest["options"]["frame_kind"] == "flow"
    assert manifest["options"]["frame_values"] == {
        "method": "DIS",
        "preset": "medium",
        "scale": 16,
        "center": 128,
    }
    assert manifest["tools"]["opencv"] == cv2.__version__
    assert manifest["requires"] == ["frame-kind"]
    card = (video_lists / "flow/README.md").read_text()
    assert "(`KEY.000.jpg` and so on, pictures of flow, in time order)" in card
    with tarfile.open(video_lists / "flow/train-000.tar") as tar:
        *frames, _, record = tar.getnames()[:6]
        member = tar.extractfile(record)
        assert member is not None
        assert len(json.load(member)["neighbour_times"]) == 4
    assert [name.partition(".")[2] for name in frames] == [f"{n:03}.jpg" for n in range(4)]
    [(total, frames_summed)] = open_data_set(video_lists / "flow").pixel_sums().values()
    mean = total / frames_summed
    # most of the picture moves by some pixels to the right, and nothing down
    assert mean[..., 0].mean() > 135
    assert abs(mean[..., 1].mean() - 128) < 5


@pytest.mark.skipif("LRCN_REAL_VIDEOS" not in os.environ, reason="LRCN_REAL_VIDEOS is not set")
def test_a_person_who_walks_to_the_left_flows_there() -> None:
    video = Path(os.environ["LRCN_REAL_VIDEOS"]) / "weizmann/walk/denis_walk.avi"
    [clip] = read_clips(video, fps=25, seq_len=200, short="pad").clips
    frames = pairwise(clip.frames[: clip.num_valid])
    pictures = [FlowJpeg().picture(one, 0, other) for one, other in frames]
    moving = np.concatenate([picture[picture[..., 2] > 128 + 24] for picture in pictures])
    assert len(moving) > 1000
    assert (moving[:, 0] < 128).mean() > 0.95
