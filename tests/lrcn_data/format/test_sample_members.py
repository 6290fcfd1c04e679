"""Hostile and malformed samples, made with Python's tarfile, are refused with a reason."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
import tarfile
import time
from typing import Any

import numpy as np
import pytest
import simplejpeg

from lrcn_data.errors import ShardError
from lrcn_data.format.records import SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import parse_sample, walk_samples
from lrcn_data.format.tar_members import check_end
from tests.yardstick import within

JPEG = simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8))
RECORD = SampleRecord(
    key="train-0",
    video="videos/a.avi",
    label=2,
    class_name="Archery",
    split="train",
    clip=0,
    fps=5.0,
    source_fps=25,
    width=8,
    height=8,
    frame_times=[0.0, 0.2],
    num_valid=2,
    labels=[2, -1],
    segment=[0.0, 1.0],
    salvaged=False,
)


@pytest.fixture(
    params=[SampleLayout(seq_len=2), SampleLayout(seq_len=5, variable_length=True)],
    ids=["all clips of one length", "each clip of its own"],
)
def layout(request: pytest.FixtureRequest) -> SampleLayout:
    """Layouts in which a sample may have two frames."""
    found: SampleLayout = request.param
    return found


def members(**changes: Any) -> dict[str, bytes]:
    record = json.loads(RECORD.to_json())
    record.update(changes)
    return {
        "train-0.000.jpg": JPEG,
        "train-0.001.jpg": JPEG,
        "train-0.cls": b"2",
        "train-0.json": json.dumps(record).encode(),
    }


def tar_of(files: dict[str, bytes], **header: Any) -> bytes:
    """The bytes of a tar without its end; `header` changes the first member's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in header.items():
                setattr(info, field, value)
            header = {}
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
        end = tar.offset
    return buffer.getvalue()[:end]


def test_a_proper_sample_is_taken_apart(layout: SampleLayout) -> None:
    sample = parse_sample(tar_of(members()), layout)
    assert sample.record == RECORD
    assert sample.label == 2
    assert [bytes(jpeg) for jpeg in sample.frames] == [JPEG, JPEG]


def test_later_keys_of_the_json_are_ignored(layout: SampleLayout) -> None:
    assert parse_sample(tar_of(members(later=1)), layout).record == RECORD


def without(name: str) -> dict[str, bytes]:
    return {member: data for member, data in members().items() if member != name}


def with_member(name: str, data: bytes) -> dict[str, bytes]:
    return {**members(), name: data}


def renamed(old: str, new: str) -> dict[str, bytes]:
    return {(new if name == old else name): data for name, data in members().items()}


@pytest.mark.parametrize(
    "files",
    [
        without("train-0.000.jpg"),
        without("train-0.001.jpg"),
        without("train-0.cls"),
        without("train-0.json"),
        {**members(), "train-0.pickle": pickle.dumps(1)},
        renamed("train-0.cls", "train-0.pickle"),
        renamed("train-0.001.jpg", "train-0.1.jpg"),
        renamed("train-0.001.jpg", "train-0.001.JPG"),
        renamed("train-0.001.jpg", "train-1.001.jpg"),
        {f"../{name}": data for name, data in members().items()},
        {f"/{name}": data for name, data in members().items()},
        {name.replace("train-0", "tr.ain"): data for name, data in members().items()},
        {name.replace("train-0", ""): data for name, data in members().items()},
        {name.replace("train-0", "k" * 81): data for name, data in members().items()},
        {name.replace("train-0", "é"): data for name, data in members().items()},
        dict(reversed(members().items())),
        with_member("train-0.000.jpg", b"GIF89a"),
        with_member("train-0.000.jpg", b""),
        with_member("train-0.000.jpg", b"\x89PNG\r\n\x1a\n"),
        with_member("train-0.cls", b""),
        with_member("train-0.cls", b"-1"),
        with_member("train-0.cls", b"02"),
        with_member("train-0.cls", b"2\n"),
        with_member("train-0.cls", b"3"),
        with_member("train-0.cls", b"9" * 5000),
        with_member("train-0.json", b""),
        with_member("train-0.json", b"[]"),
        with_member("train-0.json", b"\xff\xfe"),
        with_member("train-0.json", b"[" * 100_000),
        with_member("train-0.json", b" " * (1 << 21)),
        with_member("train-0.json", b'{"label": ' + b"9" * 10_000 + b"}"),
        members(key="train-1"),
        members(label=1),
        members(label="2"),
        members(label=True),
        members(video=None),
        members(salvaged=1),
        members(fps="5"),
        members(frame_times=[0.0]),
        members(frame_times=[0.0, "x"]),
        members(frame_times=[0.0, float("nan")]),
        members(neighbour_times=[0.0]),
        members(neighbour_times=[0.0, None]),
        members(neighbour_times={"0": 0.0, "1": 0.1}),
        members(labels=[2]),
        members(labels=[2, -2]),
        members(labels=[2, 1.0]),
        members(labels=[2, 1 << 40]),
        members(num_valid=0),
        members(num_valid=3),
        members(segment=[0.0]),
        members(width=0),
        members(width=1 << 20, height=1 << 20),
    ],
)
def test_what_no_writer_of_the_format_gives_is_refused(
    layout: SampleLayout, files: dict[str, bytes]
) -> None:
    start = time.process_time()
    with pytest.raises(ShardError):
        parse_sample(tar_of(files), layout)
    assert within(time.process_time() - start, limit=1)


