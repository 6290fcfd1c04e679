"""A data set of some videos of another one: which ones, and what becomes of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_data import LrcnError, SubsetOptions, UsageError, merge, open_data_set, subset, verify
from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import SampleRecord
from lrcn_data.joining.choose_videos import nearest_groups

MakeDataSet = Callable[..., Path]

MANY = {"train": [8, 8, 8], "test": [6]}


def records_of(folder: Path) -> list[SampleRecord]:
    data = open_data_set(folder)
    return [data.read_sample(number).record for number in range(len(data))]


def manifest_of(folder: Path) -> Manifest:
    manifest = DataSetFolder(folder).read_manifest()
    assert manifest is not None
    return manifest


def test_fewer_classes_get_new_numbers_in_the_order_of_before(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", samples=MANY, class_names=["run", "walk", "jump", "sit"])
    out = whole.parent / "out"
    result = subset(whole, out, SubsetOptions(classes=["sit", "walk"]))
    assert list(verify(out, deep=True)) == []
    assert open_data_set(out).classes == ["walk", "sit"]
    found = {record.key: record for record in records_of(out)}
    # the made videos have two clips, which may differ in their class
    names = {r.key: r.class_name for r in records_of(whole) if r.class_name in ("walk", "sit")}
    assert {key: record.class_name for key, record in found.items()} == names
    assert [record.label for record in found.values()] == [
        ["walk", "sit"].index(record.class_name) for record in found.values()
    ]
    assert sum(result.clips.values()) == len(found)


def test_a_video_that_is_kept_keeps_all_of_its_clips_and_its_split(
    make_data_set: MakeDataSet,
) -> None:
    whole = make_data_set("a", samples=MANY, classes=1)
    out = whole.parent / "out"
    result = subset(whole, out, SubsetOptions(per_class=3))
    assert result.videos == {"train": 3, "test": 3}
    before = {record.key: record for record in records_of(whole)}
    after = records_of(out)
    assert all(before[record.key] == record for record in after)
    assert set(Counter(record.video for record in after).values()) == {2}
    assert [entry.videos for entry in manifest_of(out).shards] == [3, 3]
    assert {r.split for r in after} == {"train", "test"}
    sources = [s.path for n in ("train-000", "test-000") for s in _record(out, n).sources]
    assert sorted(sources) == sorted({record.video for record in after})
    assert (out / "rejected.jsonl").read_bytes() == b""


def _record(folder: Path, name: str) -> Any:
    return DataSetFolder(folder).read_record(name)


def test_the_seed_decides_which_videos_are_kept(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", samples={"train": [40]}, classes=1)

    def kept(name: str, **values: Any) -> set[str]:
        subset(whole, whole.parent / name, SubsetOptions(**values))
        return {record.video for record in records_of(whole.parent / name)}

    half, again = kept("half", fraction=0.5), kept("again", fraction=0.5)
    assert len(half) == 10
    assert half == again
    assert kept("quarter", fraction=0.25) < half
    assert kept("other", fraction=0.5, seed=1) != half
    tars = [(whole.parent / name / "train-000.tar").read_bytes() for name in ("half", "again")]
    assert tars[0] == tars[1]


def test_splits_that_are_kept_whole_have_all_of_their_videos(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", samples=MANY, classes=1)
    result = subset(whole, whole.parent / "out", SubsetOptions(fraction=0.25, whole=["test"]))
    assert result.videos == {"train": 3, "test": 3}


def test_the_mean_is_that_of_the_frames_that_are_there(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", samples=MANY, classes=1)
    part, all_of_train = whole.parent / "part", whole.parent / "all"
    result = subset(whole, part, SubsetOptions(fraction=0.5))
    data = open_data_set(part, split="train")
    total = np.zeros((24, 32, 3), np.int64)
    for number in range(len(data)):
        sample = data.read_sample(number)
        buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
        total += decode_frames(sample, buffer).sum(axis=0, dtype=np.int64)
    found, count = data.pixel_sums()[32, 24]
    assert np.array_equal(found, total)
    assert result.decoded_frames == count == manifest_of(part).decoded_frames == 48
    assert not manifest_of(part).mean_exact
    # with all of the train split the sums of before encoding hold
    listed = whole.parent / "train.txt"
    listed.write_text("".join(f"{r.video}\n" for r in records_of(whole) if r.split == "train"))
    result = subset(whole, all_of_train, SubsetOptions(listed=listed))
    before = open_data_set(whole, split="train").pixel_sums()[32, 24]
    after = open_data_set(all_of_train).pixel_sums()[32, 24]
    assert np.array_equal(before[0], after[0])
    assert (result.decoded_frames, manifest_of(all_of_train).mean_exact) == (0, True)


def test_a_subset_without_the_train_split_has_a_mean_of_its_own(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", samples=MANY)
    listed = whole.parent / "test.txt"
    listed.write_text("videos/test-000_1.avi 0\n")
    out = whole.parent / "out"
    assert subset(whole, out, SubsetOptions(listed=listed)).decoded_frames == 8
    assert list(verify(out, deep=True)) == []
    assert open_data_set(out).pixel_sums()[32, 24][1] == 8


def test_two_files_of_one_path_are_not_in_one_shard(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    for name in "ab":
        folder = make_data_set(name, classes=1, samples={"train": [4]})
        record = folder / ".meta/train-000.json"
        own = [hashlib.sha256(f"{name}{number}".encode()).hexdigest() for number in (0, 1)]
        values = json.loads(record.read_text())
        for source, sha256 in zip(values["sources"], own, strict=True):
            source["sha256"] = sha256
        record.write_text(json.dumps(values))
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    result = subset(tmp_path / "both", tmp_path / "out", SubsetOptions(per_class=4))
    assert (result.videos, result.shards) == ({"train": 4}, 2)
    assert list(verify(tmp_path / "out", deep=True)) == []


def test_videos_of_a_list_that_are_not_there_are_refused(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a")
    listed = whole.parent / "list.txt"
    listed.write_text("videos/typo.avi 0\nvideos/test-000_0.avi 1\nvideos/short_train.avi 1\n")
    with pytest.raises(UsageError, match=r"list.txt has videos that .* have: videos/typo.avi;"):
        subset(whole, whole.parent / "out", SubsetOptions(listed=listed))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "nothing says which videos"),
        ({"fraction": 0.5, "per_class": 2}, "--fraction 0.5 and --per-class 2"),
        ({"fraction": 1.5}, "--fraction must be above 0 and up to 1, got 1.5"),
        ({"per_class": 0}, "--per-class must be at least 1, got 0"),
        ({"classes": ["x"], "whole": ["test"]}, "--whole is for --fraction and --per-class"),
        ({"fraction": 0.5, "whole": ["trian"]}, "--whole must be one of train, val, test"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SubsetOptions(**values)


def test_what_is_not_there_is_refused(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", class_names=["run", "walk", "jump"], samples={"train": [1]})
    out = whole.parent / "out"
    with pytest.raises(UsageError, match=r"no class Run; did you mean 'run'\?"):
        subset(whole, out, SubsetOptions(classes=["Run"]))
    with pytest.raises(UsageError, match=r"--group-pattern 'x\+' matches none"):
        subset(whole, out, SubsetOptions(per_class=1, group_pattern="x+"))
    absent = {"run", "walk", "jump"} - {records_of(whole)[0].class_name}
    with pytest.raises(UsageError, match="no video that is chosen"):
        subset(whole, out, SubsetOptions(classes=sorted(absent)))
    assert not out.exists()
    subset(whole, out, SubsetOptions(per_class=1))
    with pytest.raises(LrcnError, match="holds another data set"):
        subset(whole, out, SubsetOptions(per_class=2))


def test_a_group_is_kept_as_a_whole_or_not_at_all(make_data_set: MakeDataSet) -> None:
    whole = make_data_set("a", samples=MANY, classes=1)
    out = whole.parent / "out"
    # a shard's videos are a group; of three groups of 4 videos one is nearest to 5
    options = SubsetOptions(per_class=5, group_pattern=r"^\w+-\d+")
    assert subset(whole, out, options).videos == {"train": 4, "test": 3}
    assert len({record.video.partition("_")[0] for record in records_of(out)}) == 2


def test_classes_taken_from_sets_leave_the_others_in_them(make_data_set: MakeDataSet) -> None:
    names = [f"c{number}" for number in range(70)]
    whole = make_data_set("a", class_names=names, multi_label=True)
    out, wanted = whole.parent / "out", ["c69", "c3", "c64"]
    subset(whole, out, SubsetOptions(classes=wanted))
    assert list(verify(out, deep=True)) == []
    before = {record.key: record.class_names for record in records_of(whole)}
    for record in records_of(out):
        assert record.class_names == [name for name in before[record.key] if name in wanted]


def test_frames_of_other_classes_have_none_any_more(make_data_set: MakeDataSet) -> None:
    names = ["run", "walk", "jump"]
    whole = make_data_set("a", class_names=names, labels_in_time=True, samples=MANY)
    out = whole.parent / "out"
    subset(whole, out, SubsetOptions(classes=["jump"]))
    assert list(verify(out, deep=True)) == []
    before = {record.key: record for record in records_of(whole)}
    after = records_of(out)
    for record in after:
        assert record.labels == [0 if n == 2 else -1 for n in before[record.key].labels]
        assert record.label == clip_label(record.labels)
    taken = {record.video for record in after}
    assert taken == {r.video for r in before.values() if 2 in r.labels}
    assert {key for key, r in before.items() if r.video in taken} == {r.key for r in after}


GROUPS = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 6), min_size=1), min_size=1
)


@given(GROUPS, st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_groups_are_taken_until_the_next_would_lead_away(
    members: list[dict[str, int]], number: int
) -> None:
    groups = [(str(place), counts) for place, counts in enumerate(members)]
    counts = Counter[str]()
    for group in members:
        counts.update(group)
    wanted = {name: min(number, count) for name, count in counts.items()}
    taken = nearest_groups(groups, wanted)
    got = Counter[str]()
    for name in taken:
        got.update(members[int(name)])
    assert set(got) == set(counts)
    if all(sum(group.values()) == 1 for group in members):
        assert got == wanted
