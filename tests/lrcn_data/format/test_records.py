from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from lrcn_data.errors import ShardError
from lrcn_data.format.append import Append
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import Rejection, SampleRecord, ShardEntry, ShardRecord, Source

SAMPLE = SampleRecord(
    key="train-0000000-a-0",
    video="run/a.avi",
    label=1,
    class_name="run",
    split="train",
    clip=0,
    fps=5.0,
    source_fps=25.0,
    width=64,
    height=48,
    frame_times=[0.0, 0.2],
    num_valid=2,
    labels=[1, 1],
    segment=[0.0, 1.0],
    salvaged=False,
)
ENTRY = ShardEntry(
    file="train-000.tar",
    split="train",
    videos=3,
    samples=2,
    frames=16,
    bytes=10240,
    sha256="ab" * 32,
    skipped=1,
    failed=0,
)
RECORD = ShardRecord(
    fingerprint="cd" * 32,
    entry=ENTRY,
    rejected=[Rejection(path="b.avi", split="train", reason="short", detail="has 3 frames")],
    sources=[Source(path="run/a.avi", bytes=99, sha256="ef" * 32, decoding="planned")],
    exact_frames=16,
)
PARTS = replace(RECORD, parts=[replace(ENTRY, file="train-000-1.tar", videos=0)])
MANIFEST = Manifest(
    complete=True,
    fingerprint="cd" * 32,
    options={"fps": "25/2", "seq_len": 8},
    lists={"train": "12" * 32},
    classes=["walk", "run"],
    tools={"av": "18.0.0"},
    canvas=[320, 240],
    shards=[ENTRY],
)
APPENDED = replace(
    MANIFEST,
    classes=["walk", "run", "jump"],
    shards=[
        ENTRY,
        replace(ENTRY, file="train-001.tar"),
        replace(ENTRY, file="train-001-1.tar"),
        replace(ENTRY, file="train-002.tar"),
        replace(ENTRY, file="val-000.tar", split="val"),
    ],
    appends=[
        Append(
            fingerprint="ef" * 32,
            options={"videos_per_shard": 3},
            lists={"train": "34" * 32},
            classes=["jump"],
            tools={"av": "19.0.0"},
            shards={"train": 1},
            videos={"train": 3},
        ),
        Append(fingerprint="01" * 32, shards={"train": 1, "val": 1}, videos={"train": 2, "val": 1}),
    ],
)


def changed(data: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(data), **changes}).encode()


Kind = SampleRecord | ShardRecord | Manifest


def read(kind: type[Kind], data: bytes) -> Kind:
    return kind.from_json(data, 2) if kind is SampleRecord else kind.from_json(data)


@pytest.mark.parametrize("record", [SAMPLE, RECORD, PARTS, MANIFEST, APPENDED])
def test_what_is_written_is_read_again(record: Kind) -> None:
    assert read(type(record), record.to_json()) == record


def test_a_sample_names_its_class_as_other_readers_expect() -> None:
    values = json.loads(SAMPLE.to_json())
    assert values["class"] == "run"
    assert "class_name" not in values


