"""What the commands that make data sets from data sets have in common: options, and the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lrcn_data.format.shard_patterns import shards_of
from lrcn_data.printable import count_of

from .options import LOCATION
from .output import print_json, warn

if TYPE_CHECKING:
    from lrcn_data.joining.join import JoinResult

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

out_option = click.option(
    "--out", "-o", type=LOCATION, required=True, help="The folder or URL to write into."
)


def show_joined(result: JoinResult, *, as_json: bool) -> None:
    """Print what a data set came to that was made from others."""
    for sentence in result.similar_classes:
        warn(sentence)
    if as_json:
        print_json(asdict(result))
        return
    for split, clips in result.clips.items():
        videos = count_of(result.videos[split], "video")
        click.echo(f"{split}: {count_of(clips, 'clip')} of {videos}")
    click.echo(
        f"{count_of(result.classes, 'class', 'classes')}; {result.unchanged:,} of"
        f" {count_of(result.shards, 'tar')} as they were"
    )
    if result.left_out:
        click.echo(f"left out: {count_of(result.left_out, 'clip')} that another data set has too")
    if result.entries_left_out:
        videos = count_of(result.entries_left_out, "video")
        click.echo(f"left out: {videos} without clips that another data set has too")
    if result.other_keys:
        click.echo(f"{count_of(result.other_keys, 'clip')} got another key, as theirs was taken")
    click.echo(f"mean image: of {result.summed_frames:,} frames{_decoded(result)}")
    click.echo(f"written: {result.folder}")
    splits = {"train": "--shards", "val": "--val-shards"}
    words = [f"{splits[s]} '{shards_of(result.folder, s)}'" for s in splits if s in result.clips]
    if "train" in result.clips:
        click.echo(f"next: lrcn-train {' '.join(words)}")


def _decoded(result: JoinResult) -> str:
    if not result.decoded_frames:
        return ", as they were before they were encoded"
    whose = (
        "as"
        if result.decoded_frames == result.summed_frames
        else (f"{result.decoded_frames:,} of them as")
    )
    return f", {whose} they are decoded from the shards"
