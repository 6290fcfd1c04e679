"""What several data sets together have in two splits: the same file, or one group of videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrcn_data.errors import LrcnError
from lrcn_data.joining.stored_videos import StoredSet, StoredVideo
from lrcn_data.lists.video_groups import group_of
from lrcn_data.printable import first_few, show

_SHOWN = 3


def refuse_leakage(stored: Sequence[StoredSet], videos: Sequence[Sequence[StoredVideo]]) -> None:
    """Refuse data sets of which together a file, or a group of videos, is in two splits.

    Args:
        stored: The data sets.
        videos: Those of their videos that are taken.

    Raises:
        LrcnError: There is such a file or group.
    """
    found = list(_shared(stored, videos))
    if found:
        raise LrcnError(
            f"{first_few(found, _SHOWN)}: what is tested must not be trained on; leave these out of"
            " one of them with `lrcn-data subset`, or give --allow-leakage"
        )


def _shared(stored: Sequence[StoredSet], videos: Sequence[Sequence[StoredVideo]]) -> Iterator[str]:
    """Say of each file that it is in two splits, and once of each group and further split."""
    content: dict[str, tuple[str, str]] = {}
    groups: dict[str, tuple[str, str]] = {}
    told: set[tuple[str, str]] = set()
    for one, its_videos in zip(stored, videos, strict=True):
        for video in its_videos:
            path, split = video.source.path, video.split
            here = f"{show(path)} of {split} in {one}"
            before, place = content.setdefault(video.source.sha256, (split, here))
            if before != split:
                yield f"{here} has the same content as {place}"
                continue
            group = group_of(path)
            if group is None:
                continue
            before, place = groups.setdefault(group, (split, here))
            if before != split and (group, split) not in told:
                told.add((group, split))
                yield f"{here} is of the same group {show(group)} as {place}"