@pytest.mark.parametrize(
    "header",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0},
        {"type": tarfile.LNKTYPE, "linkname": "train-0.001.jpg", "size": 0},
        {"type": tarfile.DIRTYPE, "size": 0},
        {"type": tarfile.CHRTYPE, "size": 0},
        {"type": tarfile.FIFOTYPE, "size": 0},
        {"type": tarfile.GNUTYPE_LONGNAME},
        {"type": tarfile.XHDTYPE},
        {"type": tarfile.AREGTYPE},
        {"linkname": "/etc/passwd"},
    ],
)
def test_anything_but_an_ordinary_file_is_refused(
    layout: SampleLayout, header: dict[str, Any]
) -> None:
    with pytest.raises(ShardError):
        parse_sample(tar_of(members(), **header), layout)


@pytest.mark.parametrize(
    "size",
    [
        b"77777777777\0",
        b"00000000000\0",
        b"\x80" + b"\0" * 6 + b"\xff" * 5,
        b"-0000000001\0",
        b" " * 12,
    ],
)
def test_a_size_that_can_not_be_is_refused(layout: SampleLayout, size: bytes) -> None:
    data = bytearray(tar_of(members()))
    data[124:136] = size
    data[148:156] = b" " * 8
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
    with pytest.raises(ShardError):
        parse_sample(bytes(data), layout)
    walk = walk_samples(io.BytesIO(bytes(data)), layout)
    with pytest.raises(ShardError):
        [parse_sample(sample, layout) for sample in walk]


def test_a_header_with_a_wrong_checksum_is_refused(layout: SampleLayout) -> None:
    data = bytearray(tar_of(members()))
    data[110] ^= 1
    with pytest.raises(ShardError, match="checksum is wrong"):
        parse_sample(bytes(data), layout)


def test_every_cut_and_extension_of_a_sample_is_refused(layout: SampleLayout) -> None:
    data = tar_of(members())
    for cut in range(0, len(data), 100):
        with pytest.raises(ShardError):
            parse_sample(data[:cut], layout)
    with pytest.raises(ShardError, match="512 bytes after its last member"):
        parse_sample(data + b"\0" * 512, layout)


def test_a_clip_may_have_fewer_frames_where_lengths_vary() -> None:
    layout = SampleLayout(seq_len=3, variable_length=True)
    short = without("train-0.001.jpg") | {
        "train-0.json": members(frame_times=[0.0], labels=[2], num_valid=1)["train-0.json"]
    }
    sample = parse_sample(tar_of(short), layout)
    assert (len(sample.frames), sample.record.num_valid) == (1, 1)
    one, two = tar_of(short), tar_of(members())
    walked = walk_samples(io.BytesIO(two + one + two + b"\0" * 1024), layout)
    assert list(walked) == [two, one, two]
    with pytest.raises(ShardError, match=r"has the member 'train-0\.cls' where"):
        parse_sample(one, SampleLayout(seq_len=2))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"train-0.cls": b"2", "train-0.json": b"{}"}, "'train-0.cls' where <key>.000.jpg belongs"),
        (members(num_valid=1), "num_valid 1 of 2 frames, all of them real"),
        (
            {**{f"train-0.{n:03d}.jpg": JPEG for n in range(4)}, **without("train-0.000.jpg")},
            "'train-0.003.jpg' where <key>.cls belongs",
        ),
    ],
)
def test_a_clip_of_its_own_length_has_real_frames_only_and_not_too_many(
    files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(ShardError, match=said):
        parse_sample(tar_of(files), SampleLayout(seq_len=3, variable_length=True))


def test_walking_gives_the_samples_one_after_another(layout: SampleLayout) -> None:
    first = tar_of(members())
    second = tar_of({n.replace("-0", "-1"): d for n, d in members(key="train-1").items()})
    data = first + second + b"\0" * 1024
    assert list(walk_samples(io.BytesIO(data), layout)) == [first, second]


@pytest.mark.parametrize("end", [b"", b"\0" * 512, b"\0" * 1025, b"\0" * 1024 + b"x" * 512])
def test_a_tar_without_a_proper_end_is_refused(layout: SampleLayout, end: bytes) -> None:
    with pytest.raises(ShardError):
        check_end(end)
    with pytest.raises(ShardError):
        list(walk_samples(io.BytesIO(tar_of(members()) + end), layout))


def test_every_flipped_bit_of_a_header_is_refused_or_without_effect(layout: SampleLayout) -> None:
    data = tar_of(members())
    for bit in range(512 * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            sample = parse_sample(bytes(damaged), layout)
        except ShardError:
            continue
        assert dataclasses.asdict(sample.record) == dataclasses.asdict(RECORD)
        assert bytes(sample.frames[0]) == JPEG
