from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest

from lrcn_data.demo.data_set import DemoOptions, write_demo
from lrcn_data.demo.videos import (
    CLASSES,
    RATES,
    SIZES,
    DemoVideo,
    draw_video,
    encode_video,
    plan_demo,
)
from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.lists.read_lists import read_lists

PAIRS = [
    ("horizontal-right", "horizontal-left"),
    ("vertical-down", "vertical-up"),
    ("size-growing", "size-shrinking"),
]
SMALL = DemoOptions(train=12, val=6, test=6)


def of_class(class_name: str, seed: int = 5) -> DemoVideo:
    return DemoVideo(
        name=f"videos/{class_name}/a.mp4",
        class_name=class_name,
        split="train",
        width=64,
        height=64,
        rate=Fraction(10),
        frames=16,
        seed=seed,
    )


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_a_class_is_the_other_of_its_pair_played_backwards(forward: str, backward: str) -> None:
    frames, turned = draw_video(of_class(forward)), draw_video(of_class(backward))
    assert np.array_equal(frames[::-1], turned)
    assert not np.array_equal(frames, turned)


def colourful(frames: np.ndarray) -> np.ndarray:
    """Where the shape is: pixels far from the picture's typical colour."""
    distance = np.abs(frames.astype(int) - np.median(frames, (1, 2), keepdims=True)).sum(-1)
    return distance > 150


@pytest.mark.parametrize(
    ("class_name", "axis"), [("horizontal-right", 1), ("vertical-down", 0), ("size-growing", None)]
)
def test_a_shape_moves_as_its_class_says(class_name: str, axis: int | None) -> None:
    agree = 0
    for seed in range(10):
        inside = colourful(draw_video(of_class(class_name, seed)))
        if axis is None:
            measure = [mask.sum() for mask in inside]
        else:
            measure = [np.nonzero(mask)[axis].mean() for mask in inside]
        agree += measure[-1] > measure[0]
    assert agree >= 9


def test_the_noise_differs_from_frame_to_frame() -> None:
    frames = draw_video(of_class("size-growing")).astype(int)
    assert all(np.abs(a - b).mean() > 0.5 for a, b in pairwise(frames))


def test_a_plan_has_all_kinds_in_equal_numbers() -> None:
    videos = plan_demo({"train": 1200, "val": 0, "test": 240}, seed=0)
    assert Counter((video.split, video.class_name) for video in videos) == {
        **{("train", name): 200 for name in CLASSES},
        **{("test", name): 40 for name in CLASSES},
    }
    assert {(video.width, video.height) for video in videos} == set(SIZES)
    assert {video.rate for video in videos} == set(RATES)
    assert {video.name[-4:] for video in videos} == {".avi", ".mp4"}
    assert len({video.name for video in videos}) == len({video.seed for video in videos}) == 1440


def test_more_videos_or_other_splits_leave_the_first_ones_as_they_were() -> None:
    few, many = plan_demo({"test": 10}, seed=3), plan_demo({"train": 5, "test": 20}, seed=3)
    assert many[5:15] == few


def frames_at_5_fps(data: bytes) -> int:
    """Counted by libavfilter's own fps filter."""
    with av.open(io.BytesIO(data)) as container:
        graph = av.filter.Graph()
        source = graph.add_buffer(template=container.streams.video[0])
        graph.link_nodes(source, graph.add("fps", "5"), graph.add("buffersink")).configure()
        for frame in container.decode(video=0):
            graph.push(frame)
        graph.push(None)
        count = 0
        while True:
            try:
                graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return count
            count += 1


def test_videos_have_whole_blocks_at_5_fps_or_are_too_short() -> None:
    videos = plan_demo({"train": 60}, seed=0)
    lengths = Counter(frames_at_5_fps(encode_video(video)) for video in videos)
    assert {8, 16, 24} <= set(lengths) <= {3, 4, 5, 6, 7, 8, 16, 24}
    assert 0 < sum(count for length, count in lengths.items() if length < 8) < 12