def with_later_keys(value: Any) -> Any:
    """The same JSON with a key that no version has in every object of it."""
    if isinstance(value, dict):
        return {**{name: with_later_keys(one) for name, one in value.items()}, "later": [1]}
    return [with_later_keys(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("record", [SAMPLE, RECORD, PARTS])
def test_keys_of_later_versions_are_ignored_at_every_level(record: Kind) -> None:
    data = json.dumps(with_later_keys(json.loads(record.to_json()))).encode()
    assert read(type(record), data) == record


def test_keys_of_later_versions_are_ignored_in_a_manifest() -> None:
    values = with_later_keys(json.loads(MANIFEST.to_json()))
    later = Manifest.from_json(json.dumps(values).encode())
    assert later.shards == MANIFEST.shards
    assert later.options == {**MANIFEST.options, "later": [1]}
    assert later.recipe == {"fps": "25/2", "seq_len": 8}


@pytest.mark.parametrize(
    ("record", "name", "default"),
    [
        (SAMPLE, "class", ("class_name", "")),
        (SAMPLE, "split", ("split", "")),
        (SAMPLE, "clip", ("clip", 0)),
        (SAMPLE, "source_fps", ("source_fps", 0.0)),
        (SAMPLE, "salvaged", ("salvaged", False)),
        (SAMPLE, "num_valid", ("num_valid", 2)),
        (SAMPLE, "labels", ("labels", [1, 1])),
        (SAMPLE, "frame_times", ("frame_times", [0.0, 0.2])),
        (SAMPLE, "segment", ("segment", [0.0, 0.2])),
        (RECORD, "rejected", ("rejected", [])),
        (RECORD, "sources", ("sources", [])),
        (RECORD, "exact_frames", ("exact_frames", 0)),
        (MANIFEST, "complete", ("complete", True)),
        (MANIFEST, "fingerprint", ("fingerprint", "")),
        (MANIFEST, "lists", ("lists", {})),
        (MANIFEST, "tools", ("tools", {})),
        (MANIFEST, "canvas", ("canvas", [320, 240])),
        (MANIFEST, "mean_exact", ("mean_exact", False)),
        (APPENDED, "appends", ("appends", [])),
    ],
)
def test_what_is_missing_takes_a_default(
    record: Kind, name: str, default: tuple[str, object]
) -> None:
    values = json.loads(record.to_json())
    del values[name]
    field, value = default
    assert getattr(read(type(record), json.dumps(values).encode()), field) == value


@pytest.mark.parametrize(("name", "value"), [("frames", 16), ("videos", 0), ("failed", 0)])
def test_what_is_missing_of_a_shards_entry_takes_a_default(name: str, value: int) -> None:
    values = json.loads(MANIFEST.to_json())
    del values["shards"][0][name]
    (entry,) = Manifest.from_json(json.dumps(values).encode()).shards
    assert getattr(entry, name) == value


def test_what_a_reader_must_understand_and_does_not_is_refused() -> None:
    assert Manifest.from_json(changed(MANIFEST.to_json(), requires=["parts"])) == replace(
        MANIFEST, requires=["parts"]
    )
    with pytest.raises(ShardError, match="requires 'depth, 3', which this lrcn doesn't understand"):
        Manifest.from_json(changed(MANIFEST.to_json(), requires=["parts", "depth", 3]))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff", b'{"key": 1'])
@pytest.mark.parametrize("kind", [SampleRecord, ShardRecord, Manifest])
def test_what_is_no_record_is_one_error(
    kind: type[SampleRecord | ShardRecord | Manifest], data: bytes
) -> None:
    with pytest.raises(ShardError, match="can't be read"):
        read(kind, data)


def test_a_path_that_is_no_utf8_survives() -> None:
    path = os.fsdecode(b"caf\xe9.avi")
    source = Source(path=path, bytes=1, sha256="ab" * 32, decoding="full")
    record = ShardRecord(fingerprint="", entry=ENTRY, rejected=[], sources=[source], exact_frames=0)
    assert ShardRecord.from_json(record.to_json()).sources[0].path == path


def test_a_manifest_of_another_format_is_refused() -> None:
    with pytest.raises(ShardError, match="is of format 'other', not 'lrcn-shards'"):
        Manifest.from_json(changed(MANIFEST.to_json(), format="other"))


def test_a_manifest_of_a_later_version_asks_for_an_upgrade() -> None:
    with pytest.raises(ShardError, match="format version 99, this lrcn reads up to 1; upgrade"):
        Manifest.from_json(changed(MANIFEST.to_json(), format_version=99))


@pytest.mark.parametrize(("name", "value"), [("classes", {}), ("options", []), ("complete", 1)])
def test_a_manifest_with_a_value_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(ShardError, match=f"as {name}"):
        Manifest.from_json(changed(MANIFEST.to_json(), **{name: value}))


def test_a_manifest_says_how_clips_were_sampled() -> None:
    assert (MANIFEST.fps, MANIFEST.seq_len) == ("25/2", 8)


def test_a_manifest_without_appends_is_written_as_ever() -> None:
    assert "appends" not in json.loads(MANIFEST.to_json())


def test_a_manifest_says_which_run_has_made_each_shard() -> None:
    first, second, third = ("cd" * 32, "ef" * 32, "01" * 32)
    assert APPENDED.fingerprint_of() == {
        "train-000": first,
        "train-001": second,
        "train-002": third,
        "val-000": third,
    }
    assert (APPENDED.first_count("train"), APPENDED.first_count("val")) == (1, 1)
    assert APPENDED.first_classes == ["walk", "run"]
