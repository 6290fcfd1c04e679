"""What a manifest says of an append: what was added to a data set after it was complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Append:
    """What one append has added to a data set, and with what.

    Its shards follow in their splits on those that were there before.

    Attributes:
        fingerprint: SHA-256 of all that decides the bytes of its shards, in hexadecimal.
        options: The options in which it may differ from the data set, by name.
        lists: SHA-256 of the entries that it added, by split.
        classes: Names of the classes that it added after those that were there.
        tools: Versions of the libraries that decoded and encoded, by their names.
        shards: Number of shards that it added, by split; one of several tars counts once.
        videos: Number of list entries that it added, by split.
    """

    fingerprint: str
    options: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    tools: Mapping[str, str] = field(default_factory=dict)
    shards: Mapping[str, int]
    videos: Mapping[str, int]
