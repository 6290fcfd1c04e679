"""dataset.json: what a data set is, which options made it, and which shards it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from lrcn_data.errors import ShardError
from lrcn_data.format.file_names import MANIFEST
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.format.json_text import dump_json, members
from lrcn_data.format.records import ShardEntry

FORMAT = "lrcn-shards"
"""The name of the format, which every manifest states."""

FORMAT_VERSION = 1
"""The latest version of the format, which is written and up to which is read."""

_MANIFEST_KINDS = {
    "complete": bool,
    "fingerprint": str,
    **dict.fromkeys(("options", "lists", "tools"), dict),
    **dict.fromkeys(("classes", "canvas"), list),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The content of dataset.json.

    Attributes:
        complete: Whether the run that writes the data set has ended.
        fingerprint: SHA-256 of all that decides the shards' bytes, in hexadecimal.
        options: The options that decide the shards' bytes, by their names on the command line.
        lists: SHA-256 of the entries of each split's list.
        classes: Class names by class number.
        tools: Versions of the libraries that decoded and encoded, by their names.
        canvas: [width, height] of the pixel sums.
        mean_exact: Whether all frames had the canvas's size, so that mean images are exact.
        shards: What the data set has, one entry for each shard, in order.
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
        """Number of frames in a clip."""
        return int(self.options["seq_len"])

    @property
    def fps(self) -> str:
        """Frames per second that clips were sampled from: a whole number or a fraction as 25/2."""
        return str(self.options["fps"])

    @property
    def plugins(self) -> Mapping[str, str]:
        """The version of each plug-in that decided bytes, by its name."""
        versions = self.options.get("plugins")
        return versions if isinstance(versions, dict) else {}

    @property
    def frame_kind(self) -> str:
        """Name of the kind of frames that is stored."""
        return str(self.options.get("frame_kind", RGB_FRAMES))

    def to_json(self) -> bytes:
        """Write the file's bytes."""
        return dump_json({"format": FORMAT, "format_version": FORMAT_VERSION, **members(self)})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file's bytes; keys that this version doesn't know are ignored.

        Raises:
            ShardError: The bytes are no manifest, or one of a later format.
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
