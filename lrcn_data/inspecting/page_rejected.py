"""Rejected videos on a page of a data set: by reason, some with their last good frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from lrcn_data.format.records import Rejection
from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.page_clips import Strips
from lrcn_data.inspecting.preview import hash_of
from lrcn_data.inspecting.rejected_frames import LastFrames, read_last_frames
from lrcn_data.inspecting.rejected_preview import no_frame_text
from lrcn_data.inspecting.rejections import read_rejections
from lrcn_data.printable import show
from lrcn_data.reasons import MEANINGS, remedy_of
from lrcn_data.splits import SPLITS

_SHOWN = 6
"""The largest number of videos of each reason that are shown."""

_NAMED = 500
"""The largest number of further videos of each reason that are named."""

_MOST_BYTES = 500_000
"""The most bytes of all strips."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedByReason:
    """The rejected entries of a reason, as the template takes them.

    Attributes:
        reason: The reason.
        meaning: What it means; empty for one that this version doesn't know.
        remedy: What would have kept the videos; empty where nothing is known to.
        counts: The number of entries of each split that has any.
        videos: Some of them, with their last good frames.
        others: The others of them, up to 500, by their paths.
        unnamed: The number of those that are neither shown nor named.
    """

    reason: str
    meaning: str
    remedy: str
    counts: dict[str, int]
    videos: list[dict[str, Any]]
    others: list[dict[str, str]]
    unnamed: int


def rejected_by_reason(data_set: DataSet, *, root: str, seed: int) -> list[RejectedByReason]:
    """Read the rejected entries, and decode some of their videos; the most frequent reason first.

    Args:
        data_set: The data set.
        root: The folder or URL that the paths in the lists were relative to.
        seed: The seed by which the videos are drawn.

    Raises:
        ShardError: The list of rejected entries is missing or damaged.
    """
    [(folder, manifest)] = data_set.found.manifests.items()
    rejections = read_rejections(folder)
    of_reason: dict[str, list[Rejection]] = {}
    for number in sorted(
        range(len(rejections)), key=lambda number: hash_of(seed, "rejected", number)
    ):
        of_reason.setdefault(rejections[number].reason, []).append(rejections[number])
    chosen = [one for ones in of_reason.values() for one in ones[:_SHOWN]]
    frames = read_last_frames(chosen, manifest, root=root) if chosen else []
    pictures = dict(zip(map(id, chosen), frames, strict=True))
    strips = Strips(_MOST_BYTES)
    return [
        RejectedByReason(
            reason=show(reason),
            meaning=MEANINGS.get(reason, ""),
            remedy=remedy_of(reason, salvage=bool(manifest.options.get("salvage"))) or "",
            counts={
                split: count
                for split in SPLITS
                if (count := sum(one.split == split for one in ones))
            },
            videos=[_video(one, pictures[id(one)], strips) for one in ones[:_SHOWN]],
            others=[
                _named(one) for one in sorted(ones[_SHOWN:], key=lambda one: one.path)[:_NAMED]
            ],
            unnamed=max(0, len(ones) - _SHOWN - _NAMED),
        )
        for reason, ones in sorted(of_reason.items(), key=lambda item: -len(item[1]))
    ]


def _named(rejection: Rejection) -> dict[str, str]:
    return {
        "video": show(rejection.path),
        "split": rejection.split,
        "detail": show(rejection.detail),
    }


def _video(rejection: Rejection, last: LastFrames, strips: Strips) -> dict[str, Any]:
    pictures = [Image.fromarray(picture) for picture in last.pictures]
    return {
        **_named(rejection),
        "strip": strips.add(pictures) if pictures else None,
        "times": f"{last.times[0]:.2f} to {last.times[-1]:.2f} s" if last.times else "",
        "instead": show(no_frame_text(rejection, last)),
    }
