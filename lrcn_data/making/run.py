"""A run of `lrcn-data shard`: what is done already, what is left, and the files of the whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lrcn_data.errors import LrcnError, ShardError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    DATA_CARD,
    MANIFEST,
    MEAN_IMAGE,
    META,
    REJECTED,
    STATS,
    ShardFiles,
)
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.lists.read_lists import Lists
from lrcn_data.machine import usable_cores
from lrcn_data.making.data_card import data_card
from lrcn_data.making.do_jobs import do_jobs
from lrcn_data.making.estimate import refuse_small_disk
from lrcn_data.making.executors import EXECUTORS, LOCAL
from lrcn_data.making.fingerprint import differences, plan_manifest, tool_versions
from lrcn_data.making.finished_shards import FinishedShards
from lrcn_data.making.isolated_work import Done
from lrcn_data.making.kept_videos import can_keep, kept_paths
from lrcn_data.making.plan import PlannedShard, plan_shards
from lrcn_data.making.same_inputs import refuse_leakage
from lrcn_data.making.settle import remove_parts, write_whole
from lrcn_data.making.shard_job import ShardJob, VideoReport, put_shard, write_shard
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.reasons import Reason
from lrcn_data.storage.atomic_file import write_failure

_DERIVED = (STATS, MEAN_IMAGE)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a run goes about its work; nothing here changes a byte of the data set.

    Attributes:
        executor: The name of the executor that has the shards written; see `executors.EXECUTORS`.
        workers: The number of shards that are written at a time, each by a process; None for as
            many as the cores that this process may use, 0 to write them in this process.
        max_bad_fraction: The largest fraction of the entries that may fail, from 0 to 1. Videos
            that are too short don't count as failed.
        retry_failed: Whether videos that failed in an earlier run are tried again.
        overwrite: Whether a data set of other options or lists is replaced.
        allow_leakage: Whether a video's file may be in two splits.

    Raises:
        UsageError: There can be no executor of that name, it has no use for 0 workers, or the
            fraction is none.
    """

    executor: str = "local"
    workers: int | None = None
    max_bad_fraction: float = 0.1
    retry_failed: bool = False
    overwrite: bool = False
    allow_leakage: bool = False

    def __post_init__(self) -> None:
        EXECUTORS.check(self.executor)
        if self.workers is not None and self.workers < 0:
            raise UsageError(f"--workers must be at least 0, got {self.workers}")
        if not 0 <= self.max_bad_fraction <= 1:
            raise UsageError(f"--max-bad-fraction must be from 0 to 1, got {self.max_bad_fraction}")
        if self.workers == 0 and self.executor != LOCAL:
            raise UsageError(
                f"--workers 0 has shards written in this process, and goes with --executor {LOCAL},"
                f" not {self.executor}"
            )


@dataclass(slots=True)
class RunResult:
    """What a run came to. The numbers are of the whole data set unless they say "this run".

    Attributes:
        videos: The number of entries in all lists.
        clips: The number of samples in all shards.
        frames: The number of frames in all shards.
        bytes: The size of all tars together in bytes.
        skipped: The number of entries that were too short.
        failed: The number of entries that gave no clip for any other reason.
        partial: The number of entries of which only some clips were kept.
        seconds: The time in seconds that this run took.
        videos_done: The number of videos that this run read; one that was read again after a
            worker's death counts each time.
        shards_done: The number of shards that this run wrote.
        shards: The number of shards in the data set.
        repeated: The number of videos read by this run that have fewer frames per second than
            --fps, so that frames repeat.
        reasons: The number of rejected entries by reason, the most frequent one first.
        bad_fraction: The number of failed and partial entries, divided by that of all entries.
    """

    videos: int = 0
    clips: int = 0
    frames: int = 0
    bytes: int = 0
    skipped: int = 0
    failed: int = 0
    partial: int = 0
    seconds: float = 0.0
    videos_done: int = 0
    shards_done: int = 0
    shards: int = 0
    repeated: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    bad_fraction: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlan:
    """What a run would do.

    Attributes:
        shards: All shards of the data set.
        left: The shards that are not written yet, or in which failed videos are to be tried again.
        finished: The records of those shards in which only the failed videos are to be tried again,
            by the shard's name.
        manifest: The manifest of the data set, as yet without its shards.
    """

    shards: list[PlannedShard]
    left: list[PlannedShard]
    finished: dict[str, ShardRecord]
    manifest: Manifest

    @property
    def videos_left(self) -> int:
        """The number of videos that the run would read."""
        kept = sum(len(kept_paths(record)) for record in self.finished.values())
        return sum(len(shard.videos) for shard in self.left) - kept

    def is_summed(self, split: str) -> bool:
        """Whether the frames of a split are summed up for the mean image.

        They are those of the train split, or of all splits where there is none.
        """
        return split == "train" or "train" not in self.manifest.lists


