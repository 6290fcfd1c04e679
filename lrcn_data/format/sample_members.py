"""The bytes of one sample taken apart: USTAR headers, frames, label and record.

Nothing is trusted: anything that the writer would not have written is an error. The parser knows
only what the format has; a tar library would also follow links, extensions and sparse files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from lrcn_data.errors import ShardError
from lrcn_data.format.frame_classes import MOST_CLASSES
from lrcn_data.format.records import NO_CLASS, SampleRecord
from lrcn_data.format.sample_key import is_key
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_data.format.tar_members import (
    BLOCK,
    MAX_END_BYTES,
    check_end,
    padded,
    parse_header,
    tar_header,
)

MAX_SAMPLE_BYTES = 1 << 30
"""The largest size of a sample in bytes, its members' headers and padding included."""

MAX_PIXELS = 1 << 26
"""The largest number of pixels in a frame: 8192 x 8192."""

MAX_FRAMES = 1 << 16
"""The largest number of frames in a clip."""

_MAX_TEXT_BYTES = 1 << 20
_UNLABELLED = str(NO_CLASS).encode()
_NUMBER = (int, float)
_FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    "key": str,
    "video": str,
    "label": int,
    "class_name": str,
    "class_names": list,
    "split": str,
    "clip": int,
    "fps": _NUMBER,
    "source_fps": _NUMBER,
    "width": int,
    "height": int,
    "frame_times": list,
    "num_valid": int,
    "labels": list,
    "segment": list,
    "salvaged": bool,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One clip as it lies in a shard.

    Attributes:
        frames: The encoded frames in time order.
        label: The class number, counted from 0; `NO_CLASS` where the sample has a set of classes,
            or where labels are in time and no frame has one.
        record: The content of its json member.
        layout: How the sample is made up.
        shard: The location of the shard that the sample lies in, for error messages; empty if it
            isn't known.
        source: Which input file the sample is from: together with the video's path it tells videos
            apart, also those of several data sets; see `format.sources`.
    """

    frames: list[memoryview]
    label: int
    record: SampleRecord
    layout: SampleLayout
    shard: str = ""
    source: int = UNKNOWN_SOURCE

    def __str__(self) -> str:
        """Say which sample it is, for error messages."""
        return f"{self.shard + ': ' if self.shard else ''}sample {self.record.key}"


class Readable(Protocol):
    """Anything that a tar can be read from, from start to end."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; with -1, all that remain."""
        ...


def sample_bytes(key: str, endings: Sequence[str], members: Sequence[bytes]) -> bytes:
    """Write all members of a sample as they lie in a tar.

    Args:
        key: The sample's key, at most 80 ASCII characters.
        endings: The endings of the members' names, in order, such as `000.jpg`.
        members: The content of each member, in the same order.
    """
    parts: list[bytes] = []
    for ending, data in zip(endings, members, strict=True):
        name = f"{key}.{ending}".encode("ascii")
        parts += (tar_header(name, len(data)), data, bytes(-len(data) % BLOCK))
    return b"".join(parts)


def parse_sample(data: bytes, layout: SampleLayout) -> Sample:
    """Take the bytes of one sample apart.

    Args:
        data: The bytes from the first member's header to the end of the last member's padding.
        layout: How the sample should be made up.

    Raises:
        ShardError: The bytes are not one sample of the format. The message says what is wrong, but
            not where.
    """
    view = memoryview(data)
    key, members, offset, place = "", [], 0, 0
    endings = layout.endings
    while place < len(endings):
        name, size = parse_header(data[offset : offset + BLOCK])
        key = key or name.partition(".")[0]
        place = layout.place_of(name, place)
        ending = endings[place]
        if name != f"{key}.{ending}" or not is_key(key):
            raise ShardError(f"has the member {name!r:.120} where <key>.{ending} belongs")
        start = offset + BLOCK
        offset = start + padded(size)
        if offset > len(data):
            raise ShardError(f"ends within the member {name}")
        members.append(view[start : start + size])
        place += 1
    if offset != len(data):
        raise ShardError(f"has {len(data) - offset} bytes after its last member")
    return sample_of_members(key, members, layout)


def sample_of_members(key: str, members: Sequence[memoryview], layout: SampleLayout) -> Sample:
    """Check the members of one sample and read its label and record.

    Args:
        key: The sample's key.
        members: The content of its members in the format's order: frames, class number or set of
            them, json.
        layout: How the sample should be made up.

    Raises:
        ShardError: The members are not one sample of the format. The message says what is wrong,
            but not where.
    """
    *frames, label, record = members
    kind = layout.frame_kind
    start = kind.starts_with
    for number, frame in enumerate(frames):
        if frame[: len(start)] != start:
            raise ShardError(f"has something else than a {kind.coding} as its frame {number}")
    parsed = parse_record(key, bytes(label), bytes(record), layout, frames=len(frames))
    return Sample(frames=frames, label=parsed.label, record=parsed, layout=layout)