@pytest.mark.parametrize(("ending", "codec"), [("avi", "mpeg4"), ("mp4", "h264")])
def test_a_file_has_the_planned_codec_size_rate_and_frames(ending: str, codec: str) -> None:
    video = dataclasses.replace(
        of_class("vertical-up"), name=f"x.{ending}", width=72, rate=Fraction(30000, 1001)
    )
    with av.open(io.BytesIO(encode_video(video))) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == codec
        assert (stream.width, stream.height) == (72, 64)
        assert stream.average_rate == Fraction(30000, 1001)
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    drawn = draw_video(video)
    assert len(decoded) == len(drawn)
    # chroma is stored at half the size, so only luma can be near
    weights = np.array([0.299, 0.587, 0.114])
    error = np.abs((np.array(decoded) - drawn.astype(float)) @ weights).mean()
    assert error < 6


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    write_demo(folder, SMALL, workers=1)
    return folder


def test_the_lists_name_all_videos_and_classes(made: Path) -> None:
    lists = read_lists(
        {split: made / f"{split}.txt" for split in ("train", "val", "test")}, root=made
    )
    assert Counter(entry.split for entry in lists.entries) == {"train": 12, "val": 6, "test": 6}
    assert lists.classes == list(CLASSES) == (made / "classes.txt").read_text().split()
    assert {entry.path for entry in lists.entries} == {
        str(path.relative_to(made)) for path in made.glob("videos/*/*")
    }


@pytest.mark.slow
def test_any_number_of_workers_makes_the_same_bytes(made: Path, tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", SMALL, workers=2)
    assert digests(tmp_path / "demo") == digests(made)


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(made: Path) -> None:
    before = digests(made)
    for number, path in enumerate(sorted(made.glob("videos/*/*"))):
        if number % 3 == 0:
            path.unlink()
    for name in ("train.txt", "classes.txt"):
        (made / name).unlink()
    counted: list[tuple[int, int]] = []
    write_demo(made, SMALL, workers=1, on_start=lambda *numbers: counted.append(numbers))
    assert counted == [(24, 8)]
    assert digests(made) == before


def test_a_finished_run_touches_nothing(made: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    write_demo(made, SMALL, workers=1)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == times


def test_other_options_are_refused_with_those_that_were(made: Path) -> None:
    with pytest.raises(UsageError, match="--train-videos 12 --val-videos 6 --test-videos 6 --seed"):
        write_demo(made, dataclasses.replace(SMALL, seed=1), workers=1)


def test_lists_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("mine.avi 0\n")
    with pytest.raises(UsageError, match=r"has train\.txt already"):
        write_demo(tmp_path, SMALL, workers=1)
    assert (tmp_path / "train.txt").read_text() == "mine.avi 0\n"
    assert [path.name for path in tmp_path.iterdir()] == ["train.txt"]


def test_overwriting_replaces_the_old_videos_and_nothing_else(tmp_path: Path) -> None:
    write_demo(tmp_path, DemoOptions(train=2, val=1, test=0), workers=1)
    (tmp_path / "videos/mine.avi").touch()
    write_demo(tmp_path, DemoOptions(train=1, val=0, test=0, seed=1), workers=1, overwrite=True)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "classes.txt",
        "demo.json",
        "mine.avi",
        plan_demo({"train": 1}, 1)[0].name.split("/")[-1],
        "train.txt",
    ]


def test_a_record_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text(json.dumps({"train": 1, "colour": "red"}))
    with pytest.raises(LrcnError, match=r"demo\.json can't be read"):
        write_demo(tmp_path, SMALL, workers=1)


@pytest.mark.parametrize("counts", [(-1, 0, 1), (0, 0, 0)])
def test_impossible_numbers_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="-videos"):
        DemoOptions(train=counts[0], val=counts[1], test=counts[2])
