"""`lrcn-data demo`: the generated data set."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

import click

from .command import Command
from .options import FOLDER, debug_option, json_option, seed_option, workers_option
from .output import print_json


@click.command(
    cls=Command,
    name="demo",
    short_help="Make a small data set of generated videos.",
    groups={
        "Videos": ("train_videos", "val_videos", "test_videos", "seed"),
        "Running": ("workers", "overwrite"),
    },
    examples=("lrcn-data demo", "lrcn-data demo tiny --train-videos 60 --val-videos 12"),
)
@click.argument("folder", type=FOLDER, default="demo")
@click.option(
    "--train-videos",
    type=click.IntRange(0),
    default=1200,
    show_default=True,
    help="The number of training videos.",
)
@click.option(
    "--val-videos",
    type=click.IntRange(0),
    default=120,
    show_default=True,
    help="The number of validation videos.",
)
@click.option(
    "--test-videos",
    type=click.IntRange(0),
    default=240,
    show_default=True,
    help="The number of test videos.",
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
    train_videos: int,
    val_videos: int,
    test_videos: int,
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
    from lrcn_data.demo.data_set import DemoOptions, write_demo

    from .progress import CountProgress

    options = DemoOptions(train=train_videos, val=val_videos, test=test_videos, seed=seed)
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
    counts = Counter(video.split for video in videos)
    if as_json:
        print_json({"folder": str(folder), "videos": counts})
        return
    for split, count in counts.items():
        click.echo(f"{folder / split}.txt: {count:,} videos")
    click.echo(f"next: cd {shlex.quote(str(folder))} && lrcn-data shard --fps 5 --seq-len 8")
