"""Which videos belong together because they were cut from the same recording."""

from __future__ import annotations

import re

_UCF_GROUP = re.compile(r"_g\d+(?=_c\d)")


def group_of(path: str) -> str | None:
    """The group that a video belongs to if it is named in UCF-101's way.

    `Archery/v_Archery_g08_c02.avi` is clip 2 of group `v_Archery_g08`. The videos of a group show
    the same people in the same surroundings, so a group must not stand in two splits (Soomro,
    Zamir and Shah, UCF101, CRCV-TR-12-01).

    Args:
        path: Path of the video; only the file's name is looked at.

    Returns:
        The group's name, which includes the class (`v_Archery_g08`), or None for a file that is
        named in another way.
    """
    if "_g" not in path:
        return None
    name = path.rpartition("/")[2]
    match = _UCF_GROUP.search(name)
    return name[: match.end()] if match else None
