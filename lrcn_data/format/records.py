"""What is recorded of samples, shards and their inputs; FORMAT.md describes it for people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Self

from lrcn_data.errors import ShardError
from lrcn_data.format.json_text import (
    COMPACT,
    dump_json,
    encode_text,
    known_values,
    members,
    readable,
)
from lrcn_data.format.sources import is_sha256, source_number
from lrcn_data.reasons import NOT_BAD

_ONE_CLASS, _CLASS_SET = ("label", "class"), ("classes", "class_names")
"""The keys of a sample's json by which it has one class, or a set of classes."""

_BEFORE, _BEHIND = (
    ("key", "video"),
    (
        *("split", "clip", "fps", "source_fps", "width", "height"),
        *("frame_times", "num_valid", "labels", "segment", "salvaged"),
    ),
)
"""The keys before and behind those, in the order in which they are written."""

_OPTIONAL = ("position", "neighbour_times")
"""The keys that come last, in samples that have them."""

NO_CLASS = -1
"""The class number of a frame without one, of a sample that has a set of classes, and where labels
are in time of a sample none of whose frames has a class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleRecord:
    """The JSON member of a sample: one clip and where it comes from.

    Attributes:
        key: Name of the sample, unique over all splits.
        video: Path of the video as its list has it.
        label: Class number, counted from 0; `NO_CLASS` where the sample has a set of classes. Where
            labels are in time it is the `clip_label.clip_label` of its frames, and may be
            `NO_CLASS` as well.
        class_name: Name of the class (`class` in the JSON); empty where it has none.
        classes: The class numbers of the sample's set, ascending; None where it has one class.
        class_names: The names of those classes; none where they aren't known.
        split: `train`, `val` or `test`.
        clip: Number of the clip in its video, counted from 0.
        fps: Frames per second that the clip was sampled from.
        source_fps: The video's own average number of frames per second.
        width: Width of the stored frames in pixels.
        height: Height of the stored frames in pixels.
        frame_times: For each frame, the time in seconds at which the source shows it, counted from
            the source's first frame.
        num_valid: Number of frames that are real; the rest repeat the last one.
        labels: For each frame, its class number, or -1 if it is unlabelled or padded, or the sample
            has a set of classes.
        segment: Start and end, in seconds, of the part of the video that was sampled.
        salvaged: Whether the clip comes from the sound part of a damaged video.
        position: The number of the clip's first frame in the fps stream, counted from 0; None where
            labels are not in time.
        neighbour_times: For each frame, the time, as `frame_times` has it, of the other frame of
            the source that its picture is made from; None where it is made from the frame alone.
    """

    key: str
    video: str
    label: int
    width: int
    height: int
    frame_times: list[float]
    num_valid: int
    labels: list[int]
    segment: list[float]
    class_name: str = ""
    classes: list[int] | None = None
    class_names: list[str] = field(default_factory=list)
    split: str = ""
    clip: int = 0
    fps: float = 0.0
    source_fps: float = 0.0
    salvaged: bool = False
    position: int | None = None
    neighbour_times: list[float] | None = None

    @property
    def class_numbers(self) -> list[int]:
        """The numbers of all classes that the sample has: one, or those of its set."""
        return [self.label] if self.classes is None else self.classes

    @property
    def names(self) -> list[str]:
        """The names of all classes that the sample has, where they are known."""
        return [self.class_name] if self.classes is None else self.class_names

    def label_member(self) -> bytes:
        """Write the bytes of the member that has the class number, or the set of them."""
        text = str(self.label) if self.classes is None else COMPACT.encode(self.classes)
        return text.encode()

    def to_json(self) -> bytes:
        """Write the member's bytes."""
        values = members(self)
        of_classes = _ONE_CLASS if self.classes is None else _CLASS_SET
        optional = [key for key in _OPTIONAL if values[key] is not None]
        keys = (*_BEFORE, *of_classes, *_BEHIND, *optional)
        record = {key: values["class_name" if key == "class" else key] for key in keys}
        return encode_text(COMPACT.encode(record))

    @classmethod
    def from_json(cls, data: bytes, seq_len: int, *, multi_label: bool = False) -> Self:
        """Read a member's bytes.

        Keys that this version doesn't know are ignored. Those that are missing take defaults: all
        frames are real, labelled with the clip's class, and follow one another at the clip's rate.

        Args:
            data: The bytes.
            seq_len: The number of frames in the clip.
            multi_label: Whether the sample has a set of classes.

        Raises:
            ShardError: The bytes are no JSON object, or a key without a default is missing.
        """
        try:
            record = dict(json.loads(data))
            for key in _ONE_CLASS if multi_label else _CLASS_SET:
                record.pop(key, None)
            if multi_label:
                record |= {"label": NO_CLASS, "classes": record["classes"]}
            if "class" in record:
                record["class_name"] = record["class"]
            return cls(**known_values(cls, _derived(record, seq_len) | record))
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            raise ShardError(f"a sample's json member can't be read: {error!r}") from error


