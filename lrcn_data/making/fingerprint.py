"""The fingerprint of a data set: everything that decides its bytes, and how two of them differ."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from lrcn_data.format.manifest import FORMAT_VERSION, Manifest
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.read_lists import Lists
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.splits import SPLITS
from lrcn_data.video.decoders import load_decoder

_OF_PLUGINS = {"sampling_values": "the sampling's ", "plugins": "the version of "}
"""The manifest's options that hold values by name, and the words that go before such a name in a
sentence on how two data sets differ."""


def plan_manifest(lists: Lists, options: ShardOptions, tools: Mapping[str, str]) -> Manifest:
    """Make the manifest of a data set that is not written yet, with its fingerprint.

    Args:
        lists: The lists of videos.
        options: The options that decide the data set's bytes.
        tools: The versions of the libraries that decode and encode, by their names.
    """
    hashes = {
        split: _hash_entries(entry for entry in lists.entries if entry.split == split)
        for split in SPLITS
        if any(entry.split == split for entry in lists.entries)
    }
    decides = {
        "format_version": FORMAT_VERSION,
        "options": options.as_manifest(),
        "lists": hashes,
        "classes": lists.classes,
        "tools": dict(tools),
        "canvas": list(options.canvas),
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
    return Manifest(
        complete=False,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        options=options.as_manifest(),
        lists=hashes,
        classes=list(lists.classes),
        tools=dict(tools),
        canvas=list(options.canvas),
    )


def _hash_entries(entries: Iterable[Entry]) -> str:
    whole = hashlib.sha256()
    for line in sorted(f"{entry.path}\0{entry.label_text}\n" for entry in entries):
        whole.update(os.fsencode(line))
    return whole.hexdigest()


def tool_versions(options: ShardOptions) -> dict[str, str]:
    """The versions of everything that decodes, converts and encodes frames, by name."""
    from importlib.metadata import version

    names = ("av", "numpy", "pillow", "simplejpeg")
    decoder = options.clip.decoder
    every = {name: version(name) for name in names}
    return {"decoder": decoder, **every, **load_decoder(decoder).tools()}


def differences(old: Manifest, new: Manifest) -> list[str]:
    """Say what makes the fingerprints of two data sets differ, a sentence for each difference."""
    found = []
    for name in sorted({*old.options, *new.options}):
        was, now = old.options.get(name), new.options.get(name)
        if name in _OF_PLUGINS:
            # of another plug-in, whose name is among the differences, all values are others
            both = _by_name(was).keys() & _by_name(now).keys()
            found += _value_differences(_OF_PLUGINS[name], _by_name(was), _by_name(now), both)
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
    return found + _value_differences("", old.tools, new.tools, {*old.tools, *new.tools})


def _value_differences(
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
