"""Keys of samples that are unique over several data sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lrcn_data.format.sample_key import LONGEST_KEY


def unique_keys(every: Sequence[Iterable[str]]) -> list[list[str]]:
    """The key that each sample gets: its own, or one like `KEY-2` where that is taken already.

    Args:
        every: The keys of the samples of each data set, in order. The first that has a key keeps
            it; the keys of one data set are unique.
    """
    given = [list(keys) for keys in every]
    taken: set[str] = set()
    own = {key for keys in given for key in keys}
    result = []
    for keys in given:
        result.append([_free(key, taken, own) for key in keys])
    return result


def _free(key: str, taken: set[str], own: set[str]) -> str:
    """A key that isn't taken, nor a sample's own if it is a new one; it is taken then."""
    found, number = key, 2
    while found in taken or (found != key and found in own):
        end = f"-{number}"
        found, number = key[: LONGEST_KEY - len(end)] + end, number + 1
    taken.add(found)
    return found
