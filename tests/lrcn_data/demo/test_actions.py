"""Generated videos with labels in time."""

from __future__ import annotations

import csv
import json
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.demo.actions import plan_actions
from lrcn_data.demo.data_set import COUNTS, DemoOptions, write_demo
from lrcn_data.demo.videos import CLASSES, Action, DemoVideo, draw_video
from lrcn_data.errors import UsageError
from tests.lrcn_data.demo.test_data_set import files

OPTIONS = DemoOptions(train=3, val=1, test=1, seed=3, in_time=True)


def action(class_name: str, start: int, end: int) -> Action:
    return Action(class_name=class_name, start=start, end=end)


def video(*actions: Action) -> DemoVideo:
    return DemoVideo(
        name="videos/a.mp4",
        class_name="",
        split="train",
        width=64,
        height=64,
        rate=Fraction(10),
        frames=40,
        seed=5,
        actions=actions,
    )


def test_actions_follow_one_another_with_pauses_between_some() -> None:
    videos = plan_actions(COUNTS[True], seed=0)
    assert Counter(one.split for one in videos) == COUNTS[True]
    gaps = Counter()
    for one in videos:
        assert 3 <= len(one.actions) <= 6
        for before, after in pairwise(one.actions):
            assert before.class_name != after.class_name
            gaps[after.start > before.end] += 1
            assert after.start >= before.end
        assert one.actions[-1].end <= one.frames
        for shown in one.actions:
            assert 1.1 <= (shown.end - shown.start) / one.rate <= 3.7
    assert 0.2 < gaps[True] / gaps.total() < 0.4
    counts = Counter(shown.class_name for one in videos for shown in one.actions)
    assert set(counts) == set(CLASSES)
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_more_videos_leave_the_first_ones_as_they_were() -> None:
    few, many = plan_actions({"test": 3}, seed=3), plan_actions({"train": 2, "test": 5}, seed=3)
    assert many[2:5] == few


def test_a_shape_is_seen_in_actions_alone_and_the_background_goes_on() -> None:
    empty = draw_video(video()).astype(int)
    shown = draw_video(video(action("horizontal-right", 5, 20), action("size-growing", 20, 30)))
    # the noise is drawn after the shapes, and of another strength
    differs = (np.abs(shown.astype(int) - empty).sum(-1) > 60).mean((1, 2))
    assert (differs[5:30] > 0.01).all()
    assert (differs[:5] < 0.001).all()
    assert (differs[30:] < 0.001).all()


@pytest.mark.parametrize(
    ("forward", "backward"),
    [("horizontal-right", "horizontal-left"), ("size-growing", "size-shrinking")],
)
def test_an_action_of_the_other_class_of_a_pair_shows_the_same_shapes_in_reverse(
    forward: str, backward: str
) -> None:
    empty = draw_video(video()).astype(int)
    there, back = (
        np.abs(draw_video(video(action(name, 5, 30))).astype(int) - empty).sum(-1) > 150
        for name in (forward, backward)
    )
    for frame in range(25):
        one, other = there[5 + frame], back[29 - frame]
        assert (one != other).sum() < 0.1 * max(one.sum(), 1)


def test_the_lists_say_when_each_action_is_shown(tmp_path: Path) -> None:
    videos = write_demo(tmp_path, OPTIONS, workers=1)
    for split in ("train", "val", "test"):
        with (tmp_path / f"{split}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        found = [
            (row["video"], float(row["start"]), float(row["end"]), row["label"]) for row in rows
        ]
        assert found == [
            (
                one.name,
                pytest.approx(float(shown.start / one.rate), abs=1e-6),
                pytest.approx(float(shown.end / one.rate), abs=1e-6),
                shown.class_name,
            )
            for one in videos
            if one.split == split
            for shown in one.actions
        ]
    assert (tmp_path / "classes.txt").read_text().split() == sorted(CLASSES)
    assert not list(tmp_path.glob("*.txt"))[1:]
    whole = files(tmp_path)
    (tmp_path / videos[0].name).unlink()
    write_demo(tmp_path, OPTIONS, workers=1)
    assert files(tmp_path) == whole


def test_videos_of_another_kind_need_overwrite(tmp_path: Path) -> None:
    plain = DemoOptions(train=1, val=0, test=0)
    [first] = write_demo(tmp_path, plain, workers=1)
    assert "in_time" not in json.loads((tmp_path / "demo.json").read_bytes())
    with pytest.raises(UsageError, match="other generated videos"):
        write_demo(tmp_path, OPTIONS, workers=1)
    write_demo(tmp_path, OPTIONS, workers=1, overwrite=True)
    assert not (tmp_path / first.name).exists()
    assert not (tmp_path / "train.txt").exists()
    with pytest.raises(UsageError, match=r"--seed 3 --in-time\) already"):
        write_demo(tmp_path, plain, workers=1)
