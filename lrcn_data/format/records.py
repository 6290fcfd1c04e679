"""What is recorded of samples, shards and their inputs; FORMAT.md describes it for people."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Self

from lrcn_data.errors import ShardError
from lrcn_data.format.json_text import COMPACT, dump_json, encode_text, members

_JSON_NAMES = {"class_name": "class"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRecord:
    """The JSON member of a sample: one clip and where it comes from.

    Attributes:
        key: Name of the sample, unique over all splits.
        video: Path of the video as its list has it.
        label: Class number, counted from 0.
        class_name: Name of the class (`class` in the JSON).
        split: `train`, `val` or `test`.
        clip: Number of the clip in its video, counted from 0.
        fps: Frames per second that the clip was sampled from.
        source_fps: The video's own average number of frames per second.
        width: Width of the stored frames in pixels.
        height: Height of the stored frames in pixels.
        frame_times: For each frame, the time in seconds at which the source shows it, counted from
            the source's first frame.
        num_valid: Number of frames that are real; the rest repeat the last one.
        labels: For each frame, its class number, or -1 if it is unlabelled or padded.
        segment: Start and end, in seconds, of the part of the video that was sampled.
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
        """Write the member's bytes."""
        record = {_JSON_NAMES.get(name, name): value for name, value in members(self).items()}
        return encode_text(COMPACT.encode(record))

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
        split: `train`, `val` or `test`.
        reason: The reason by which such entries are counted, a `Reason` of the version that wrote
            the line.
        detail: What was found, as a sentence for people.
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
        split: `train`, `val` or `test`.
        videos: Number of list entries that belong to the shard.
        samples: Number of clips in the tar.
        frames: Number of frames in the tar.
        bytes: Size of the tar in bytes.
        sha256: SHA-256 of the tar, in hexadecimal.
        skipped: Number of entries that were too short.
        failed: Number of entries that gave no clip for any other reason.
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
        path: Path of the video as its list has it.
        bytes: Size of the file in bytes.
        sha256: SHA-256 of the file, in hexadecimal.
        decoding: How much was decoded. `planned`: only what the clips need. `from-start`: since the
            packets have no pts, everything up to the last frame that the clips need, but for
            B-frames that none needs. `full`: everything.
    """

    path: str
    bytes: int
    sha256: str
    decoding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardRecord:
    """.meta/NAME.json: a finished shard. Written last: its presence marks the shard as done.

    Attributes:
        fingerprint: Fingerprint of the run that wrote the shard.
        entry: What the manifest will say of the shard.
        rejected: The shard's entries that gave no clip, or not all of their clips.
        sources: The shard's input videos.
        exact_frames: Number of frames that had the canvas's own size.
    """

    fingerprint: str
    entry: ShardEntry
    rejected: list[Rejection]
    sources: list[Source]
    exact_frames: int

    def to_json(self) -> bytes:
        """Write the file's bytes."""
        return dump_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file's bytes.

        Raises:
            ShardError: The bytes are not a shard's record.
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