def plan_run(
    lists: Lists, options: ShardOptions, run: RunOptions, folder: DataSetFolder
) -> RunPlan:
    """Compare what is wanted with what the folder holds, without changing anything.

    Args:
        lists: The lists of videos.
        options: The options that decide the data set's bytes.
        run: How the run goes about its work.
        folder: The data set's folder, which need not exist.

    Raises:
        LrcnError: The folder holds a data set of other options, lists or tools.
    """
    shards = plan_shards(
        lists.entries, seed=options.clip.seed, videos_per_shard=options.videos_per_shard
    )
    manifest = plan_manifest(lists, options, tool_versions(options))
    old = _read_manifest(folder)
    if old is None and not run.overwrite:
        _refuse_foreign_files(shards, folder)
    if old is not None and old.fingerprint != manifest.fingerprint:
        if not run.overwrite:
            what = "; ".join(differences(old, manifest)) or "it was written by another version"
            raise LrcnError(
                f"{folder} holds another data set: {what}; use another --out, or --overwrite"
            )
        return RunPlan(shards=shards, left=shards, finished={}, manifest=manifest)
    plan = RunPlan(shards=shards, left=[], finished={}, manifest=manifest)
    there = FinishedShards(folder, manifest.fingerprint)
    for shard in shards:
        record = there.record(shard.name, summed=plan.is_summed(shard.split))
        if record is None or (run.retry_failed and record.may_change):
            plan.left.append(shard)
            if record and can_keep(record):
                plan.finished[shard.name] = record
    return plan


def _refuse_foreign_files(shards: list[PlannedShard], folder: DataSetFolder) -> None:
    """Refuse to replace files of a folder that has no manifest to say that they are a data set's.

    Raises:
        LrcnError: There is a file that would be replaced.
    """
    there = set(folder.names())
    names = (DATA_CARD, REJECTED, *_DERIVED, *(ShardFiles(shard.name).tar for shard in shards))
    found = [name for name in names if name in there]
    if found:
        raise LrcnError(
            f"{folder} has no {MANIFEST}, but {', '.join(found[:3])}, which would be replaced; use"
            " another --out, or --overwrite"
        )


def write_data_set(
    lists: Lists,
    options: ShardOptions,
    run: RunOptions,
    *,
    root: Path,
    folder: DataSetFolder,
    on_start: Callable[[int, int], None],
    on_video: Callable[[VideoReport], None],
) -> RunResult:
    """Write all shards that are not there yet, then the files of the whole data set.

    Args:
        lists: The lists of the videos that go into the data set.
        options: The options that decide the data set's bytes.
        run: How the run goes about its work.
        root: The folder that the paths in the lists are relative to.
        folder: The data set's folder, which is made if it doesn't exist.
        on_start: Called once with the number of videos in all shards, and with the number that is
            still to be read.
        on_video: Called with the report of every video that is read.

    Raises:
        LrcnError: The folder holds another data set, another run is writing there, a split got no
            clip, or a video's file is in two splits.
        UsageError: The executor can't be imported, or there is no such store.
    """
    began = time.monotonic()
    workers = usable_cores() if run.workers is None else run.workers
    executor = EXECUTORS.load(run.executor)(max(1, workers))
    result = RunResult(videos=len(lists.entries))
    try:
        folder.make(META)
        with folder.lock(), folder.scratch(META) as scratch:
            plan = plan_run(lists, options, run, folder)
            refuse_small_disk(plan.left, options, root=root, folder=folder)
            result.shards = len(plan.shards)
            on_start(len(lists.entries), plan.videos_left)
            if plan.left:
                _start_anew(plan, folder)
            jobs = _jobs(plan, lists, options, root=root, folder=folder, scratch=scratch)
            shards = do_jobs(
                jobs,
                executor,
                work=write_shard,
                after=put_shard,
                timeout=options.clip.decode.timeout,
                in_process=workers == 0,
                on_video=on_video,
            )
            _count(shards, result)
            _finish(plan, options, folder, result, allow_leakage=run.allow_leakage)
    except OSError as error:
        raise write_failure(str(folder), error) from error
    result.seconds = time.monotonic() - began
    return result


def _jobs(
    plan: RunPlan,
    lists: Lists,
    options: ShardOptions,
    *,
    root: Path,
    folder: DataSetFolder,
    scratch: Path,
) -> list[ShardJob]:
    """Make a job for every shard that is left."""
    return [
        ShardJob(
            shard=shard,
            root=root,
            folder=folder,
            scratch=scratch,
            options=options,
            classes=lists.classes,
            fingerprint=plan.manifest.fingerprint,
            summed=plan.is_summed(shard.split),
            finished=plan.finished.get(shard.name),
            quarantine={},
        )
        for shard in plan.left
    ]


def _count(shards: Generator[Done[ShardRecord], None, None], result: RunResult) -> None:
    """Wait for all shards, and count them and their videos in the result as they are done."""
    with closing(shards):
        for done in shards:
            result.shards_done += 1
            result.videos_done += len(done.reports)
            result.repeated += sum(report.slow for report in done.reports)


