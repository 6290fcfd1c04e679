"""Data sets whose samples have sets of classes: read as they were written, refused otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_data.errors import ShardError
from lrcn_data.format.records import SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import parse_sample, sample_bytes
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.preview import draw_preview
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.stats import compute_stats
from lrcn_data.inspecting.verify import verify

MakeDataSet = Callable[..., Path]

LAYOUT = SampleLayout(seq_len=2, sets_of=70)
RECORD = SampleRecord(
    key="a",
    video="a.avi",
    label=-1,
    classes=[0, 3, 69],
    class_names=["run", "sit", "wave"],
    split="train",
    fps=5.0,
    source_fps=25.0,
    width=32,
    height=24,
    frame_times=[0.0, 0.2],
    num_valid=2,
    labels=[-1, -1],
    segment=[0.0, 0.4],
)
JPEG = b"\xff\xd8\xff\xe0"


def written(record: bytes, label: bytes) -> bytes:
    return sample_bytes("a", LAYOUT.endings, [JPEG, JPEG, label, record])


def test_a_sample_s_set_is_a_member_of_its_own() -> None:
    assert LAYOUT.endings == ("000.jpg", "001.jpg", "classes.json", "json")
    sample = parse_sample(written(RECORD.to_json(), b"[0,3,69]"), LAYOUT)
    assert sample.record == RECORD
    assert sample.record.class_numbers == [0, 3, 69]
    keys = list(json.loads(RECORD.to_json()))
    assert keys[:5] == ["key", "video", "classes", "class_names", "split"]
    assert not {"label", "class"} & set(keys)


def test_an_empty_set_is_one() -> None:
    record = replace(RECORD, classes=[], class_names=[])
    assert parse_sample(written(record.to_json(), b"[]"), LAYOUT).record == record


@pytest.mark.parametrize(
    "classes",
    [[3, 0], [0, 0], [-1], [70], [True], [0.0], ["0"], None, {"0": 1}, "0", [10**400]],
)
def test_sets_that_no_writer_writes_are_refused(classes: Any) -> None:
    values = json.loads(RECORD.to_json()) | {"classes": classes, "class_names": []}
    member = json.dumps(classes, separators=(",", ":")).encode()
    with pytest.raises(ShardError):
        parse_sample(written(json.dumps(values).encode(), member), LAYOUT)


@pytest.mark.parametrize("names", [["run"], [1, 2, 3], "abc", None])
def test_names_that_are_not_those_of_the_set_are_refused(names: Any) -> None:
    values = json.loads(RECORD.to_json()) | {"class_names": names}
    with pytest.raises(ShardError):
        parse_sample(written(json.dumps(values).encode(), b"[0,3,69]"), LAYOUT)


@pytest.mark.parametrize("member", [b"[0,3]", b"[0, 3, 69]", b"3", b"", b"[" * 100_000])
def test_a_member_that_is_not_what_the_json_says_is_refused(member: bytes) -> None:
    with pytest.raises(ShardError, match="but its json says"):
        parse_sample(written(RECORD.to_json(), member), LAYOUT)


def test_a_sample_of_one_class_is_none_of_sets() -> None:
    one = replace(RECORD, label=3, class_name="sit", classes=None, class_names=[])
    with pytest.raises(ShardError):
        parse_sample(written(one.to_json(), b"3"), LAYOUT)


def test_keys_of_sets_mean_nothing_in_samples_of_one_class() -> None:
    one = replace(RECORD, label=3, class_name="sit", classes=None, class_names=[])
    values = json.loads(one.to_json()) | {"classes": [1], "class_names": 5}
    assert SampleRecord.from_json(json.dumps(values).encode(), 2) == one


@pytest.fixture(params=[3, 130])
def folder(make_data_set: MakeDataSet, request: pytest.FixtureRequest) -> Path:
    return make_data_set(classes=request.param, multi_label=True)


def test_a_data_set_gives_the_sets_that_were_put_in(folder: Path) -> None:
    data_set = open_data_set(folder)
    sets = [data_set.read_sample(number).record.classes for number in range(len(data_set))]
    assert [np.flatnonzero(row).tolist() for row in data_set.labels] == sets
    expected = [sum(number in one for one in sets) for number in range(len(data_set.classes))]
    assert data_set.class_counts().tolist() == expected
    groups = data_set.label_groups
    for one in range(len(sets)):
        for other in range(len(sets)):
            assert (groups[one] == groups[other]) == (sets[one] == sets[other])


def test_it_is_read_from_arrays_of_each_shard_as_well(make_data_set: MakeDataSet) -> None:
    whole = open_data_set(make_data_set("whole", classes=70, multi_label=True))
    parts = open_data_set(make_data_set("parts", classes=70, multi_label=True, own_arrays=True))
    assert np.array_equal(whole.labels, parts.labels)


def test_verify_finds_no_fault_and_any_class_that_the_index_has_otherwise(folder: Path) -> None:
    assert list(verify(folder, deep=True)) == []
    path = folder / ".meta/train.npy"
    rows = np.load(path)
    rows[6, 1] ^= 2
    np.save(path, rows)
    assert "damaged" in str(next(iter(verify(folder))))
    with pytest.raises(ShardError, match="damaged"):
        open_data_set(folder)


def test_an_index_is_made_anew_of_the_samples(folder: Path) -> None:
    before = open_data_set(folder).labels
    (folder / ".meta/train.npy").unlink()
    assert ".meta/train.npy" in list(rebuild_index(folder))
    assert np.array_equal(open_data_set(folder).labels, before)
    assert list(verify(folder)) == []


def test_stats_count_a_clip_for_each_of_its_classes(folder: Path) -> None:
    data_set = open_data_set(folder)
    sets = [data_set.read_sample(number).record.classes or [] for number in range(len(data_set))]
    stats, _ = compute_stats(folder, workers=1)
    counts = [sum(row.clips.values()) for row in stats.classes]
    assert counts == data_set.class_counts().tolist()
    assert stats.sets is not None
    assert sum(stats.sets.clips_by_size.values()) == len(sets)
    assert sum(size * n for size, n in stats.sets.clips_by_size.items()) == sum(map(len, sets))
    assert stats.sets.different == len(set(map(tuple, sets)))
    assert "sets" in stats.as_record()


def test_stats_of_one_class_a_clip_say_nothing_of_sets(make_data_set: MakeDataSet) -> None:
    stats, _ = compute_stats(make_data_set(), workers=1)
    assert "sets" not in stats.as_record()


def test_a_contact_sheet_shows_clips_of_different_sets(folder: Path) -> None:
    data_set = open_data_set(folder)
    count = len(set(data_set.label_groups.tolist()))
    preview = draw_preview(folder, clips=count)
    by_key = {data_set.read_sample(n).record.key: n for n in range(len(data_set))}
    assert len({int(data_set.label_groups[by_key[key]]) for key in preview.keys}) == count


def test_sets_and_single_classes_don_t_go_together(make_data_set: MakeDataSet) -> None:
    sets, ones = make_data_set("sets", multi_label=True), make_data_set("ones")
    with pytest.raises(ShardError, match="differ in labels"):
        open_data_set([str(sets), str(ones)])


def test_an_index_of_single_classes_is_refused(make_data_set: MakeDataSet) -> None:
    sets, ones = make_data_set("sets", multi_label=True), make_data_set("ones")
    (sets / ".meta/train.npy").write_bytes((ones / ".meta/train.npy").read_bytes())
    with pytest.raises(ShardError, match=r"int64 \(8, 5\), not int64 \(9, samples\)"):
        open_data_set(sets)


@pytest.mark.parametrize("value", [1, "yes", None, [True]])
def test_a_manifest_says_yes_or_no(make_data_set: MakeDataSet, value: Any) -> None:
    folder = make_data_set()
    path = folder / "dataset.json"
    values = json.loads(path.read_bytes())
    values["options"]["multi_label"] = value
    path.write_text(json.dumps(values))
    with pytest.raises(ShardError, match="says multi_label"):
        open_data_set(folder)
