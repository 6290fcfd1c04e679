"""The fingerprint of a data set: everything that decides its bytes, and how two of them differ."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lrcn_data.format.manifest import FORMAT_VERSION, Manifest
from lrcn_data.lists.entry import Entry
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.seq_len import as_given
from lrcn_data.splits import SPLITS
from lrcn_data.video.decoders import load_decoder

_OF_PARTS = {
    "sampling_values": "the sampling's ",
    "frame_values": "the frame kind's ",
    "plugins": "the version of ",
}
"""The manifest's options that hold values by name, and the words that go before such a name in a
sentence on how two data sets differ."""


def fingerprint(
    options: ShardOptions,
    hashes: Mapping[str, str],
    classes: Sequence[str],
    tools: Mapping[str, str],
    *,
    after: str = "",
) -> str:
    """The SHA-256 of all that decides the bytes of the shards that a run makes, in hexadecimal.

    Args:
        options: The options that decide bytes.
        hashes: The hash of the entries that go into the shards, by split; see `hash_entries`.
        classes: The class names by class number.
        tools: The versions of the libraries that decode and encode, by their names.
        after: The fingerprint of the run whose shards those of an append follow on; it decides
            their numbers and keys.
    """
    decides = {
        "format_version": FORMAT_VERSION,
        "options": options.as_manifest(),
        "lists": dict(hashes),
        "classes": list(classes),
        "tools": dict(tools),
        "canvas": list(options.canvas),
        **({"after": after} if after else {}),
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_entries(entries: Iterable[Entry]) -> dict[str, str]:
    """The SHA-256 of the entries of each split that has some, whatever their order."""
    by_split: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for entry in entries:
        by_split[entry.split].append(entry)
    return {split: _hash(members) for split, members in by_split.items() if members}


def _hash(entries: Iterable[Entry]) -> str:
    whole = hashlib.sha256()
    for line in sorted(map(_as_line, entries)):
        whole.update(os.fsencode(line))
    return whole.hexdigest()


def _as_line(entry: Entry) -> str:
    """All of an entry that decides bytes."""
    times = entry.times
    in_time = "" if times is None else f"\0{json.dumps([times.unit, times.fps, *times.segments])}"
    return f"{entry.path}\0{entry.label_text}{in_time}\n"


def tool_versions(options: ShardOptions) -> dict[str, str]:
    """The versions of everything that decodes, converts and encodes frames, by name."""
    from importlib.metadata import version

    names = ("av", "numpy", "pillow", "simplejpeg")
    decoder = options.clip.decoder
    every = {name: version(name) for name in names}
    own = options.kind_of_frames.tools()
    return {"decoder": decoder, **every, **own, **load_decoder(decoder).tools()}


def differences(old: Manifest, new: Manifest) -> list[str]:
    """Say what makes the fingerprints of two data sets differ, a sentence for each difference."""
    found = []
    old_options, new_options = as_given(old.options), as_given(new.options)
    for name in sorted({*old_options, *new_options}):
        was, now = old_options.get(name), new_options.get(name)
        if name in _OF_PARTS:
            # of another part, whose name is among the differences, all values are others
            both = _by_name(was).keys() & _by_name(now).keys()
            found += value_differences(_OF_PARTS[name], _by_name(was), _by_name(now), both)
        elif was != now:
            found.append(f"--{name.replace('_', '-')} was {_shown(was)}, is {_shown(now)}")
    if list(old.canvas) != list(new.canvas):
        was, now = _shown(old.canvas), _shown(new.canvas)
        found.append(f"the canvas of the pixel sums was {was}, is {now}")
    if old.classes != new.classes:
        found.append(f"the class names differ ({len(old.classes)} before, {len(new.classes)} now)")
    for split in SPLITS:
        if old.lists.get(split) != new.lists.get(split):
            found.append(f"the {split} list has other entries")
    return found + value_differences("", old.tools, new.tools, {*old.tools, *new.tools})


def value_differences(
    what: str, old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str]
) -> list[str]:
    """Write a sentence for each of the given names whose values differ."""
    return [
        f"{what}{name} was {old.get(name)}, is {new.get(name)}"
        for name in sorted(names)
        if old.get(name) != new.get(name)
    ]


def _by_name(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _shown(value: Any) -> str:
    """Write an option's value in the manifest as it would be given on the command line."""
    if value is None or value is False or value == "":
        return "not given"
    if value is True:
        return "given"
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)
