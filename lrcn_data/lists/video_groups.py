"""Which clips belong together because they were cut from the same recording."""

from __future__ import annotations

import re

_UCF_GROUP = re.compile(r"_g\d+(?=_c\d)")


def group_of(path: str) -> str | None:
    """The group that UCF-101's way of naming puts a clip in.

    `Archery/v_Archery_g08_c02.avi` is clip 2 of group `v_Archery_g08`. The clips of a group show
    the same people in the same place, so a group must not stand in two splits (Soomro, Zamir and
    Shah, UCF101, CRCV-TR-12-01).

    Returns:
        The group with its class, or None for a file that is named otherwise.
    """
    if "_g" not in path:
        return None
    name = path.rpartition("/")[2]
    match = _UCF_GROUP.search(name)
    return name[: match.end()] if match else None
