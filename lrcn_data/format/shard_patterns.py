"""Shard names as people write them: paths, folders, globs and number ranges.

What is expanded here is only text and folder listings; whether a shard fits its data set is
decided in `shard_reader`.
"""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterable, Sequence

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.file_names import ENDING
from lrcn_data.storage import locations

Patterns = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

MOST_SHARDS = 100_000
_LONGEST_GLOB = 4096
"""Most characters of a glob, Linux's PATH_MAX. Matching takes time with its length squared."""

_GROUP = re.compile(r"\{[^{}]*\}|<\d+\.\.\d+>")
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")
_NUMBERED = re.compile(r"(.*?)(\d+)(\.[^.]*)?")


def each_pattern(patterns: Patterns) -> list[str]:
    """The patterns as text, whether one is given or several."""
    several = [patterns] if isinstance(patterns, str | os.PathLike) else patterns
    return [os.fspath(pattern) for pattern in several]


def expand_shards(patterns: Patterns) -> list[str]:
    """Find the shards and folders that patterns name.

    A pattern is a path, a folder, a glob (`train-*.tar`), a range (`train-{000..099}.tar`, or
    `train-<000..099>.tar`), a list (`{train,val}-000.tar`), or an fsspec URL with any of these.
    Whether a named shard exists is not checked.

    Args:
        patterns: One pattern or several.

    Returns:
        The locations of the shards and folders, each once, in the order of the patterns.

    Raises:
        UsageError: There is no pattern, or one is a `pipe:`, a range with too many numbers, or a
            glob longer than any path.
        ShardError: A glob matches nothing.
    """
    named = each_pattern(patterns)
    if not named:
        raise UsageError("no shards named; name a folder, or shards such as 'train-{000..099}.tar'")
    found = (location for pattern in named for location in _expand(pattern))
    return list(dict.fromkeys(found))


def shards_of(folder: str, split: str) -> str:
    """A pattern that names the shards of a split, to be shown to people.

    Args:
        folder: The path or URL of the data set.
        split: `train`, `val` or `test`.
    """
    if re.search(r"[*?\[{<]", folder):
        return folder  # where shards are asked for, it stands for those of the split that is meant
    return locations.join(folder, f"{split}-*{ENDING}")


def describe_names(names: Iterable[str]) -> str:
    """Sum up names in a few words: `train-000.tar to train-004.tar, a.tar`."""
    runs: list[list[str]] = []
    previous: tuple[str, int, int, str] | None = None
    for name in sorted(names):
        match = _NUMBERED.fullmatch(name)
        current = None
        if match:
            prefix, digits, suffix = match.groups(default="")
            current = (prefix, len(digits), int(digits), suffix)
        follows = previous is not None and current == (
            *previous[:2],
            previous[2] + 1,
            previous[3],
        )
        if follows:
            runs[-1].append(name)
        else:
            runs.append([name])
        previous = current
    words = [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    if len(words) > 6:
        words = [*words[:5], f"and {len(words) - 5} more"]
    return ", ".join(words)


def _expand(pattern: str) -> list[str]:
    location = locations.normal_location(pattern)
    if not locations.is_url(location) and os.path.lexists(location):
        return [location]
    return [found for name in _expand_groups(location) for found in _expand_glob(name)]


def _expand_groups(pattern: str) -> list[str]:
    """All names that a pattern with braces or angle brackets stands for."""
    parts: list[list[str]] = []
    position = 0
    for match in _GROUP.finditer(pattern):
        parts += [[pattern[position : match.start()]], _alternatives(match)]
        position = match.end()
    parts.append([pattern[position:]])
    if math.prod(map(len, parts)) > MOST_SHARDS:
        raise UsageError(
            f"{pattern} stands for more than {MOST_SHARDS:,} shards; name the folder instead"
        )
    return ["".join(words) for words in itertools.product(*parts)]


def _alternatives(group: re.Match[str]) -> list[str]:
    """The texts that a group in braces or angle brackets stands for; itself if it is no list."""
    inner = group.group()[1:-1]
    ends = _RANGE.fullmatch(inner)
    if ends:
        return _numbers(*ends.groups())
    words = inner.split(",")
    return words if len(words) > 1 else [group.group()]


def _numbers(first: str, last: str) -> list[str]:
    """The numbers of a range as texts, with leading zeros if either end has them."""
    start, stop = int(first), int(last)
    if stop < start:
        raise UsageError(f"the range {first}..{last} ends before it starts")
    if stop - start >= MOST_SHARDS:
        raise UsageError(
            f"the range {first}..{last} has {stop - start + 1:,} numbers, more than the"
            f" {MOST_SHARDS:,} shards that can be named; name the folder instead"
        )
    padded = any(len(end) > 1 and end.startswith("0") for end in (first, last))
    digits = max(len(first), len(last)) if padded else 1
    return [f"{number:0{digits}d}" for number in range(start, stop + 1)]


def _expand_glob(location: str) -> list[str]:
    if not re.search(r"[*?\[]", location):
        return [location]
    if len(location) > _LONGEST_GLOB:
        raise UsageError(
            f"the glob {location[:40]}... has {len(location):,} characters, more than the"
            f" {_LONGEST_GLOB:,} of the longest path; name the folder instead"
        )
    found = [path for path in locations.matching(location) if path.endswith(ENDING)]
    if not found:
        folder, _ = locations.split_location(location)
        raise ShardError(f"no shard matches {location}; {describe_folder(folder)}")
    return found


def describe_folder(folder: str) -> str:
    """Say which shards a folder holds, for the end of an error message."""
    names = locations.list_names(folder)
    shards = [name for name in names if name.endswith(ENDING)]
    if shards:
        return f"{folder} has {describe_names(shards)}"
    if names:
        return f"{folder} has no shards; make some with `lrcn-data shard --out {folder}`"
    return f"there is no folder {folder}, or nothing in it; check the path"
