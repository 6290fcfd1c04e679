"""A page of a data set: what it holds, samples of its classes, and what looks wrong, as HTML.

The page is a single file of at most about 4 MB, however large the data set is: samples, examples
and classes are bounded, and so are the bytes of all pictures. What is left out is said.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lrcn_data.errors import UsageError
from lrcn_data.format.pictures import as_rgb
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.inspecting.findings.find import Example, can_look
from lrcn_data.inspecting.findings.finding_kinds import FINDING_KINDS
from lrcn_data.inspecting.findings.look_at import LOOK_AT
from lrcn_data.inspecting.page_clips import Strips, clip_on_page
from lrcn_data.inspecting.page_counts import (
    class_counts,
    class_seconds,
    length_histogram,
    most_frequent,
)
from lrcn_data.inspecting.page_rejected import rejected_by_reason
from lrcn_data.inspecting.page_samples import class_samples
from lrcn_data.inspecting.read_samples import ReadOptions, read_samples
from lrcn_data.inspecting.stats import Stats, describe
from lrcn_data.pages.data_uri import picture_uri
from lrcn_data.pages.page import render_page
from lrcn_data.printable import show

_EXAMPLES = 6
"""The largest number of clips that are shown of a finding."""

_EXAMPLE_BYTES = 800_000
"""The most bytes of the strips of all findings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageOptions:
    """What a page shows.

    Attributes:
        per_class: The largest number of samples of each class; None for 4, or fewer where there are
            many classes.
        look_at: The largest number of clips whose pictures are looked at for findings.
        seed: The seed of all random choices.
        root: The folder or URL that the paths in the lists were relative to, for pictures of
            rejected videos.

    Raises:
        UsageError: A number is below 1.
    """

    per_class: int | None = None
    look_at: int = LOOK_AT
    seed: int = 0
    root: str | os.PathLike[str] = "."

    def __post_init__(self) -> None:
        if self.per_class is not None and self.per_class < 1:
            raise UsageError(f"--per-class must be at least 1, got {self.per_class}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPage:
    """A page of a data set.

    Attributes:
        html: The whole page.
        stats: What was found out for it.
    """

    html: str
    stats: Stats


def make_data_page(
    folder: str | Path,
    options: PageOptions | None = None,
    *,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clip: Callable[[], None] = lambda: None,
) -> DataPage:
    """Make the page of a data set; its tars are read once, and few of their frames decoded.

    Args:
        folder: Path or URL of the data set.
        options: What the page shows.
        plugins: The names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of clips, twice.
        on_clip: Called after each clip that was read.

    Raises:
        UsageError: The folder's name has no meaning, or a plug-in has made the frames that is not
            named.
        ShardError: The data set is missing, unfinished or damaged.
    """
    options = options or PageOptions()
    data_set = open_data_set(str(folder), plugins=plugins)
    if len(data_set.found.manifests) > 1:
        raise UsageError("--html describes one data set; name one folder")
    on_start(len(data_set), len(data_set))
    reading = ReadOptions(look_at=options.look_at, seed=options.seed)
    found = read_samples(data_set, reading, on_clip)
    stats, mean_image = describe(data_set, found, reading)
    manifest = data_set.found.first_manifest
    values = {
        "name": show(str(folder)),
        "stats": stats,
        "splits": list(stats.splits),
        "total": len(data_set),
        "videos": sum(split.videos for split in stats.splits.values()),
        "multi_label": data_set.multi_label,
        "warnings": list(_warnings(stats)),
        **_findings(data_set, stats),
        "classes": class_counts(stats),
        "seconds": length_histogram(found.seconds, list(stats.splits)),
        "source_fps": most_frequent(stats.source_fps),
        "frame_sizes": most_frequent(stats.frame_sizes),
        "mean_image": _mean_image(mean_image),
        "class_time": class_seconds(stats.class_time),
        **class_samples(data_set, per_class=options.per_class, seed=options.seed),
        "rejected": rejected_by_reason(data_set, root=os.fspath(options.root), seed=options.seed),
        "root": show(os.fspath(options.root)),
        "options": {
            name: value for name, value in manifest.options.items() if value not in (None, "")
        },
        "tools": dict(manifest.tools),
    }
    return DataPage(html=render_page("lrcn_data.inspecting", "data_set.html", values), stats=stats)


def _warnings(stats: Stats) -> Iterator[str]:
    """What is wrong with the data set as a whole, as sentences."""
    groups = stats.shared_groups
    if groups:
        more = f" and {len(groups) - 3:,} more" if len(groups) > 3 else ""
        yield f"Groups of videos are in two splits: {'; '.join(map(show, groups[:3]))}{more}."
    for split in stats.splits:
        empty = [show(row.name) for row in stats.classes if not row.clips[split]]
        if empty:
            more = f" and {len(empty) - 5:,} more" if len(empty) > 5 else ""
            yield f"No clip of {split} is of {', '.join(empty[:5])}{more}."
    failed = sum(split.failed for split in stats.splits.values())
    if failed:
        videos = sum(split.videos for split in stats.splits.values())
        yield f"{failed:,} of {videos:,} videos could not be read."


def _findings(data_set: DataSet, stats: Stats) -> dict[str, Any]:
    strips = Strips(_EXAMPLE_BYTES)
    found = [
        {
            "name": finding.name,
            "title": FINDING_KINDS[finding.name].title,
            "meaning": FINDING_KINDS[finding.name].meaning,
            "clips": finding.clips,
            "looked_at": finding.looked_at,
            "examples": [
                _example(data_set, example, strips) for example in finding.examples[:_EXAMPLES]
            ],
        }
        for finding in stats.findings
    ]
    named = {finding.name for finding in stats.findings}
    others = [kind for kind in FINDING_KINDS.values() if kind.name not in named]
    looked = stats.looked_at > 0
    return {
        "findings": found,
        "not_found": [kind.title for kind in others if looked or not kind.of_pictures],
        "not_looked_for": [kind.title for kind in others if kind.of_pictures and not looked],
        "can_look": can_look(data_set.layout),
        "looked_at": stats.looked_at,
    }


def _example(data_set: DataSet, example: Example, strips: Strips) -> dict[str, Any]:
    clips = [example.sample] if example.like is None else [example.sample, example.like]
    shown = [clip_on_page(data_set, number, strips) for number in clips]
    return {"detail": example.detail, "clips": shown}


def _mean_image(mean_image: npt.NDArray[np.uint8]) -> str:
    picture = Image.fromarray(as_rgb(mean_image))
    picture.thumbnail((320, 320))
    return picture_uri(picture)
