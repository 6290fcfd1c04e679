"""Makes hard links of tars in which nothing changes, which take no more room on the disk."""

from __future__ import annotations

import os

from lrcn_data.errors import UsageError
from lrcn_data.format.data_set_folder import WrittenShard
from lrcn_data.joining.stored_videos import StoredSet
from lrcn_data.printable import show


def link_unchanged(shard: WrittenShard, stored: StoredSet) -> None:
    """Take, instead of each temporary tar that a data set has already, a link to that one.

    A link stays what it is when the data set that it was of is changed or deleted, as nothing
    writes into a finished tar: one of the same name takes its place.

    Args:
        shard: The finished temporary files of a shard.
        stored: The data set whose samples are in it.

    Raises:
        UsageError: The data set lies on another disk, or its disk has no hard links.
    """
    tars = {entry.sha256: entry.file for entry in stored.manifest.shards}
    for entry in shard.record.entries:
        if entry.sha256 in tars:
            tar, temporary = stored.folder.at(tars[entry.sha256]), shard.files[entry.file]
            temporary.unlink()
            try:
                os.link(tar, temporary)
            except OSError as error:
                raise UsageError(
                    f"{show(tar)}: a hard link to it can't be made beside {shard.name}"
                    f" ({error.strerror}); leave out --link, and it is copied"
                ) from error