def parse_record(
    key: str, label: bytes, data: bytes, layout: SampleLayout, *, frames: int
) -> SampleRecord:
    """Read a sample's label and record, and check that they fit it and each other.

    Args:
        key: The sample's key.
        label: The content of its class number, or set of them.
        data: The content of its json.
        layout: How the sample should be made up.
        frames: The number of its frames.

    Raises:
        ShardError: They don't. The message says what is wrong, but not where.
    """
    if not layout.multi_label:
        _check_label(label, layout)
    if len(data) > _MAX_TEXT_BYTES:
        raise ShardError(f"has a json member of {len(data):,} bytes")
    try:
        record = SampleRecord.from_json(data, frames, multi_label=layout.multi_label)
    except RecursionError as error:
        raise ShardError("has a json member that is nested without end") from error
    _check_types(record)
    if record.classes is not None:
        _check_set(record.classes, record.class_names, layout.sets_of)
    _check_values(record, key, label, frames)
    if layout.labels_in_time:
        _check_position(record.position)
        if max(record.labels) >= MOST_CLASSES:
            raise ShardError(f"has a frame of class {max(record.labels)}, beyond {MOST_CLASSES:,}")
    if layout.variable_length and record.num_valid != frames:
        raise ShardError(f"has num_valid {record.num_valid} of {frames} frames, all of them real")
    return record


def walk_samples(file: Readable, layout: SampleLayout) -> Iterator[bytes]:
    """Give the bytes of each sample of a whole tar in turn, then check the end of the tar.

    Args:
        file: The tar, at its start.
        layout: How its samples should be made up.

    Raises:
        ShardError: The tar holds something else than samples of this layout, or has no proper end.
    """
    endings = len(layout.endings)
    while True:
        parts: list[bytes] = []
        room, place = MAX_SAMPLE_BYTES, 0
        header = file.read(BLOCK)
        if not any(header):
            break
        while place < endings:
            name, size = parse_header(header)
            room -= BLOCK + size
            if room < 0:
                raise ShardError(
                    f"has a sample of more than {MAX_SAMPLE_BYTES:,} bytes, with a member that says"
                    f" it has {size:,}"
                )
            parts += [header, file.read(padded(size))]
            place = layout.place_of(name, place) + 1
            if place < endings:
                header = file.read(BLOCK)
        yield b"".join(parts)
    check_end(header + file.read(MAX_END_BYTES))


def _check_label(data: bytes, layout: SampleLayout) -> None:
    is_none = layout.labels_in_time and data == _UNLABELLED
    if not is_none and not re.fullmatch(rb"0|[1-9][0-9]{0,8}", data):
        raise ShardError(f"has the label {data[:20]!r}, which is no class number")


def _check_types(record: SampleRecord) -> None:
    for name, kind in _FIELD_TYPES.items():
        value = getattr(record, name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ShardError(f"says {name} {value!r:.60} in its json, of the wrong type")
    neighbour_times = record.neighbour_times
    if not isinstance(neighbour_times, list | None):
        raise ShardError(f"says neighbour_times {neighbour_times!r:.60} in its json, no list")
    numbers: list[Any] = [*record.frame_times, *(neighbour_times or []), *record.segment]
    numbers += [record.fps, record.source_fps]
    for number in numbers:
        if type(number) not in _NUMBER or not math.isfinite(number):
            raise ShardError(f"has {number!r:.60} in its json where a number belongs")
    for label in record.labels:
        if type(label) is not int or not -1 <= label < 1 << 31:
            raise ShardError(f"has {label!r:.60} in its json where a frame's class number belongs")


def _check_position(position: Any) -> None:
    if type(position) is not int or not 0 <= position < 1 << 62:
        raise ShardError(
            f"has {position!r:.60} in its json where the position of its first frame belongs"
        )


def _check_set(classes: Any, names: list[Any], sets_of: int) -> None:
    are_numbers = isinstance(classes, list) and all(type(number) is int for number in classes)
    if not are_numbers or any(one >= other for one, other in pairwise([-1, *classes, sets_of])):
        raise ShardError(
            f"has {classes!r:.60} in its json where ascending class numbers below {sets_of} belong"
        )
    if len(names) not in (0, len(classes)) or not all(isinstance(name, str) for name in names):
        raise ShardError(f"has {names!r:.60} in its json where {len(classes)} class names belong")


def _check_values(record: SampleRecord, key: str, label: bytes, frames: int) -> None:
    stated = record.label_member()
    if record.key != key or stated != label:
        raise ShardError(
            f"has members {key} of label {label[:90].decode('latin-1')}, but its json says"
            f" {record.key!r:.90} of label {stated[:90].decode()}"
        )
    counts = [len(record.labels), len(record.frame_times)]
    if record.neighbour_times is not None:
        counts.append(len(record.neighbour_times))
    if set(counts) != {frames}:
        raise ShardError(f"has other than {frames} frame labels and times in its json")
    if not 1 <= record.num_valid <= frames or len(record.segment) != 2:
        raise ShardError(f"has num_valid {record.num_valid} of {frames} frames in its json")
    if min(record.width, record.height) < 1 or record.width * record.height > MAX_PIXELS:
        raise ShardError(
            f"says that its frames have {record.width}x{record.height} pixels;"
            f" up to {MAX_PIXELS:,} are read"
        )
