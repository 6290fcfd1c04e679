"""A run of `lrcn-data shard`: what is done already, what is left, and the files of the whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.file_names import MANIFEST, META, REJECTED, ShardPaths
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.lists.read_lists import Lists
from lrcn_data.machine import usable_cores
from lrcn_data.making.data_card import data_card
from lrcn_data.making.do_jobs import do_jobs
from lrcn_data.making.estimate import refuse_small_disk
from lrcn_data.making.executor import Executor
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.making.fingerprint import differences, plan_manifest, tool_versions
from lrcn_data.making.kept_videos import can_keep, kept_paths
from lrcn_data.making.plan import PlannedShard, plan_shards
from lrcn_data.making.shard_job import ShardJob, VideoReport, write_shard
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.reasons import NOT_BAD, Reason
from lrcn_data.storage.atomic_file import remove_leftovers, write_atomically, write_failure
from lrcn_data.storage.folder_lock import run_lock

_DATA_CARD = "README.md"
_DERIVED = ("stats.json", "mean.png")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a run goes about its work; nothing here changes a byte of the data set.

    Attributes:
        executor: The name of the executor that has the shards written; see `executors.EXECUTORS`.
        workers: The number of shards that are written at a time, each by a process; None for as
            many as the cores that this process may use.
        max_bad_fraction: The largest fraction of the entries that may fail, from 0 to 1. Videos
            that are too short don't count as failed.
        retry_failed: Whether videos that failed in an earlier run are tried again.
        overwrite: Whether a data set of other options or lists is replaced.

    Raises:
        UsageError: There can be no executor of that name.
    """

    executor: str = "local"
    workers: int | None = None
    max_bad_fraction: float = 0.1
    retry_failed: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        EXECUTORS.check(self.executor)


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
class Todo:
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


def plan_run(lists: Lists, options: ShardOptions, run: RunOptions, folder: Path) -> Todo:
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
        return Todo(shards=shards, left=shards, finished={}, manifest=manifest)
    left, finished = [], {}
    for shard in shards:
        record = _done(ShardPaths(folder, shard.name), manifest.fingerprint)
        failed = record and any(line.reason not in NOT_BAD for line in record.rejected)
        if record is None or (run.retry_failed and failed):
            left.append(shard)
            if record and can_keep(record):
                finished[shard.name] = record
    return Todo(shards=shards, left=left, finished=finished, manifest=manifest)


def _refuse_foreign_files(shards: list[PlannedShard], folder: Path) -> None:
    """Refuse to replace files of a folder that has no manifest to say that they are a data set's.

    Raises:
        LrcnError: There is a file that would be replaced.
    """
    names = (_DATA_CARD, REJECTED, *_DERIVED, *(f"{shard.name}.tar" for shard in shards))
    found = [name for name in names if (folder / name).exists()]
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
    folder: Path,
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
        LrcnError: The folder holds another data set, another run is writing there, or a split got
            no clip.
        UsageError: The executor can't be imported.
    """
    began = time.monotonic()
    executor = EXECUTORS.load(run.executor)(run.workers or usable_cores())
    result = RunResult(videos=len(lists.entries))
    try:
        (folder / META).mkdir(parents=True, exist_ok=True)
        with run_lock(folder), _leftovers_removed(folder):
            todo = plan_run(lists, options, run, folder)
            refuse_small_disk(todo.left, options, root=root, folder=folder)
            result.shards = len(todo.shards)
            on_start(len(lists.entries), todo.videos_left)
            if todo.left:
                _start_anew(todo, folder)
            jobs = _jobs(todo, lists, options, root=root, folder=folder)
            timeout = options.clip.decode.timeout
            _write_shards(jobs, executor, result, timeout=timeout, on_video=on_video)
            _finish(todo, folder, result)
    except OSError as error:
        raise write_failure(str(folder), error) from error
    result.seconds = time.monotonic() - began
    return result


def _jobs(
    todo: Todo, lists: Lists, options: ShardOptions, *, root: Path, folder: Path
) -> list[ShardJob]:
    """Make a job for every shard that is left."""
    return [
        ShardJob(
            shard=shard,
            root=root,
            folder=folder,
            options=options,
            classes=lists.classes,
            fingerprint=todo.manifest.fingerprint,
            finished=todo.finished.get(shard.name),
            quarantine={},
        )
        for shard in todo.left
    ]


def _write_shards(
    jobs: list[ShardJob],
    executor: Executor,
    result: RunResult,
    *,
    timeout: float,
    on_video: Callable[[VideoReport], None],
) -> None:
    """Have the jobs done, and count shards and videos in the result as they are done."""
    shards = do_jobs(jobs, executor, work=write_shard, timeout=timeout, on_video=on_video)
    with closing(shards):
        for done in shards:
            result.shards_done += 1
            result.videos_done += len(done.reports)
            result.repeated += sum(report.slow for report in done.reports)


def _read_manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.from_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except ShardError as error:
        raise LrcnError(f"{folder}: {error}; use another --out") from error


def _done(paths: ShardPaths, fingerprint: str) -> ShardRecord | None:
    """The record of a shard that is already finished in this data set; None if it isn't."""
    try:
        record = ShardRecord.from_json(paths.record.read_bytes())
        whole = paths.tar.stat().st_size == record.entry.bytes
    except (OSError, ShardError):
        return None
    there = whole and paths.index.is_file() and paths.arrays.is_file()
    return record if there and record.fingerprint == fingerprint else None


