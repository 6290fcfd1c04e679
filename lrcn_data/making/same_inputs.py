"""Finds input files that are in two splits, by the hashes that were taken while they were read."""

from __future__ import annotations

from collections.abc import Iterable

from lrcn_data.errors import LrcnError
from lrcn_data.format.records import ShardRecord
from lrcn_data.printable import show

_SHOWN = 3


def refuse_leakage(records: Iterable[ShardRecord]) -> None:
    """Refuse a data set in which files of the same content are in two splits.

    Args:
        records: The records of all shards.

    Raises:
        LrcnError: There are such files.
    """
    first: dict[str, tuple[str, str]] = {}
    found = []
    for record in records:
        split = record.entry.split
        for source in record.sources:
            before_split, path = first.setdefault(source.sha256, (split, source.path))
            if before_split != split:
                found.append(
                    f"{show(source.path)} of {split} has the same content as {show(path)} of"
                    f" {before_split}"
                )
    if found:
        more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise LrcnError(
            f"{'; '.join(found[:_SHOWN])}{more}: what is tested must not be trained on; take them"
            " out of one of the lists, or give --allow-leakage (the shards are kept)"
        )
