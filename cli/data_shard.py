"""`lrcn-data shard`: videos to WebDataset shards."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.format.file_names import REJECTED
from lrcn_data.format.frame_kinds import FRAME_KINDS
from lrcn_data.format.shard_patterns import shards_of
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.plugins import is_plugin
from lrcn_data.reasons import remedy_of
from lrcn_data.sampling.samplings import SAMPLINGS
from lrcn_data.sampling.seq_len import BOUND, SHORT_RULES

from .command import Command
from .options import (
    LIST,
    LOCATION,
    BytesType,
    KindType,
    RateType,
    SeqLenType,
    SizeType,
    debug_option,
    decoder_option,
    json_option,
    log_option,
    max_hours_option,
    one_class_option,
    picture_rate_option,
    root_option,
    seed_option,
    workers_option,
)
from .output import print_json, print_next, print_result, print_table, say, warn
from .terminated import TERMINATED, Terminated, sigterm_interrupts

if TYPE_CHECKING:
    from lrcn_data.format.data_set_folder import DataSetFolder
    from lrcn_data.making.make_shards import ShardMaking
    from lrcn_data.making.run import RunResult


@click.command(
    cls=Command,
    name="shard",
    goes_on=True,
    short_help="Turn videos into WebDataset shards of frame sequences.",
    groups={
        "Videos": (
            *("train", "val", "test", "classes", "root", "label_base", "multi_label"),
            *("allow_leakage", "allow_one_class", "check_content"),
        ),
        "Clips": ("fps", "seq_len", "sampling", "stride", "clips", "short", "seed"),
        "Shards": (
            *("out", "size", "quality", "frame_kind", "mean_size", "videos_per_shard"),
            *("shard_bytes", "append", "overwrite"),
        ),
        "Decoding": (
            *("decoder", "check", "timeout", "max_hours", "salvage", "max_bad_fraction"),
            *("retry_failed", "picture_rate", "allow_demuxer", "allow_decoder"),
        ),
        "Running": ("workers", "executor", "part", "finish", "dry_run"),
    },
    examples=(
        "lrcn-data shard --fps 5 --seq-len 8",
        "lrcn-data shard --train train.txt --root videos --sampling windows --stride 4",
        "lrcn-data shard --dry-run",
        "lrcn-data shard --modality flow --out flow",
        "lrcn-data shard --append",
        'lrcn-data shard --part "$SLURM_ARRAY_TASK_ID/100"',
    ),
)
@click.option("--train", type=LIST, show_default="train.txt", help="The list of training videos.")
@click.option("--val", type=LIST, show_default="val.txt", help="The list of validation videos.")
@click.option("--test", type=LIST, show_default="test.txt", help="The list of test videos.")
@click.option(
    "--classes",
    type=LIST,
    show_default="classes.txt or classInd.txt in the lists' folder",
    help="A file with the class names, one on each line, or as `number name` as in UCF-101.",
)
@root_option("The folder or URL that the paths in the lists are relative to.", kind=LOCATION)
@click.option(
    "--out",
    type=LOCATION,
    default="shards",
    show_default=True,
    help="The folder to write the data set into, or a URL such as s3://bucket/shards.",
)
@click.option(
    "--fps",
    type=RateType(),
    default="5",
    show_default=True,
    help="The number of frames per second of video that clips are sampled from.",
)
@click.option(
    "--seq-len",
    type=SeqLenType(),
    default=8,
    show_default=True,
    help=f"The number of frames in a clip. max: all frames that a video has, up to {BOUND}, or with"
    " max:32 up to 32, so that clips differ in length; a longer video gives what that number gives,"
    " and none is too short.",
)
@click.option(
    "--sampling",
    type=KindType(SAMPLINGS),
    show_default="blocks; where labels are in time windows",
    help="Which frames make a clip. blocks: the video is divided into --seq-len blocks, and one"
    " random frame of each is taken. center: the middle frame of each block. windows: consecutive"
    " frames, a new clip starting every --stride frames. Or a sampling of your own, named"
    " package.module:Class.",
)
@click.option(
    "--stride",
    type=click.IntRange(1),
    show_default="half of --seq-len; for labels in time all of it, unless windows are named",
    help="The number of frames from the start of one window to the start of the next.",
)
@click.option(
    "--clips",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="The number of clips drawn independently from each video; for --sampling blocks only.",
)
@click.option(
    "--short",
    type=click.Choice(SHORT_RULES),
    show_default="skip; where labels are in time pad",
    help="What to do with videos that have fewer than --seq-len frames. skip: leave them out."
    " loop: start them again from their first frame. pad: repeat their last frame.",
)
@click.option(
    "--size",
    type=SizeType(native=True),
    default="native",
    show_default=True,
    help="The size of the stored frames; native keeps that of each video.",
)
@click.option(
    "--mean-size",
    type=SizeType(),
    show_default="--size, or 320x240 if that is native",
    help="The size of the canvas on which pixels are summed up for the mean image.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=90,
    show_default=True,
    help="The JPEG quality of the stored frames.",
)
@click.option(
    "--frame-kind",
    "--modality",
    "frame_kind",
    type=KindType(FRAME_KINDS),
    default="rgb",
    show_default=True,
    help="What is stored of each frame, as a JPEG: rgb, its colours, or flow, its optical flow to"
    " the video's next frame (needs OpenCV: pip install 'lrcn[flow]'). Or a kind of your own, named"
    " package.module:Class. --modality is another name of the option.",
)
@click.option(
    "--label-base",
    type=click.IntRange(0, 1),
    show_default="found out from the lists and --classes",
    help="The number that the lists give to the first class.",
)
@click.option(
    "--multi-label",
    is_flag=True,
    help="Take several labels a video: with commas between them (a.mp4 walk,talk), or in several"
    " lines; - stands for none of the classes.",
)
@click.option(
    "--allow-leakage",
    is_flag=True,
    help="Allow lists that have a video, or videos of one recording, in two splits.",
)
@one_class_option
@click.option(
    "--check-content",
    is_flag=True,
    help="Refuse lists that name two files of the same content; this reads all files of equal"
    " size.",
)
@click.option(
    "--check",
    type=click.Choice(["auto", "full"]),
    default="auto",
    show_default=True,
    help="How thoroughly videos are checked. auto: decode only what the clips need, unless"
    " something looks suspicious. full: decode everything, strictly.",
)
@click.option(
    "--videos-per-shard",
    type=click.IntRange(1),
    show_default="a hundredth of the split, from 8 to 1,000",
    help="The largest number of videos in a shard.",
)
@click.option(
    "--shard-bytes",
    type=BytesType(),
    default="256MiB",
    show_default=True,
    help="The largest size of a tar; what doesn't fit goes into further tars of the same shard.",
)
@workers_option(
    "The number of processes that make shards; 0 makes them in this process, which a video that"
    " crashes the decoder would end.",
    default="the cores allowed",
    least=0,
)
@click.option(
    "--executor",
    default="local",
    show_default=True,
    type=KindType(EXECUTORS),
    help="What has the shards made: local, --workers at a time on this machine; slurm, an array of"
    " --workers Slurm jobs; ray, or ray:ADDRESS, tasks of a Ray cluster (docs/many-machines.md); or"
    " an executor of your own, named package.module:name.",
)
@seed_option("The seed of the random choice of frames and of the order of the videos.")
@decoder_option
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    help="The longest time that one video may take, in seconds.",
)
@max_hours_option
@click.option(
    "--max-bad-fraction",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="The share of the videos that may fail before the exit code is 1; those that are too short"
    " don't count as failed.",
)
@click.option(
    "--salvage",
    is_flag=True,
    help="Keep the clips of a damaged video's part before the first sign of damage, or from the"
    " first keyframe on where it begins between keyframes; for --decoder av only.",
)
@picture_rate_option(
    "Take folders of numbered pictures in the lists for videos of this many pictures a second."
)
@click.option(
    "--allow-demuxer",
    multiple=True,
    metavar="NAME",
    help="Allow a container format beside the usual ones, by its name in libavformat; may be given"
    " several times.",
)
@click.option(
    "--allow-decoder",
    multiple=True,
    metavar="NAME",
    help="Allow a video decoder beside the usual ones, by its name in libavcodec; may be given"
    " several times.",
)
@click.option(
    "--retry-failed", is_flag=True, help="Try again to read the videos that failed before."
)
@click.option(
    "--append",
    is_flag=True,
    help="Add the videos that the lists have and the data set does not, in new shards; those that"
    " are there stay as they are. The lists need the old lines too; new classes come after the old"
    " ones.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace a data set that was made with other options or lists; with --append, only an"
    " unfinished append of others.",
)
@click.option(
    "--part",
    metavar="I/N",
    help="Make only part I of N of the shards, beside jobs that make the others with the same"
    " options, on any machines that see the same folder or store. I counts from 0 or from 1. The"
    " part that is done last finishes the data set.",
)
@click.option(
    "--finish",
    is_flag=True,
    help="Make no shard, but finish the data set that parts have made, or say what it lacks.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, but write nothing.")
@json_option
@log_option
@debug_option
def command(*, out: str, dry_run: bool, as_json: bool, **values: Any) -> None:
    """Turn videos into WebDataset shards of sampled frame sequences.

    A list has one line for each video: its path, and its class as a number or a name; or it is a
    CSV file, with or without names of columns, such as path,label. A CSV file with the columns
    video,start,end,label (seconds) or video,start_frame,end_frame,label (frames from 0; the end is
    no longer in it) has labels in time. Without options, those of train.txt, val.txt and test.txt
    that exist in the current folder are taken. UCF-101's official lists are taken as they are, with
    the classInd.txt beside them. With --multi-label a video may have several classes. If a run was
    stopped, the same command goes on from there. Lines that are added to the lists later are
    sharded by --append.
    """
    from lrcn_data.making.make_shards import prepare_shards

    making = prepare_shards(out, **values)
    for sentence in making.warnings:
        warn(sentence)
    if dry_run:
        _dry_run(making, as_json=as_json)
        return
    with _orderly_sigterm():
        result = _write(making)
    if making.run.append and not result.appended:
        say(_NOTHING_NEW.format(folder=making.folder))
    _show(result, making.folder, salvage=values["salvage"], as_json=as_json)
    if result.repeated:
        warn(
            f"{result.repeated} videos have fewer frames a second than --fps"
            f" {making.options.clip.fps}; their frames repeat"
        )
    for sentence in result.labels_in_time.sentences() if result.labels_in_time else ():
        warn(sentence)
    making.refuse_many_failures(result)
    if not result.complete:
        say("this part is done; the data set is whole once the other parts are")
        return
    splits = {entry.split for entry in making.lists.entries}
    if not as_json and "train" in splits:
        print_next(_next_command(out, splits, making.options.frame_kind))


_NOTHING_NEW = "{folder} has all videos of the lists already; there is nothing to append"


def _next_command(out: str, splits: Container[str], frame_kind: str) -> str:
    """The command that trains on the shards."""
    words = ["lrcn-train", "--shards", shards_of(out, "train")]
    if "val" in splits:
        words += ["--val-shards", shards_of(out, "val")]
    if is_plugin(frame_kind):
        words += ["--frame-kind", frame_kind]
    return shlex.join(words)


@contextmanager
def _orderly_sigterm() -> Iterator[None]:
    with sigterm_interrupts():
        try:
            yield
        except Terminated:
            say("terminated; the same command goes on from here")
            raise click.exceptions.Exit(TERMINATED) from None


def _write(making: ShardMaking) -> RunResult:
    from .progress import CountProgress

    with CountProgress("videos") as progress:
        return making.write(on_start=progress.start, on_video=lambda report: progress.advance())


def _dry_run(making: ShardMaking, *, as_json: bool) -> None:
    from lrcn_data.machine import usable_cores

    EXECUTORS.load(making.run.executor)
    lists, plan = making.lists, making.plan()
    left = plan.videos_left
    guess = making.estimate(plan)
    workers = usable_cores() if making.run.workers is None else max(1, making.run.workers)
    if as_json:
        print_json(
            {
                "videos": len(lists.entries),
                "classes": len(lists.classes),
                "shards": len(plan.shards),
                "shards_left": len(plan.left),
                "videos_new": plan.videos_new,
                "videos_left": left,
                "sampled": guess.sampled,
                "estimated_bytes": guess.bytes,
                "estimated_seconds": guess.seconds / workers,
                "fingerprint": plan.portions[-1].fingerprint,
            }
        )
        return
    if making.run.append and not plan.videos_new:
        print_result(_NOTHING_NEW.format(folder=making.folder))
        return
    new = f", {plan.videos_new:,} of them new," if making.run.append else ""
    print_result(
        f"{len(lists.entries):,} videos{new} of {len(lists.classes)} classes would go into"
        f" {len(plan.shards)} shards in {making.folder}; {len(plan.left)} shards with {left:,}"
        " videos are left to write"
    )
    print_result(
        f"about {guess.bytes / 1e6:,.0f} MB and {guess.seconds / workers:,.0f} s with {workers}"
        f" workers, by {guess.sampled} of the videos"
    )


def _show(result: RunResult, folder: DataSetFolder, *, salvage: bool, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(result), "out": folder.location})
        return
    from rich.table import Table

    rate = result.videos_done / result.seconds if result.seconds else 0.0
    appended = f" ({result.appended:,} appended now)" if result.appended else ""
    table = Table(show_header=False, title=folder.location)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, value in (
        ("videos", f"{result.videos:,}{appended}"),
        ("clips", f"{result.clips:,}"),
        ("frames", f"{result.frames:,}"),
        ("shards", f"{result.shards:,} ({result.shards_done:,} written now)"),
        ("bytes", f"{result.bytes:,}"),
        ("skipped as too short", f"{result.skipped:,}"),
        ("failed", f"{result.failed:,}"),
        ("seconds", f"{result.seconds:.1f}"),
        ("videos/s", f"{rate:.1f}"),
    ):
        table.add_row(name, value)
    print_table(table)
    if result.reasons:
        reasons = ", ".join(f"{count} {reason}" for reason, count in result.reasons.items())
        where = folder.at(REJECTED) if result.complete else "rejected"
        say(f"{where}: {reasons}")
    for reason in result.reasons:
        if remedy := remedy_of(reason, salvage=salvage):
            say(remedy)
