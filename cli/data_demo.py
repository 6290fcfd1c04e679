"""`lrcn-data demo`: the generated data set."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

import click

from .command import Command
from .options import FOLDER, debug_option, json_option, seed_option, workers_option
from .output import print_json, print_next, print_result


@click.command(
    cls=Command,
    name="demo",
    goes_on=True,
    short_help="Make a small data set of generated videos.",
    groups={
        "Videos": ("train_videos", "val_videos", "test_videos", "in_time", "seed"),
        "Running": ("workers", "overwrite"),
    },
    examples=(
        "lrcn-data demo",
        "lrcn-data demo tiny --train-videos 60 --val-videos 12",
        "lrcn-data demo timed --in-time",
    ),
)
@click.argument("folder", type=FOLDER, default="demo")
@click.option(
    "--train-videos",
    type=click.IntRange(0),
    show_default="1200, or 300 with --in-time",
    help="The number of training videos.",
)
@click.option(
    "--val-videos",
    type=click.IntRange(0),
    show_default="120, or 40 with --in-time",
    help="The number of validation videos.",
)
@click.option(
    "--test-videos",
    type=click.IntRange(0),
    show_default="240, or 80 with --in-time",
    help="The number of test videos.",
)
@click.option(
    "--in-time",
    is_flag=True,
    help="Make videos that show several actions in a row, some with pauses between them, and lists"
    " that say from when to when each lasts: train.csv, val.csv and test.csv.",
)
@seed_option("The seed of everything that is drawn at random in the videos.")
@workers_option("The number of processes that draw and encode.", default="the cores allowed")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace videos that were generated with other options.",
)
@json_option
@debug_option
def command(
    *,
    folder: Path,
    train_videos: int | None,
    val_videos: int | None,
    test_videos: int | None,
    in_time: bool,
    seed: int,
    workers: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make a small data set of generated videos in FOLDER (default: demo).

    A textured shape moves along x, along y, or changes its size, before a moving, noisy background.
    Each of the three is a pair of classes, one being the other played backwards: no single frame
    tells the two apart. If a run was stopped, the same command goes on from there.
    """
    from lrcn_data.demo.data_set import COUNTS, DemoOptions, write_demo

    from .progress import CountProgress

    given = {"train": train_videos, "val": val_videos, "test": test_videos}
    counts = {split: COUNTS[in_time][split] if n is None else n for split, n in given.items()}
    options = DemoOptions(**counts, seed=seed, in_time=in_time)
    progress = CountProgress("videos")
    with progress:
        videos = write_demo(
            folder,
            options,
            workers=workers,
            overwrite=overwrite,
            on_start=progress.start,
            on_video=progress.advance,
        )
    made = Counter(video.split for video in videos)
    if as_json:
        print_json({"folder": str(folder), "videos": made})
        return
    lists = {split: f"{split}.csv" if in_time else f"{split}.txt" for split in made}
    for split, count in made.items():
        print_result(f"{folder / lists[split]}: {count:,} videos")
    shard = ["lrcn-data", "shard", "--fps", "5", "--seq-len", "32" if in_time else "8"]
    print_next(f"cd {shlex.quote(str(folder))} && {shlex.join(shard)}")