def _read_manifest(folder: DataSetFolder) -> Manifest | None:
    try:
        return folder.read_manifest()
    except (ShardError, OSError) as error:
        raise LrcnError(f"{folder.at(MANIFEST)}: {error}; use another --out") from error


def _start_anew(plan: RunPlan, folder: DataSetFolder) -> None:
    """Mark the data set as incomplete, and remove files that are no longer true of it."""
    old = _read_manifest(folder)
    if old is not None and old.fingerprint != plan.manifest.fingerprint:
        # a run that is killed here finds the same folder to replace again
        folder.write_manifest(replace(old, complete=False))
        for name in folder.names(META):
            if name.endswith(".json"):
                _remove_shard(folder, name.removesuffix(".json"), old.fingerprint)
        folder.remove_whole()
    folder.write_manifest(plan.manifest)
    for name in _DERIVED:
        folder.delete(name)


def _remove_shard(folder: DataSetFolder, name: str, fingerprint: str) -> None:
    """Remove the files of a shard of this data set; leave files that only look like a shard's."""
    try:
        record = folder.read_record(name)
    except ShardError:
        return
    if record and record.fingerprint == fingerprint and record.entry.file == ShardFiles(name).tar:
        folder.remove_shard(name)


def _finish(
    plan: RunPlan,
    options: ShardOptions,
    folder: DataSetFolder,
    result: RunResult,
    *,
    allow_leakage: bool,
) -> None:
    """Write the files of the whole data set, from all shards' records; the manifest last."""
    records = _all_records(plan, folder)
    _add_up(list(records.values()), result)
    rejected = [
        dump_json_line(asdict(line)) for record in records.values() for line in record.rejected
    ]
    folder.write(REJECTED, b"".join(rejected))
    _refuse_empty_splits(plan, list(records.values()), folder)
    if not allow_leakage:
        refuse_leakage(records.values())
    summed = {shard.name: plan.is_summed(shard.split) for shard in plan.shards}
    layout = options.layout(len(plan.manifest.classes))
    write_whole(folder, records, summed=summed, canvas=options.canvas, layout=layout)
    entries = [entry for record in records.values() for entry in record.entries]
    summed_frames = sum(entry.frames for entry in entries if plan.is_summed(entry.split))
    manifest = replace(
        plan.manifest,
        complete=True,
        requires=_requires(plan.manifest, records.values()),
        shards=entries,
        mean_exact=sum(r.exact_frames for n, r in records.items() if summed[n]) == summed_frames,
    )
    folder.write(DATA_CARD, data_card(manifest).encode())
    folder.write_manifest(manifest)
    remove_parts(folder, records.values())


def _requires(manifest: Manifest, records: Iterable[ShardRecord]) -> list[str]:
    """What readers of the data set must understand."""
    needed = {
        "frame-kind": manifest.frame_kind != RGB_FRAMES,
        "multi-label": manifest.multi_label,
        "parts": any(r.parts for r in records),
    }
    return [name for name, is_needed in needed.items() if is_needed]


def _all_records(plan: RunPlan, folder: DataSetFolder) -> dict[str, ShardRecord]:
    """Read the records of all shards of the data set, by the shards' names and in their order.

    Raises:
        LrcnError: A shard is missing.
    """
    there = FinishedShards(folder, plan.manifest.fingerprint)
    records = {}
    for shard in plan.shards:
        record = there.record(shard.name, summed=plan.is_summed(shard.split))
        if record is None:
            tar = folder.at(ShardFiles(shard.name).tar)
            raise LrcnError(f"{tar} has vanished; run the same command again")
        records[shard.name] = record
    return records


def _add_up(records: list[ShardRecord], result: RunResult) -> None:
    """Fill in those numbers of the result that are of the whole data set."""
    entries = [entry for record in records for entry in record.entries]
    reasons = Counter(line.reason for record in records for line in record.rejected)
    result.clips = sum(entry.samples for entry in entries)
    result.frames = sum(entry.frames for entry in entries)
    result.bytes = sum(entry.bytes for entry in entries)
    result.skipped = sum(entry.skipped for entry in entries)
    result.failed = sum(entry.failed for entry in entries)
    result.reasons = dict(reasons.most_common())
    result.partial = reasons[Reason.PARTIAL]
    result.bad_fraction = (result.failed + result.partial) / max(1, result.videos)


def _refuse_empty_splits(plan: RunPlan, records: list[ShardRecord], folder: DataSetFolder) -> None:
    for split in plan.manifest.lists:
        if not any(record.entry.samples for record in records if record.entry.split == split):
            raise LrcnError(
                f"no video of the {split} list gave a clip; {folder.at(REJECTED)} says why of each"
                " (--short pad keeps short ones)"
            )
