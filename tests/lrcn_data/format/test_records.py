from __future__ import annotations

import json
import os
from typing import Any

import pytest

from lrcn_data.errors import ShardError
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


def changed(data: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(data), **changes}).encode()


@pytest.mark.parametrize("record", [SAMPLE, RECORD, MANIFEST])
def test_what_is_written_is_read_again(record: SampleRecord | ShardRecord | Manifest) -> None:
    assert type(record).from_json(record.to_json()) == record


def test_a_sample_names_its_class_as_other_readers_expect() -> None:
    read = json.loads(SAMPLE.to_json())
    assert read["class"] == "run"
    assert "class_name" not in read


@pytest.mark.parametrize("record", [SAMPLE, MANIFEST])
def test_keys_of_later_versions_are_ignored(record: SampleRecord | Manifest) -> None:
    assert type(record).from_json(changed(record.to_json(), later="x")) == record


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff", b'{"key": 1'])
@pytest.mark.parametrize("kind", [SampleRecord, ShardRecord, Manifest])
def test_what_is_no_record_is_one_error(
    kind: type[SampleRecord | ShardRecord | Manifest], data: bytes
) -> None:
    with pytest.raises(ShardError, match="can't be read"):
        kind.from_json(data)


def test_a_path_that_is_no_utf8_survives() -> None:
    path = os.fsdecode(b"caf\xe9.avi")
    source = Source(path=path, bytes=1, sha256="", decoding="full")
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
