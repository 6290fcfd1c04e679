"""Makes hard links of tars in which nothing changes, which take no more room on the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping

from lrcn_data.errors import UsageError
from lrcn_data.format.data_set_folder import WrittenShard
from lrcn_data.printable import show


def link_unchanged(shard: WrittenShard, there: Mapping[str, str]) -> None:
    """Take, instead of each temporary tar that a data set has already, a link to that one.

    A link stays what it is when the data set that it was of is changed or deleted, as nothing
    writes into a finished tar: one of the same name takes its place.

    Args:
        shard: The finished temporary files of a shard.
        there: The path of each tar of the data sets that may be linked to, by its SHA-256.

    Raises:
        UsageError: A data set lies on another disk, or its disk has no hard links.
    """
    for entry in shard.record.entries:
        tar, temporary = there.get(entry.sha256), shard.files[entry.file]
        if tar is not None:
            temporary.unlink()
            try:
                os.link(tar, temporary)
            except OSError as error:
                raise UsageError(
                    f"{show(tar)}: a hard link to it can't be made beside {shard.name}"
                    f" ({error.strerror}); leave out --link, and it is copied"
                ) from error
