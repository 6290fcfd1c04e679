"""dataset.json: what a data set is, which options made it, and which shards it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from lrcn_data.errors import ShardError
from lrcn_data.format.append import Append
from lrcn_data.format.file_names import MANIFEST, first_part, is_further_part
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.format.index_form import IndexForm
from lrcn_data.format.json_text import dump_json, known_values, members
from lrcn_data.format.made_from import MadeFrom
from lrcn_data.format.recipe import WHOLE, recipe_of
from lrcn_data.format.records import ShardEntry
from lrcn_data.size import Size
from lrcn_data.splits import SPLITS

FORMAT = "lrcn-shards"
"""The name of the format, which every manifest states."""

FORMAT_VERSION = 1
"""The latest version of the format, which is written and up to which is read."""

UNDERSTOOD = frozenset({"frame-kind", "labels-in-time", "multi-label", "parts", "variable-length"})
"""What a data set may require of its readers, and this version understands.

`frame-kind`: frames are not RGB, but flow or what a plug-in makes of them. `labels-in-time`: frames
have classes of their own, or none, so that samples may have none either. `multi-label`: a sample
has a set of classes. `parts`: the shards of a split are more than their numbers say, since some
have several tars. `variable-length`: a sample has as many frames as its clip, up to seq_len.
"""

_DEFAULT_CANVAS = (320, 240)

_MANIFEST_KINDS = {
    "complete": bool,
    "fingerprint": str,
    "mean_exact": bool,
    "decoded_frames": int,
    **dict.fromkeys(("options", "lists", "tools", "choice"), dict),
    **dict.fromkeys(("classes", "canvas", "requires"), list),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The content of dataset.json.

    Attributes:
        complete: Whether the run that writes the data set has ended.
        fingerprint: SHA-256 of all that decides the shards' bytes, in hexadecimal. It is that of
            the data set as it was first made, as are `lists` and `tools`.
        options: The options that decide the shards' bytes, by their names on the command line.
        lists: SHA-256 of the entries of each split's list.
        classes: Class names by class number, those of all appends included.
        tools: Versions of the libraries that decoded and encoded, by their names.
        canvas: [width, height] of the pixel sums.
        mean_exact: Whether all frames had the canvas's size, so that mean images are exact.
        decoded_frames: Number of summed frames that are summed as they are decoded from what is
            stored, not as they were before they were encoded.
        requires: What a reader must understand to read the data set, among `UNDERSTOOD`.
        shards: What the data set has, one entry for each shard, in order.
        appends: What was added since the data set was first complete, in order.
        made_from: The data sets from which it was made by `lrcn-data merge` or `subset`, in order;
            none where it was made of videos.
        choice: What was chosen of the data set from which it was made, by name; empty for all.
    """

    complete: bool = True
    fingerprint: str = ""
    options: Mapping[str, Any]
    lists: Mapping[str, str] = field(default_factory=dict)
    classes: list[str]
    tools: Mapping[str, str] = field(default_factory=dict)
    canvas: list[int] = field(default_factory=lambda: list(_DEFAULT_CANVAS))
    mean_exact: bool = False
    decoded_frames: int = 0
    requires: list[str] = field(default_factory=list)
    shards: list[ShardEntry] = field(default_factory=list)
    appends: list[Append] = field(default_factory=list)
    made_from: list[MadeFrom] = field(default_factory=list)
    choice: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seq_len(self) -> int:
        """Number of frames in a clip; the largest one where clips differ in it."""
        return int(self.options["seq_len"])

    @property
    def variable_length(self) -> bool:
        """Whether clips may have fewer frames than seq_len, and samples only those."""
        return bool(self.options.get("short") == WHOLE)

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

    @property
    def multi_label(self) -> bool:
        """Whether a sample has a set of classes."""
        return bool(self.options.get("multi_label", False))

    @property
    def sets_of(self) -> int:
        """Number of classes of which a sample has a set; 0 where every sample has one class."""
        return len(self.classes) if self.multi_label else 0

    @property
    def labels_in_time(self) -> bool:
        """Whether frames have classes of their own, or none."""
        return bool(self.options.get("labels_in_time", False))

    @property
    def index_form(self) -> IndexForm:
        """Which rows the indices of the data set have."""
        return IndexForm.of(
            sets_of=self.sets_of, seq_len=self.seq_len, labels_in_time=self.labels_in_time
        )

    @property
    def canvas_size(self) -> Size:
        """(width, height) of the pixel sums."""
        width, height = self.canvas
        return width, height

    @property
    def recipe(self) -> dict[str, Any]:
        """The options that say how clips are made from a video, by name."""
        return recipe_of(self.options)

    @property
    def summed_split(self) -> str | None:
        """The split whose frames are summed up for the mean image; None for all of them."""
        return "train" if any(entry.split == "train" for entry in self.shards) else None

    def of_split(self, split: str | None) -> list[ShardEntry]:
        """The shards of a split, in order; those of all splits for None."""
        return [entry for entry in self.shards if split in (None, entry.split)]

    @property
    def first_classes(self) -> list[str]:
        """The class names that there were before all appends."""
        return self.classes[: len(self.classes) - sum(len(one.classes) for one in self.appends)]

    def first_count(self, split: str) -> int:
        """The number of shards that a split was first made with, which decides their digits."""
        made = [fingerprint for _, fingerprint in self.made_by(split)]
        return made.count(made[0]) if made else 0

    def made_by(self, split: str) -> list[tuple[str, str]]:
        """The name of each shard of a split, and the fingerprint of the run that made it.

        Raises:
            ValueError: The appends say that they have added more shards than there are.
        """
        tars = [entry.file for entry in self.of_split(split) if not is_further_part(entry.file)]
        counts = [one.shards.get(split, 0) for one in self.appends]
        counts = [len(tars) - sum(counts), *counts]
        fingerprints = [self.fingerprint, *(one.fingerprint for one in self.appends)]
        made = [f for f, count in zip(fingerprints, counts, strict=True) for _ in range(count)]
        return list(zip(map(first_part, tars), made, strict=True))

    @property
    def latest_fingerprint(self) -> str:
        """The fingerprint of the run that last added something, which covers those before it."""
        return self.appends[-1].fingerprint if self.appends else self.fingerprint

    def fingerprint_of(self) -> dict[str, str]:
        """The fingerprint of the run that made each shard, by the shard's name."""
        return dict(pair for split in SPLITS for pair in self.made_by(split))

    def to_json(self) -> bytes:
        """Write the file's bytes; what nobody must understand is not required."""
        record = {"format": FORMAT, "format_version": FORMAT_VERSION, **members(self)}
        for name in ("requires", "decoded_frames", "appends", "made_from", "choice"):
            if not record[name]:
                del record[name]
        return dump_json(record)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read the file's bytes; keys that this version doesn't know are ignored.

        Raises:
            ShardError: The bytes are no manifest, or that of a data set which needs a later lrcn.
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
            known = known_values(cls, record)
            for name, kind in _MANIFEST_KINDS.items():
                if name in known and not isinstance(known[name], kind):
                    raise ShardError(f"{MANIFEST} has {known[name]!r:.60} as {name}")
            lacking = [name for name in known.get("requires", []) if name not in UNDERSTOOD]
            if lacking:
                raise ShardError(
                    f"{MANIFEST} requires {', '.join(map(str, lacking))!r:.120}, which this lrcn"
                    " doesn't understand; upgrade lrcn"
                )
            known["shards"] = [_entry(entry, known["options"]) for entry in record["shards"]]
            appends = record.get("appends", [])
            known["appends"] = [Append(**known_values(Append, one)) for one in appends]
            made_from = record.get("made_from", [])
            known["made_from"] = [MadeFrom(**known_values(MadeFrom, one)) for one in made_from]
            return cls(**known)
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
            raise ShardError(f"{MANIFEST} can't be read: {error!r}") from error


def _entry(record: Mapping[str, Any], options: Mapping[str, Any]) -> ShardEntry:
    """A shard's entry, whose number of frames follows from that of samples where it is missing."""
    entry = ShardEntry(**known_values(ShardEntry, record))
    if "frames" in record or options.get("short") == WHOLE:
        return entry
    return replace(entry, frames=int(entry.samples) * int(options["seq_len"]))
