"""`lrcn-data preview`: a picture of clips or of rejected videos, or a page of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.splits import SPLITS

from .many_values import ManyValuesCommand
from .options import (
    FILE,
    LOCATION,
    PLACE,
    debug_option,
    frame_kind_option,
    json_option,
    look_at_option,
    refuse_look_at_without,
    root_option,
    seed_option,
)
from .output import print_json, print_result, warn

_PAGE = "preview.html"
_PICTURE = Path("preview.png")

_NOT_WITH_HTML = {
    "split": "--split",
    "clips": "--clips",
    "only": "--only",
    "rejected": "--rejected",
    "keys": "--keys",
}
_NOT_WITH_REJECTED = {"per_class": "--per-class", "only": "--only", "keys": "--keys"}
"""The options of a sheet of clips, which the page and the sheet of rejected videos have no use for,
by the names of their values."""


@click.command(
    cls=ManyValuesCommand,
    name="preview",
    short_help="Draw a contact sheet of clips, or make a page of a data set.",
    groups={
        "Clips": ("split", "clips", "per_class", "only", "seed", "plugins"),
        "Rejected videos": ("rejected", "root"),
        "Picture": ("out", "keys"),
        "Page": ("html", "look_at"),
    },
    examples=(
        "lrcn-data preview",
        "lrcn-data preview my-shards --split test --per-class 3",
        "lrcn-data preview --only walk/a.mp4 train-0000017-b-0",
        "lrcn-data preview --rejected --root videos",
        "lrcn-data preview --html",
    ),
)
@click.argument("shards", nargs=-1, type=PLACE)
@click.option(
    "--out",
    type=FILE,
    show_default="preview.png",
    help="The picture file to write.",
)
@click.option("--split", type=click.Choice(SPLITS), help="Show only clips of this split.")
@click.option(
    "--clips",
    type=click.IntRange(1),
    show_default="12, or all of --per-class or --only",
    help="The largest number of clips, or of rejected videos, in the picture.",
)
@click.option(
    "--per-class",
    type=click.IntRange(1),
    help="The largest number of clips of each class; on a page 4 by default, or fewer if there are"
    " many classes.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME...",
    help="Show these clips only: keys of samples, or paths of videos as their list has them, or the"
    " last parts of these.",
)
@click.option(
    "--rejected",
    is_flag=True,
    help="Show the videos that gave no clip instead: their last good frames, which are decoded"
    " anew, and the reason.",
)
@root_option("The folder or URL in which rejected videos are looked for.", kind=LOCATION)
@click.option("--keys", is_flag=True, help="Write each sample's key beside its frames.")
@click.option(
    "--html",
    type=FILE,
    is_flag=False,
    flag_value=_PAGE,
    metavar="[FILE]",
    help="Make a page of the data set instead: balance, lengths, samples of all classes, rejected"
    f" videos, and what looks wrong. Without a name it is {_PAGE}.",
)
@look_at_option
@seed_option("The seed of the random choice of clips.")
@frame_kind_option
@json_option
@debug_option
def command(*, shards: tuple[str, ...], as_json: bool, **values: Any) -> None:
    """Draw clips of SHARDS (default: shards) below one another, each with its frames and times.

    SHARDS are a folder, or shards as `lrcn-train` takes them. Every class gets the same number of
    clips, as far as it has them; frames that only repeat the last one of a short video are dimmed.
    With --html the page is one file, which needs no network.
    """
    refuse_look_at_without("--html", given=values["html"] is not None)
    places = list(shards) or ["shards"]
    if values["html"] is not None:
        if values["out"]:
            raise UsageError(f"--out names a picture; name the page with --html {values['out']}")
        _refuse(values, _NOT_WITH_HTML, "--html, which shows the data set as a whole")
        _make_page(places, values, as_json=as_json)
    elif values["rejected"]:
        _refuse(values, _NOT_WITH_REJECTED, "--rejected, which shows videos without clips")
        _draw_rejected(places, values, as_json=as_json)
    else:
        _draw_clips(places, values, as_json=as_json)


def _refuse(values: Mapping[str, Any], others: Mapping[str, str], what: str) -> None:
    """Refuse options that another one has no use for."""
    for name, option in others.items():
        if values[name] not in (None, False, ()):
            raise UsageError(f"{option} doesn't go with {what}; leave it out")


def _draw_clips(shards: list[str], values: Mapping[str, Any], *, as_json: bool) -> None:
    from lrcn_data.inspecting.preview import draw_preview

    names = ("split", "clips", "per_class", "only", "keys", "seed", "plugins")
    found = draw_preview(shards, **{name: values[name] for name in names})
    out = values["out"] or _PICTURE
    _save(found.picture, out)
    if found.without_font:
        warn(found.without_font)
    if as_json:
        print_json({"file": str(out), "keys": found.keys})
    else:
        width, height = found.picture.size
        print_result(f"{out}: {len(found.keys)} clips, {width}x{height} pixels")


def _draw_rejected(shards: list[str], values: Mapping[str, Any], *, as_json: bool) -> None:
    from lrcn_data.inspecting.rejected_preview import draw_rejected

    from .progress import CountProgress

    progress = CountProgress("videos")
    with progress:
        found = draw_rejected(
            shards,
            root=values["root"],
            split=values["split"],
            videos=values["clips"],
            seed=values["seed"],
            on_start=progress.start,
            on_video=progress.advance,
        )
    out = values["out"] or _PICTURE
    _save(found.picture, out)
    if found.without_font:
        warn(found.without_font)
    if found.not_there:
        warn(
            f"{found.not_there} of {len(found.videos)} videos are not in --root {values['root']};"
            " name the folder that the paths in the lists are relative to"
        )
    if as_json:
        print_json({"file": str(out), "videos": found.videos, "rejected": found.total})
    else:
        width, height = found.picture.size
        shown = f"{len(found.videos)} of {found.total:,} rejected videos"
        all_of_them = (
            f"; --clips {found.total} shows all" if len(found.videos) < found.total else ""
        )
        print_result(f"{out}: {shown}, {width}x{height} pixels{all_of_them}")


def _make_page(shards: list[str], values: Mapping[str, Any], *, as_json: bool) -> None:
    from lrcn_data.inspecting.data_page import PageOptions, make_data_page

    from .progress import CountProgress

    if len(shards) > 1:
        raise UsageError(f"--html describes one data set, got {len(shards)} names; name one folder")
    names = ("per_class", "look_at", "seed", "root")
    options = PageOptions(**{name: values[name] for name in names})
    progress = CountProgress("clips")
    with progress:
        page = make_data_page(
            shards[0],
            options,
            plugins=values["plugins"],
            on_start=progress.start,
            on_clip=progress.advance,
        )
    file, stats = values["html"], page.stats
    text = page.html.encode(errors="backslashreplace")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    except OSError as error:
        raise LrcnError(f"--html {file} can't be written: {error}") from error
    if as_json:
        record = stats.as_record()
        print_json(
            {
                "file": str(file),
                "bytes": len(text),
                "looked_at": stats.looked_at,
                "findings": record["findings"],
            }
        )
        return
    print_result(
        f"{file}: {len(text) / 1e3:,.0f} kB, pictures of {stats.looked_at:,} clips looked at"
    )
    for found in stats.findings:
        print_result(f"  {found.name}: {found.clips:,} of {found.looked_at:,} clips")


def _save(picture: Any, out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        picture.save(out)
    except (OSError, ValueError) as error:
        raise LrcnError(f"--out {out} can't be written: {error}") from error
