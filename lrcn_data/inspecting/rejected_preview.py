"""A contact sheet of the videos that gave no clip: their last good frames, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from lrcn_data.errors import UsageError
from lrcn_data.fonts import Fonts
from lrcn_data.format.records import Rejection
from lrcn_data.format.shard_patterns import Patterns, each_pattern
from lrcn_data.format.shard_reader import find_shards
from lrcn_data.inspecting.contact_sheet import FAINT, INK, WARNING, Cell, Row, draw_sheet
from lrcn_data.inspecting.preview import DEFAULT_CLIPS, hash_of
from lrcn_data.inspecting.rejected_frames import LastFrames, read_last_frames
from lrcn_data.inspecting.rejections import read_rejections


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedPreview:
    """A contact sheet, and what is on it.

    Attributes:
        picture: The sheet.
        videos: The paths of the videos on it, from top to bottom.
        total: The number of rejected entries.
        not_there: The number of videos on it that are not below the root.
        without_font: A sentence about letters that no font has, and what helps; None where all
            could be written.
    """

    picture: Image.Image
    videos: list[str]
    total: int
    not_there: int = 0
    without_font: str | None = None


def draw_rejected(
    shards: Patterns = "shards",
    *,
    root: str | os.PathLike[str] = ".",
    split: str | None = None,
    videos: int | None = None,
    seed: int = 0,
    on_start: Callable[[int, int], None] = lambda videos, left: None,
    on_video: Callable[[], None] = lambda: None,
) -> RejectedPreview:
    """Draw the last good frames of rejected videos below one another, with the reasons.

    Args:
        shards: The folder of one data set, or shards of it.
        root: The folder or URL that the paths in the lists were relative to.
        split: The split whose entries are shown; None for all.
        videos: The largest number of videos, as many of each reason as far as can be; None for 12.
        seed: The seed of the random choice.
        on_start: Called once with the number of videos that are read, twice.
        on_video: Called after each video.

    Raises:
        UsageError: The number is below 1, the shards are of several data sets, or nothing was
            rejected.
        ShardError: The shards are missing, unfinished or damaged.
    """
    videos = DEFAULT_CLIPS if videos is None else videos
    if videos < 1:
        raise UsageError(f"--clips must be at least 1, got {videos}")
    found = find_shards(shards, split=split)
    if len(found.manifests) > 1:
        raise UsageError("--rejected shows the videos of one data set; name one folder")
    [(folder, manifest)] = found.manifests.items()
    rejections = [one for one in read_rejections(folder) if split in (None, one.split)]
    if not rejections:
        raise UsageError(f"{folder} has no rejected video to show; leave --rejected out")
    shown = choose_rejections(rejections, videos, seed)
    on_start(len(shown), len(shown))
    frames = read_last_frames(shown, manifest, root=os.fspath(root), on_video=on_video)
    fonts = Fonts()
    sheet = draw_sheet(
        [_row(rejection, last) for rejection, last in zip(shown, frames, strict=True)],
        title=" ".join(each_pattern(shards)),
        subtitle=f"{len(shown)} of {len(rejections):,} rejected videos, their last good frames",
        fonts=fonts,
    )
    return RejectedPreview(
        picture=sheet,
        videos=[one.path for one in shown],
        total=len(rejections),
        not_there=sum(not last.is_there for last in frames),
        without_font=fonts.remedy(),
    )


def choose_rejections(rejections: Sequence[Rejection], most: int, seed: int) -> list[Rejection]:
    """Choose the rejected entries to show, as many of each reason as far as there are.

    Args:
        rejections: All of them.
        most: The largest number of entries.
        seed: The seed of the random choice.

    Returns:
        The chosen ones, sorted by reason.
    """
    of_reason: dict[str, list[int]] = {}
    for number, rejection in enumerate(rejections):
        of_reason.setdefault(rejection.reason, []).append(number)
    turns = [
        (turn, number)
        for numbers in of_reason.values()
        for turn, number in enumerate(
            sorted(numbers, key=lambda number: hash_of(seed, "rejected", number))
        )
    ]
    chosen = sorted(number for _, number in sorted(turns)[:most])
    return sorted((rejections[number] for number in chosen), key=lambda one: one.reason)


def _row(rejection: Rejection, last: LastFrames) -> Row:
    return Row(
        label=[
            (rejection.reason, 18, WARNING),
            (rejection.path.rpartition("/")[2], 13, INK),
            (rejection.split, 13, FAINT),
            *((line, 12, FAINT) for line in _wrapped(rejection.detail)),
        ],
        cells=[
            Cell(picture=Image.fromarray(picture), captions=[(f"{time:.2f} s", 13, FAINT)])
            for picture, time in zip(last.pictures, last.times, strict=True)
        ],
        instead=no_frame_text(rejection, last),
    )


def no_frame_text(rejection: Rejection, last: LastFrames) -> str:
    """What stands in the place of pictures, where there are none."""
    more = f": {last.problem}" if last.problem != rejection.detail else ""
    return f"no frame can be decoded{more}"


_COLUMNS, _LINES = 36, 4
"""About how many letters of the detail go into a line of the label, and how many lines."""


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, _COLUMNS, max_lines=_LINES, placeholder=" …")
