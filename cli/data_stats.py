"""`lrcn-data stats`: what a data set holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from lrcn_data.format.recipe import WHOLE, given_seq_len

from .command import Command
from .options import (
    LOCATION,
    debug_option,
    frame_kind_option,
    json_option,
    look_at_option,
    refuse_look_at_without,
    seed_option,
    workers_option,
)
from .output import print_json, print_result, print_table, warn

if TYPE_CHECKING:
    from rich.table import Table

    from lrcn_data.inspecting.class_time import ClassTime
    from lrcn_data.inspecting.stats import SetStats, Stats

_CLASSES_SHOWN = 30

Row = TypeVar("Row")


@click.command(
    cls=Command,
    name="stats",
    short_help="Count classes, frames and rejects; compute the mean image.",
    groups={
        "Findings": ("findings", "look_at", "seed"),
        "Running": ("workers", "plugins"),
    },
    examples=(
        "lrcn-data stats",
        "lrcn-data stats my-shards --json",
        "lrcn-data stats --findings",
    ),
)
@click.argument("shards", type=LOCATION, default="shards")
@click.option(
    "--findings",
    is_flag=True,
    help="Look at the pictures of clips as well, for black frames, black bars, repeated frames, and"
    " clips that look like one of another split.",
)
@look_at_option
@seed_option("The seed by which clips to look at are drawn.")
@workers_option("The number of threads that read and decode.", default="the cores allowed")
@frame_kind_option
@json_option
@debug_option
def command(
    *,
    shards: str,
    findings: bool,
    look_at: int,
    seed: int,
    workers: int | None,
    plugins: tuple[str, ...],
    as_json: bool,
) -> None:
    """Describe the data set in SHARDS (default: shards): classes, lengths, rejects, pixels.

    It writes stats.json and mean.png into the data set's folder. Pixels are those of the training
    frames, or of all frames if there is no train split. The mean is that of the frames before JPEG;
    the standard deviation is that of all pixels of all decoded frames.
    """
    from lrcn_data.errors import ShardError
    from lrcn_data.format.data_set_folder import DataSetFolder
    from lrcn_data.format.file_names import MEAN_IMAGE, STATS
    from lrcn_data.inspecting.stats import compute_stats, write_stats

    from .progress import CountProgress

    refuse_look_at_without("--findings", given=findings)
    folder = DataSetFolder(shards)
    progress = CountProgress("clips")
    with progress:
        stats, mean_image = compute_stats(
            shards,
            look_at=look_at if findings else 0,
            seed=seed,
            workers=workers,
            plugins=plugins,
            on_start=progress.start,
            on_clip=progress.advance,
        )
    written = False
    try:
        write_stats(folder, stats, mean_image)
        written = True
    except ShardError as error:
        warn(f"{error}; {STATS} and {MEAN_IMAGE} were not written")
    if as_json:
        print_json(stats.as_record())
    else:
        _show(stats, pictures=findings)
        if written:
            print_result(f"written: {folder.at(STATS)}, {folder.at(MEAN_IMAGE)}")
    for line in stats.shared_groups:
        warn(f"{line}: test scores would be too good")


def _show(stats: Stats, *, pictures: bool) -> None:
    print_table(_split_table(stats))
    print_table(_class_table(stats))
    if stats.class_time is not None:
        print_table(_time_table(stats, stats.class_time))
    if stats.sets is not None:
        print_table(_set_table(stats.sets))
        sizes = ", ".join(f"{size} ({count:,})" for size, count in stats.sets.clips_by_size.items())
        print_result(f"classes a clip  {sizes} clips")
    if stats.findings:
        print_table(_finding_table(stats))
    if stats.rejects:
        print_table(_reject_table(stats))
    pixels = stats.pixels
    sizes = ", ".join(f"{size} ({count:,})" for size, count in stats.frame_sizes.items())
    exactness = "exact" if pixels.exact else "frames of other sizes were resized to it"
    if pixels.decoded_frames:
        exactness = f"{pixels.decoded_frames:,} of them summed up as decoded, not before JPEG"
    for name, text in (
        ("clips", f"{_length(stats)}, from {stats.fps} frames a second"),
        ("frame sizes", f"{sizes} clips"),
        ("looked at", _looked_at(stats, wanted=pictures)),
        (
            "mean image",
            f"{pixels.canvas[0]}x{pixels.canvas[1]} of {pixels.frames:,} frames"
            f" ({pixels.split}), {exactness}",
        ),
        ("channel mean", "  ".join(f"{value:.3f}" for value in pixels.mean) + "  (of 255)"),
        ("channel std", "  ".join(f"{value:.3f}" for value in pixels.std or ())),
    ):
        print_result(f"{name:<13} {text}")


def _length(stats: Stats) -> str:
    """How many frames a clip has."""
    if stats.lengths is None:
        return f"{stats.seq_len} frames each"
    least = min(lengths.least for lengths in stats.lengths.values())
    largest = max(lengths.largest for lengths in stats.lengths.values())
    return f"{least} to {largest} frames each (--seq-len {given_seq_len(stats.seq_len, WHOLE)})"


def _looked_at(stats: Stats, *, wanted: bool) -> str:
    """Of how many clips pictures were looked at."""
    if not wanted:
        return "records alone; --findings looks at pictures too"
    if stats.looked_at == 0:
        return "records alone, since the frames are no pictures as people see them"
    total = sum(split.clips for split in stats.splits.values())
    return f"the pictures of {stats.looked_at:,} of {total:,} clips"


def _table(title: str, first: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title)
    table.add_column(first, style="bold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _split_table(stats: Stats) -> Table:
    names = list(stats.splits)
    table = _table("splits", "", *names, "all")

    def add(name: str, values: list[int]) -> None:
        table.add_row(name, *(f"{value:,}" for value in [*values, sum(values)]))

    for name, attribute in (
        ("videos", "videos"),
        ("clips", "clips"),
        ("frames", "frames"),
        ("shards", "shards"),
        ("bytes", "bytes"),
        ("too short", "skipped"),
        ("failed", "failed"),
    ):
        add(name, [getattr(split, attribute) for split in stats.splits.values()])
    if any(split.frames != split.valid_frames for split in stats.splits.values()):
        add("padded frames", [split.frames - split.valid_frames for split in stats.splits.values()])
    for attribute in ("shortest", "median", "longest", "total"):
        values = [
            f"{getattr(stats.seconds[name], attribute):,.2f}" if name in stats.seconds else ""
            for name in names
        ]
        table.add_row(f"{attribute}, s", *values, "")
    lengths = stats.lengths or {}
    for attribute in ("least", "median", "largest") if lengths else ():
        values = [
            f"{getattr(lengths[name], attribute):,g}" if name in lengths else "" for name in names
        ]
        table.add_row(f"{attribute}, frames", *values, "")
    return table


def _class_table(stats: Stats) -> Table:
    """The clips of each class; of many classes only the most and the least frequent ones."""
    shown, title = _most_and_least(
        "clips by class", stats.classes, lambda row: sum(row.clips.values())
    )
    table = _table(title, "class", *stats.splits)
    for row in shown:
        table.add_row(_plain(row.name), *(f"{count:,}" for count in row.clips.values()))
    return table


def _time_table(stats: Stats, times: Sequence[ClassTime]) -> Table:
    """How long videos have each class; of many classes only the most and the least frequent."""
    *of_classes, unlabelled = times
    shown, title = _most_and_least(
        "seconds by class, and of a segment", of_classes, lambda row: sum(row.seconds.values())
    )
    splits = list(stats.splits)
    table = _table(title, "class", *splits, "segments", "least", "median", "most")
    for row in (*shown, unlabelled):
        lengths = (row.shortest, row.median, row.longest)
        table.add_row(
            "unlabelled" if row.name is None else _plain(row.name),
            *(f"{row.seconds.get(split, 0):,.1f}" for split in splits),
            f"{sum(row.segments.values()):,}" if row.segments else "",
            *("" if length is None else f"{length:,.2f}" for length in lengths),
        )
    return table


def _most_and_least(
    title: str, rows: Sequence[Row], amount: Callable[[Row], float]
) -> tuple[Sequence[Row], str]:
    """The rows of all classes, or of many the most and the least frequent ones; and a title."""
    if len(rows) <= _CLASSES_SHOWN:
        return rows, title
    half = _CLASSES_SHOWN // 2
    ranked = sorted(rows, key=lambda row: -amount(row))
    title += f": the {half} most and the {half} least frequent of {len(ranked)}"
    return [*ranked[:half], *ranked[-half:]], title


def _set_table(sets: SetStats) -> Table:
    """The most frequent sets of classes."""
    title = "sets of classes"
    if sets.different > len(sets.most_frequent):
        title += f": the {len(sets.most_frequent)} most frequent of {sets.different:,}"
    table = _table(title, "classes", "clips")
    for names, count in sets.most_frequent:
        table.add_row(_plain(", ".join(names)) or "none", f"{count:,}")
    return table


def _finding_table(stats: Stats) -> Table:
    table = _table("findings", "finding", "clips", "of")
    table.add_column("most of all")
    for found in stats.findings:
        worst = found.examples[0]
        table.add_row(
            found.name,
            f"{found.clips:,}",
            f"{found.looked_at:,}",
            _plain(f"{worst.video}: {worst.detail}"),
        )
    return table


def _reject_table(stats: Stats) -> Table:
    from lrcn_data.reasons import MEANINGS

    table = _table("entries without clips, or not all", "reason", *stats.splits)
    table.add_column("meaning")
    for reason, counts in stats.rejects.items():
        cells = [f"{counts.get(split, 0):,}" for split in stats.splits]
        table.add_row(_plain(reason), *cells, MEANINGS.get(reason, ""))
    return table


def _plain(text: str) -> str:
    from rich.markup import escape

    from lrcn_data.printable import show

    return escape(show(text))
