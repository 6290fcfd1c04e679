"""The shard format, version 1: names, records and their JSON; described for people in FORMAT.md.

What lives here says what a data set's files hold. Writing a tar is in `shard_writer`, reading one
in `shard_reader`, deciding what goes where in `plan`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lrcn_data.errors import ShardError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FORMAT = "lrcn-shards"
FORMAT_VERSION = 1
SPLITS = ("train", "val", "test")
MANIFEST = "dataset.json"
REJECTED = "rejected.jsonl"
META = ".meta"

REASONS = {
    "short": "fewer frames than --seq-len at --fps",
    "missing": "the file is not there or can't be read",
    "not-a-video": "no video stream, or a file that is no video",
    "unsupported": "a container or codec outside the allowed ones",
    "damaged": "the decoder reported an error, or frames are missing",
    "too-large": "above a limit on pixels, frames or seconds",
    "timeout": "took longer than --timeout",
    "crashed": "the decoder's process died",
    "partial": "damaged; the clips of the sound part were kept (--salvage)",
}
"""Why an entry gave no clip, or (`partial`) not all of its clips."""

NOT_BAD = frozenset({"short"})
"""Reasons that do not count towards --max-bad-fraction."""


_JSON_NAMES = {"class_name": "class"}

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def shard_name(split: str, number: int, count: int) -> str:
    """Name of a shard without its ending: 3 digits, or as many as the last number needs."""
    return f"{split}-{number:0{max(3, len(str(count - 1)))}d}"


def member_names(seq_len: int) -> list[str]:
    """The endings of a sample's members in the order in which they lie in the tar."""
    digits = max(3, len(str(seq_len - 1)))
    return [f"{frame:0{digits}d}.jpg" for frame in range(seq_len)] + ["cls", "json"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRecord:
    """The JSON member of a sample: one clip and where it comes from.

    Attributes:
        key: Name of the sample, unique over all splits.
        video: Path of the video as its list has it.
        label: Class number from 0.
        class_name: Class name (`class` in the JSON).
        split: train, val or test.
        clip: Number of the clip in its video, from 0.
        fps: Frames a second that the clip was sampled at.
        source_fps: The video's own average rate.
        width: Pixels of the stored frames.
        height: Pixels of the stored frames.
        frame_times: Seconds, one a frame: the source frame's time less the first frame's.
        num_valid: How many of the frames are real; the rest repeat the last one.
        labels: Class number, one a frame; -1 where unlabelled or padded.
        segment: [start, end] in seconds of the part of the video that was sampled.
        salvaged: Whether the clip comes from the sound part of a damaged video.
    """

    key: str
    video: str
    label: int
    class_name: str
    split: str
    clip: int
    fps: float
    source_fps: float
    width: int
    height: int
    frame_times: list[float]
    num_valid: int
    labels: list[int]
    segment: list[float]
    salvaged: bool

    def to_json(self) -> bytes:
        """The member's bytes."""
        record = {_JSON_NAMES.get(name, name): value for name, value in _members(self).items()}
        return _encode(_COMPACT.encode(record))

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a member's bytes; keys that this version doesn't know are ignored.

        Raises:
            ShardError: The bytes are no JSON object, or a key is missing.
        """
        try:
            record = json.loads(data)
            record["class_name"] = record["class"]
            return cls(**{f.name: record[f.name] for f in fields(cls)})
        except (ValueError, TypeError, KeyError) as error:
            raise ShardError(f"a sample's json member can't be read: {error!r}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A line of rejected.jsonl: an entry that gave no clip, or not all of them.

    Attributes:
        path: Path of the video as its list has it.
        split: train, val or test.
        reason: A key of `REASONS`.
        detail: What was found, for people.
    """

    path: str
    split: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardEntry:
    """What the manifest says of a shard.

    Attributes:
        file: Name of the tar, relative to the data set's folder.
        split: train, val or test.
        videos: Entries that the plan put there.
        samples: Clips in the tar.
        frames: Frames in the tar.
        bytes: Size of the tar.
        sha256: Of the tar, hexadecimal.
        skipped: Entries that were too short.
        failed: Entries that gave no clip for any other reason.
    """

    file: str
    split: str
    videos: int
    samples: int
    frames: int
    bytes: int
    sha256: str
    skipped: int
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An input video as it was when it was decoded; `verify --inputs` compares.

    Attributes:
        path: As its list has it.
        bytes: Size of the file.
        sha256: Of the file, hexadecimal.
        decoding: `planned` where only what the clips need was decoded; `from-start` where that
            was everything up to the last of them, but for B-frames that none needs, since the
            packets have no pts; else `full`.
    """

    path: str
    bytes: int
    sha256: str
    decoding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardRecord:
    """.meta/NAME.json: a finished shard. Written last: its presence marks the shard as done.

    Attributes:
        fingerprint: Of the run that wrote it.
        entry: What the manifest will say of it.
        rejected: Its entries that gave no clip or not all of them.
        sources: Its input files.
        exact_frames: How many frames had the canvas's own size.
    """

    fingerprint: str
    entry: ShardEntry
    rejected: list[Rejection]
    sources: list[Source]
    exact_frames: int

    def to_json(self) -> bytes:
        """The file's bytes."""
        return dump_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file's bytes.

        Raises:
            ShardError: They are not a shard's record.
        """
        try:
            record = json.loads(data)
            return cls(
                fingerprint=record["fingerprint"],
                entry=ShardEntry(**record["entry"]),
                rejected=[Rejection(**line) for line in record["rejected"]],
                sources=[Source(**line) for line in record["sources"]],
                exact_frames=record["exact_frames"],
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ShardError(f"a shard's record can't be read: {error!r}") from error


_MANIFEST_KINDS = {
    "complete": bool,
    "fingerprint": str,
    **dict.fromkeys(("options", "lists", "tools"), dict),
    **dict.fromkeys(("classes", "canvas"), list),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """dataset.json.

    Attributes:
        complete: False while the run that writes the data set has not ended.
        fingerprint: SHA-256 of all that decides the shards' bytes.
        options: The options that decide the shards' bytes, by their names on the command line.
        lists: SHA-256 of the entries of each split's list.
        classes: Class names by class number.
        tools: Versions of what decoded and encoded.
        canvas: [width, height] of the pixel sums.
        mean_exact: Whether all frames had the canvas's size, so that mean images are exact.
        shards: One entry a shard, in order.
    """

    complete: bool
    fingerprint: str
    options: Mapping[str, Any]
    lists: Mapping[str, str]
    classes: list[str]
    tools: Mapping[str, str]
    canvas: list[int]
    mean_exact: bool = True
    shards: list[ShardEntry] = field(default_factory=list)

    @property
    def seq_len(self) -> int:
        """Frames a clip."""
        return int(self.options["seq_len"])

    @property
    def fps(self) -> str:
        """Frames a second, a whole number or a fraction such as 25/2."""
        return str(self.options["fps"])

    def to_json(self) -> bytes:
        """The file's bytes."""
        return dump_json({"format": FORMAT, "format_version": FORMAT_VERSION, **_members(self)})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file's bytes; keys that this version doesn't know are ignored.

        Raises:
            ShardError: They are no manifest, or one of a later format.
        """
        try:
            record = json.loads(data)
            if record["format"] != FORMAT:
                raise ShardError(f"{MANIFEST} is of format {record['format']!r}, not {FORMAT!r}")
            if record["format_version"] > FORMAT_VERSION:
                raise ShardError(
                    f"{MANIFEST} has format version {record['format_version']}, this lrcn reads up"
                    f" to {FORMAT_VERSION}; upgrade lrcn"
                )
            shards = [ShardEntry(**entry) for entry in record["shards"]]
            known = {f.name: record[f.name] for f in fields(cls)}
            for name, kind in _MANIFEST_KINDS.items():
                if not isinstance(known[name], kind):
                    raise ShardError(f"{MANIFEST} has {known[name]!r:.60} as {name}")
            return cls(**{**known, "shards": shards})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ShardError(f"{MANIFEST} can't be read: {error!r}") from error


def dump_json(value: Any) -> bytes:
    """JSON as the format writes its files, also of records: indented, unicode, a line end last."""
    return _encode(json.dumps(value, indent=1, ensure_ascii=False, default=_members) + "\n")


def dump_json_line(value: Any) -> bytes:
    """JSON as one line of a .jsonl file."""
    return _encode(json.dumps(value, ensure_ascii=False) + "\n")


def readable(path: str) -> str:
    r"""A path as samples have it: bytes that are no UTF-8 as \xNN, which any reader can take."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _members(record: DataclassInstance) -> dict[str, Any]:
    # asdict would copy all that is in them too
    return {name: getattr(record, name) for name in _names(type(record))}


@cache
def _names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def _encode(text: str) -> bytes:
    """UTF-8; what a file name has that is no unicode becomes a JSON escape."""
    return text.encode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class ShardPaths:
    """Where a shard's files lie in a data set's folder."""

    folder: Path
    name: str

    @property
    def tar(self) -> Path:
        """The samples."""
        return self.folder / f"{self.name}.tar"

    @property
    def record(self) -> Path:
        """The record, whose presence marks the shard as done."""
        return self.folder / META / f"{self.name}.json"

    @property
    def index(self) -> Path:
        """The DALI index."""
        return self.folder / META / f"{self.name}.idx"

    @property
    def arrays(self) -> Path:
        """Pixel sums, and each sample's place and label."""
        return self.folder / META / f"{self.name}.npz"
