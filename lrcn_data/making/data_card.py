"""The data set card: a data set's README.md, for people and for the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Iterator

from lrcn_data.format.frame_kinds import RGB_FRAMES, load_frame_kind
from lrcn_data.format.manifest import Manifest
from lrcn_data.making.hub_features import hub_features
from lrcn_data.plugins import is_plugin
from lrcn_data.printable import count_of, show
from lrcn_data.sampling.samplings import describe_recorded
from lrcn_data.splits import SPLITS

_HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""The hub's name for each of our splits."""


def data_card(manifest: Manifest) -> str:
    """Write the card as Markdown, with the front matter by which the hub finds the splits.

    The text depends on the manifest alone, so equal data sets have equal cards.
    """
    lines = [
        *_front_matter(manifest),
        "",
        "# Sampled video clips",
        "",
        f"{_clips(manifest)} of {count_of(len(manifest.classes), 'class', 'classes')}, made by"
        f" {_maker(manifest)}.",
        f"A clip has {_length(manifest)}: {describe_recorded(manifest.options)},"
        f" taken at {manifest.fps} frames a second.",
        "The tars are WebDataset shards in the format `lrcn-shards`, version 1.",
        "",
        *_split_table(manifest),
        "",
        f"A sample's members are its frames ({_frames(manifest)}, in time order),"
        f" {_label(manifest)} and `KEY.json`",
        "(where the clip comes from).",
        *_in_time(manifest),
        "",
        "## Options",
        "",
        *(f"- {name}: {_option(value)}" for name, value in manifest.options.items()),
        f"- fingerprint: {manifest.fingerprint}",
        "",
        *_made_from(manifest),
        *_appends(manifest),
        "## Classes",
        "",
        *(f"    {number} {show(name)}" for number, name in enumerate(manifest.classes)),
    ]
    return "\n".join(lines) + "\n"


def _front_matter(manifest: Manifest) -> Iterator[str]:
    yield "---"
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    for split in SPLITS:
        shards = manifest.of_split(split)
        if not any(shard.samples for shard in shards):
            continue
        yield f"  - split: {_HUB_SPLITS[split]}"
        if all(shard.samples for shard in shards):
            yield f'    path: "{split}-*.tar"'
        else:  # readers that look into the first shard to see its members find none in an empty one
            yield "    path:"
            yield from (f'    - "{shard.file}"' for shard in shards if shard.samples)
    # the endings of a plug-in's frames are known to it alone
    if manifest.variable_length and not is_plugin(manifest.frame_kind):
        yield from hub_features(manifest)
    yield "task_categories:"
    yield "- video-classification"
    yield "tags:"
    yield "- webdataset"
    yield "- lrcn-shards"
    yield "---"


def _split_table(manifest: Manifest) -> Iterator[str]:
    yield "| split | shards | videos | clips | frames | bytes | too short | failed |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for split in SPLITS:
        shards = manifest.of_split(split)
        if shards:
            names = ("videos", "samples", "frames", "bytes", "skipped", "failed")
            sums = [sum(getattr(shard, name) for shard in shards) for name in names]
            yield f"| {split} | {' | '.join(f'{number:,}' for number in (len(shards), *sums))} |"


def _appends(manifest: Manifest) -> Iterator[str]:
    if not manifest.appends:
        return
    yield "## Appends"
    yield ""
    for append in manifest.appends:
        videos = ", ".join(f"{count:,} {split}" for split, count in append.videos.items())
        shards = count_of(sum(append.shards.values()), "shard")
        yield f"- {videos} videos in {shards}; fingerprint: {append.fingerprint}"
    yield ""


def _maker(manifest: Manifest) -> str:
    if not manifest.made_from:
        return "`lrcn-data shard`"
    several = len(manifest.made_from)
    return f"`lrcn-data merge` of {several}" if several > 1 else "`lrcn-data subset` of another"


def _made_from(manifest: Manifest) -> Iterator[str]:
    if not manifest.made_from:
        return
    yield "## Made from"
    yield ""
    for one in manifest.made_from:
        left_out = f", {one.left_out:,} left out that others have too" if one.left_out else ""
        yield f"- {count_of(one.samples, 'clip')}{left_out}; fingerprint: {one.fingerprint}"
        for name, value in one.options.items():
            yield f"    - {name}: {_option(value)}"
    for name, value in manifest.choice.items():
        shown = ", ".join(map(show, value)) if isinstance(value, list) else _option(value)
        yield f"- chosen by {name.replace('_', ' ')}: {shown}"
    if manifest.decoded_frames:
        yield f"- frames summed up as decoded for the mean image: {manifest.decoded_frames:,}"
    yield ""


def _length(manifest: Manifest) -> str:
    frames = count_of(manifest.seq_len, "frame")
    if manifest.variable_length:
        return f"all frames of its video, or of a longer one {frames}"
    return frames


def _clips(manifest: Manifest) -> str:
    return count_of(sum(shard.samples for shard in manifest.shards), "clip")


def _frames(manifest: Manifest) -> str:
    """How the members that hold frames are named.

    Only a plug-in itself knows the ending of its frames, and it is not imported for this.
    """
    if is_plugin(manifest.frame_kind):
        return f"as {manifest.frame_kind} encodes them, `KEY.000.` and so on"
    ending = load_frame_kind(manifest.frame_kind).ending
    what = "" if manifest.frame_kind == RGB_FRAMES else f", pictures of {manifest.frame_kind}"
    return f"`KEY.000.{ending}` and so on{what}"


def _label(manifest: Manifest) -> str:
    if manifest.multi_label:
        return "`KEY.classes.json` (list of its class numbers)"
    return "`KEY.cls` (class number)"


def _in_time(manifest: Manifest) -> Iterator[str]:
    if manifest.labels_in_time:
        yield ""
        yield "Labels are in time: `labels` in `KEY.json` has a class number a frame, -1 for none."
        yield "A clip has the class that most of its labelled frames have, -1 where all have none."


def _option(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_option(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "x".join(map(str, value))
    return "none" if value is None else str(value)