def _start_anew(todo: Todo, folder: Path) -> None:
    """Mark the data set as incomplete, and remove files that are no longer true of it."""
    old = _read_manifest(folder)
    if old is not None and old.fingerprint != todo.manifest.fingerprint:
        # a run that is killed here finds the same folder to replace again
        write_atomically(folder / MANIFEST, replace(old, complete=False).to_json())
        for path in (folder / META).glob("*.json"):
            _remove_shard(ShardPaths(folder, path.stem), old.fingerprint)
    write_atomically(folder / MANIFEST, todo.manifest.to_json())
    for name in _DERIVED:
        (folder / name).unlink(missing_ok=True)


def _remove_shard(paths: ShardPaths, fingerprint: str) -> None:
    """Remove the files of a shard of this data set; leave files that only look like a shard's."""
    try:
        record = ShardRecord.from_json(paths.record.read_bytes())
    except (OSError, ShardError):
        return
    if record.fingerprint != fingerprint or record.entry.file != paths.tar.name:
        return
    # the record goes last: as long as it is there the shard can be told to be ours
    for path in (paths.tar, paths.index, paths.arrays, paths.record):
        path.unlink(missing_ok=True)


@contextmanager
def _leftovers_removed(folder: Path) -> Iterator[None]:
    _remove_all_leftovers(folder)
    try:
        yield
    finally:
        _remove_all_leftovers(folder)


def _remove_all_leftovers(folder: Path) -> None:
    for directory in (folder, folder / META):
        remove_leftovers(directory)


def _finish(todo: Todo, folder: Path, result: RunResult) -> None:
    """Write the rejected entries, the data card and the manifest, from all shards' records."""
    records = _all_records(todo, folder)
    _add_up(records, result)
    rejected = [dump_json_line(asdict(line)) for record in records for line in record.rejected]
    write_atomically(folder / REJECTED, b"".join(rejected))
    _refuse_empty_splits(todo, records, folder)
    manifest = replace(
        todo.manifest,
        complete=True,
        shards=[record.entry for record in records],
        mean_exact=sum(record.exact_frames for record in records) == result.frames,
    )
    write_atomically(folder / _DATA_CARD, data_card(manifest).encode())
    write_atomically(folder / MANIFEST, manifest.to_json())


def _all_records(todo: Todo, folder: Path) -> list[ShardRecord]:
    """Read the records of all shards of the data set.

    Raises:
        LrcnError: A shard is missing.
    """
    records = []
    for shard in todo.shards:
        record = _done(ShardPaths(folder, shard.name), todo.manifest.fingerprint)
        if record is None:
            raise LrcnError(f"{folder / shard.name}.tar has vanished; run the same command again")
        records.append(record)
    return records


def _add_up(records: list[ShardRecord], result: RunResult) -> None:
    """Fill in those numbers of the result that are of the whole data set."""
    entries = [record.entry for record in records]
    reasons = Counter(line.reason for record in records for line in record.rejected)
    result.clips = sum(entry.samples for entry in entries)
    result.frames = sum(entry.frames for entry in entries)
    result.bytes = sum(entry.bytes for entry in entries)
    result.skipped = sum(entry.skipped for entry in entries)
    result.failed = sum(entry.failed for entry in entries)
    result.reasons = dict(reasons.most_common())
    result.partial = reasons[Reason.PARTIAL]
    result.bad_fraction = (result.failed + result.partial) / max(1, result.videos)


def _refuse_empty_splits(todo: Todo, records: list[ShardRecord], folder: Path) -> None:
    for split in todo.manifest.lists:
        if not any(record.entry.samples for record in records if record.entry.split == split):
            raise LrcnError(
                f"no video of the {split} list gave a clip; {folder / REJECTED} says why of each"
                " (--short pad keeps short ones)"
            )