def _derived(record: dict[str, Any], seq_len: int) -> dict[str, Any]:
    """The values that follow from the others where a sample's json doesn't say them."""
    valid = min(max(record.get("num_valid", seq_len), 0), seq_len)
    times = record.get("frame_times")
    if times is None:
        times = [number / record["fps"] if record.get("fps") else 0.0 for number in range(seq_len)]
    return {
        "num_valid": valid,
        "labels": [record["label"]] * valid + [-1] * (seq_len - valid),
        "frame_times": times,
        "segment": [0.0, times[-1] if times else 0.0],
    }


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
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardEntry:
    """What the manifest says of a shard.

    Attributes:
        file: Name of the tar, relative to the data set's folder.
        split: `train`, `val` or `test`.
        samples: Number of clips in the tar.
        bytes: Size of the tar in bytes.
        sha256: SHA-256 of the tar, in hexadecimal.
        videos: Number of list entries that belong to the shard.
        frames: Number of frames in the tar.
        skipped: Number of entries that were too short.
        failed: Number of entries that gave no clip for any other reason.
    """

    file: str
    split: str
    samples: int
    bytes: int
    sha256: str
    videos: int = 0
    frames: int = 0
    skipped: int = 0
    failed: int = 0


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
    decoding: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelFinding:
    """What is unusual about the labels in time of an input video.

    Attributes:
        path: Path of the video as its list has it.
        clipped: Number of segments that begin in the video and end beyond its last frame.
        beyond: Number of segments that begin beyond its last frame.
        unlabelled: Whether none of the stored frames has a class.
        fps: Frames per second by the annotation, where the video has others; None elsewhere.
        source_fps: The video's own average number of frames per second.
    """

    path: str
    clipped: int = 0
    beyond: int = 0
    unlabelled: bool = False
    fps: float | None = None
    source_fps: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardRecord:
    """.meta/NAME.json: a finished shard. Written last: its presence marks the shard as done.

    Attributes:
        fingerprint: Fingerprint of the run that wrote the shard.
        entry: What the manifest will say of the shard.
        rejected: The shard's entries that gave no clip, or not all of their clips.
        sources: The shard's input videos.
        exact_frames: Number of frames in the pixel sums that had the canvas's own size.
        parts: What the manifest will say of the shard's further tars, where its samples don't fit
            into one. The first one counts the entries of them all.
        labelling: What is unusual about the labels in time of the shard's input videos.
    """

    fingerprint: str
    entry: ShardEntry
    rejected: list[Rejection] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    exact_frames: int = 0
    parts: list[ShardEntry] = field(default_factory=list)
    labelling: list[LabelFinding] = field(default_factory=list)

    @property
    def entries(self) -> list[ShardEntry]:
        """What the manifest will say of all of the shard's tars."""
        return [self.entry, *self.parts]

    @property
    def source_numbers(self) -> dict[str, int]:
        """The number of each input file, by the video's path as samples have it."""
        return {readable(source.path): source_number(source.sha256) for source in self.sources}

    @property
    def may_change(self) -> bool:
        """Whether a video may be read again by `--retry-failed`."""
        return any(line.reason not in NOT_BAD for line in self.rejected)

    def to_json(self) -> bytes:
        """Write the file's bytes; what only some shards have is written where it is there."""
        record = members(self)
        for name in ("parts", "labelling"):
            if not record[name]:
                del record[name]
        return dump_json(record)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file's bytes; keys that this version doesn't know are ignored.

        Raises:
            ShardError: The bytes are not a shard's record.
        """
        try:
            record = known_values(cls, json.loads(data))
            record["entry"] = ShardEntry(**known_values(ShardEntry, record["entry"]))
            for name, kind in _LISTED.items():
                record[name] = [kind(**known_values(kind, line)) for line in record.get(name, [])]
            found = cls(**record)
            sums = [entry.sha256 for entry in found.entries]
            for sha256 in (*sums, *(source.sha256 for source in found.sources)):
                if not is_sha256(sha256):
                    raise ShardError(f"a shard's record has the SHA-256 {sha256!r:.80}")
            if not all(isinstance(source.path, str) for source in found.sources):
                raise ShardError("a shard's record has a path that is no text")
            return found
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ShardError(f"a shard's record can't be read: {error!r}") from error


_LISTED: dict[str, type[Rejection | Source | ShardEntry | LabelFinding]] = {
    "rejected": Rejection,
    "sources": Source,
    "parts": ShardEntry,
    "labelling": LabelFinding,
}
"""What a shard's record has several of."""
