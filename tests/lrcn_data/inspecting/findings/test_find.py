"""Findings of whole data sets: of records, of a drawn part of the pictures, and the examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.findings.find import MOST_EXAMPLES, Finding
from lrcn_data.inspecting.stats import compute_stats

MakeDataSet = Callable[..., Path]


def findings(folder: Path, **options: Any) -> dict[str, Finding]:
    stats, _ = compute_stats(str(folder), workers=2, **options)
    return {finding.name: finding for finding in stats.findings}


def test_other_sizes_and_shapes_are_told_by_records_alone(make_data_set: MakeDataSet) -> None:
    sizes = ((32, 24), (32, 24), (32, 24), (24, 32), (40, 24))
    found = findings(make_data_set(samples={"train": [10], "test": [5]}, sizes=sizes))
    assert list(found) == ["turned-frames", "mixed-sizes"]
    assert (found["turned-frames"].clips, found["turned-frames"].looked_at) == (3, 15)
    assert {example.detail for example in found["turned-frames"].examples} == {"upright"}
    assert found["mixed-sizes"].clips == 6
    assert {example.detail for example in found["mixed-sizes"].examples} == {
        "24x32, most are 32x24",
        "40x24, most are 32x24",
    }


def test_where_most_clips_are_upright_the_lying_ones_are_named(make_data_set: MakeDataSet) -> None:
    sizes = ((24, 32), (24, 32), (32, 24), (24, 24))
    found = findings(make_data_set(samples={"train": [8]}, sizes=sizes))["turned-frames"]
    assert (found.clips, {example.detail for example in found.examples}) == (2, {"lying"})


def test_videos_with_fewer_frames_than_were_taken_are_named(make_data_set: MakeDataSet) -> None:
    assert findings(make_data_set("slower")) == {}
    found = findings(make_data_set("faster", fps="30"))["slow-videos"]
    assert (found.clips, found.examples[0].detail) == (7, "25 fps, sampled at 30")


def test_pictures_are_looked_at_of_as_many_clips_as_asked_for(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [9, 9], "test": [6]}, change_jpegs=all_as_the_first)
    none, _ = compute_stats(str(folder))
    some, _ = compute_stats(str(folder), look_at=10, seed=3)
    again, _ = compute_stats(str(folder), look_at=10, seed=3, workers=1)
    every, _ = compute_stats(str(folder), look_at=1000)
    assert [stats.looked_at for stats in (none, some, every)] == [0, 10, 24]
    assert none.findings == []
    assert some == again
    repeated = [
        finding
        for stats in (some, every)
        for finding in stats.findings
        if finding.name == "repeated-frames"
    ]
    assert [finding.looked_at for finding in repeated] == [10, 24]
    # a clip of one real frame repeats none of its own
    assert repeated[1].clips == sum(of_one > 1 for of_one in num_valid(folder))


def all_as_the_first(jpegs: list[bytes]) -> list[bytes]:
    return [jpegs[0]] * len(jpegs)


def num_valid(folder: Path) -> list[int]:
    return open_data_set(folder).num_valid.tolist()


def test_examples_are_bounded_and_of_different_videos(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [60]}, fps="30")
    found = findings(folder)["slow-videos"]
    assert found.clips == 60
    assert len(found.examples) == MOST_EXAMPLES
    assert len({example.video for example in found.examples}) == MOST_EXAMPLES


def test_a_clip_of_two_splits_names_both(make_data_set: MakeDataSet) -> None:
    first: list[list[bytes]] = []

    def the_same(jpegs: list[bytes]) -> list[bytes]:
        first.append(jpegs)
        return [first[0][0]] * len(jpegs)

    folder = make_data_set(samples={"train": [1], "test": [1]}, change_jpegs=the_same)
    [example] = findings(folder, look_at=9)["near-duplicates"].examples
    assert (example.key, example.like_key) == ("test-000-00000", "train-000-00000")
    assert example.like_video == "videos/train-000_0.avi"
