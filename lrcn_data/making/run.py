"""A run of `lrcn-data shard`: the shards that are left, and the files of the whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import MANIFEST, META, ShardFiles, added_entries
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.lists.read_lists import Lists
from lrcn_data.making.do_jobs import do_jobs
from lrcn_data.making.estimate import refuse_small_disk
from lrcn_data.making.executor import Executor
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.making.finish import finish_data_set, read_records
from lrcn_data.making.label_findings import LabelSummary
from lrcn_data.making.part import Part
from lrcn_data.making.portions import Portion
from lrcn_data.making.run_options import RunOptions
from lrcn_data.making.run_plan import DERIVED, RunPlan, plan_run, read_manifest
from lrcn_data.making.shard_job import ShardJob, VideoReport, put_shard, write_shard
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.making.staged_append import finish_append
from lrcn_data.reasons import NOT_BAD, Reason
from lrcn_data.storage.atomic_file import write_failure
from lrcn_data.storage.folder_lock import Alone


@dataclass(slots=True)
class RunResult:
    """What a run came to. The numbers are of the whole data set unless they say "this run".

    Those of a run that has made a part of it, and wasn't the last, are of that part.

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
        appended: The number of entries that this run has added to a data set that was finished.
        bad: The number of failed and partial entries, of an append only of those that it added.
        bad_fraction: That number divided by that of all entries, or of those that were added.
        labels_in_time: What is unusual about labels in time; None where there are none.
        complete: Whether the data set is whole; parts of it may still be missing.
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
    appended: int = 0
    bad: int = 0
    bad_fraction: float = 0.0
    labels_in_time: LabelSummary | None = None
    complete: bool = True


def write_data_set(
    lists: Lists,
    options: ShardOptions,
    run: RunOptions,
    *,
    root: str,
    folder: DataSetFolder,
    on_start: Callable[[int, int], None],
    on_video: Callable[[VideoReport], None],
) -> RunResult:
    """Write all shards that are not there yet, then the files of the whole data set.

    Args:
        lists: The lists of the videos that go into the data set.
        options: The options that decide the data set's bytes.
        run: How the run goes about its work.
        root: The folder or URL that the paths in the lists are relative to.
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
    workers = None if run.workers is None else max(1, run.workers)
    work = _Work(
        lists=lists,
        options=options,
        run=run,
        root=root,
        folder=folder,
        executor=EXECUTORS.load(run.executor)(workers),
        on_start=on_start,
        on_video=on_video,
    )
    try:
        folder.make(META)
        result = work.do_all() if run.part is None else work.do_part(run.part)
    except OSError as error:
        raise write_failure(str(folder), error) from error
    result.seconds = time.monotonic() - began
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """What a run does; its attributes are the arguments of `write_data_set`, and the executor."""

    lists: Lists
    options: ShardOptions
    run: RunOptions
    root: str
    folder: DataSetFolder
    executor: Executor
    on_start: Callable[[int, int], None]
    on_video: Callable[[VideoReport], None]

    def do_all(self) -> RunResult:
        """Write all shards that are left, and the files of the whole."""
        with self.folder.lock():
            for folder in (self.folder, self.folder.staged):
                folder.tidy(META)
                folder.remove_scratch(META)
            ended = finish_append(self.folder, plugins=[self.options.frame_kind])
            plan = self._plan(self.run)
            if self.run.finish:
                plan.refuse_left(self.folder)
            self.on_start(len(self.lists.entries), plan.videos_left)
            target = _start(plan, self.folder)
            result = RunResult()
            with target.scratch(META) as scratch:
                self._write_left(plan, target, scratch, result)
            is_append = plan.added or (ended and self.run.append)
            self._finish(plan, result, appended=plan.portions[-1] if is_append else None)
            return result

    def do_part(self, part: Part) -> RunResult:
        """Write a part's shards, and, where no other is left, the files of the whole."""
        folder, result = self.folder, RunResult()
        with folder.lock_part(part.number) as alone:
            plan = self._start_part(self._plan(self.run), alone)
            videos = sum(len(shard.videos) for shard in part.share(plan.shards))
            self.on_start(videos, plan.videos_left)
            with folder.scratch(META, part.number) as scratch:
                self._write_left(plan, folder, scratch, result)
            with alone():
                result.complete = self._finish_after_parts(plan, result)
            if not result.complete:
                result.videos, result.shards = videos, len(part.share(plan.shards))
                _add_up(read_records(plan, folder, part), result, self.options)
        return result

    def _start_part(self, plan: RunPlan, alone: Alone) -> RunPlan:
        """Get ready to write what is left to a part, and give what it is.

        Other parts may have begun since the part was planned, with other options even, or have
        finished the data set.
        """
        if not plan.left or _is_begun(plan, self.folder):
            return plan
        with alone():
            if self.folder.has(MANIFEST) and not _is_begun(plan, self.folder):
                plan = self._plan(self.run)
            _start(plan, self.folder)
            return plan

    def _finish_after_parts(self, plan: RunPlan, result: RunResult) -> bool:
        """Finish the data set if all of its shards are there, and say whether they are."""
        there = set(self.folder.names(META))
        if any(PurePosixPath(ShardFiles(s.name).record).name not in there for s in plan.shards):
            return False  # told without reading what is recorded of thousands of shards
        whole = self._plan(replace(self.run, part=None))
        if whole.left:
            return False
        self._finish(whole, result)
        self.folder.tidy(META)
        return True

    def _plan(self, run: RunOptions) -> RunPlan:
        return plan_run(self.lists, self.options, run, self.folder)

    def _write_left(
        self, plan: RunPlan, target: DataSetFolder, scratch: Path, result: RunResult
    ) -> None:
        """Write the shards that a plan leaves, and count them and their videos in the result."""
        refuse_small_disk(plan.left, self.options, root=self.root, folder=self.folder)
        shards = do_jobs(
            _jobs(plan, root=self.root, folder=target, scratch=scratch),
            self.executor,
            work=write_shard,
            after=put_shard,
            timeout=self.options.clip.decode.timeout,
            in_process=self.run.workers == 0,
            on_video=self.on_video,
        )
        with closing(shards):
            for done in shards:
                result.shards_done += 1
                result.videos_done += len(done.reports)
                result.repeated += sum(report.slow for report in done.reports)

    def _finish(self, plan: RunPlan, result: RunResult, appended: Portion | None = None) -> None:
        """Write the files of the whole data set, and count all of it in the result."""
        records = read_records(plan, self.folder)
        result.videos, result.shards = len(self.lists.entries), len(plan.shards)
        _add_up(records, result, self.options, appended)
        finish_data_set(
            plan, records, self.options, self.folder, allow_leakage=self.run.allow_leakage
        )


def _is_begun(plan: RunPlan, folder: DataSetFolder) -> bool:
    """Whether a folder holds the data set of a plan, known to be unfinished."""
    manifest = read_manifest(folder)
    return manifest is not None and (_fingerprints(manifest), manifest.complete) == (
        _fingerprints(plan.manifest),
        False,
    )


def _start(plan: RunPlan, folder: DataSetFolder) -> DataSetFolder:
    """Get ready to write what is left, and give the folder to write it into."""
    if plan.added is None:
        if plan.left:
            _start_anew(plan, folder)
        return folder
    staged = folder.staged
    before = read_manifest(staged)
    if before is not None and before.appends[-1].fingerprint != plan.added.fingerprint:
        staged.remove()
    staged.make(META)
    staged.write_manifest(plan.manifest)
    return staged


def _jobs(plan: RunPlan, *, root: str, folder: DataSetFolder, scratch: Path) -> list[ShardJob]:
    """Make a job for every shard that is left."""
    portion_of = plan.portion_of
    return [
        ShardJob(
            shard=shard,
            root=root,
            folder=folder,
            scratch=scratch,
            options=portion_of[shard.name].options,
            classes=portion_of[shard.name].classes,
            fingerprint=portion_of[shard.name].fingerprint,
            tools=portion_of[shard.name].tools,
            summed=plan.is_summed(shard.split),
            finished=plan.finished.get(shard.name),
            quarantine={},
        )
        for shard in plan.left
    ]


def _start_anew(plan: RunPlan, folder: DataSetFolder) -> None:
    """Mark the data set as incomplete, and remove files that are no longer true of it."""
    old = read_manifest(folder)
    made_by = _fingerprints(old)
    if old is not None and made_by != _fingerprints(plan.manifest):
        # a run that is killed here finds the same folder to replace again
        folder.write_manifest(replace(old, complete=False))
        folder.staged.remove()
        for name in folder.names(META):
            if name.endswith(".json"):
                _remove_shard(folder, name.removesuffix(".json"), made_by)
        for number in range(len(old.appends)):
            folder.delete(added_entries(number))
        folder.remove_whole()
    folder.write_manifest(plan.manifest)
    for name in DERIVED:
        folder.delete(name)


def _fingerprints(manifest: Manifest | None) -> list[str]:
    """The fingerprints of all runs that have made a data set."""
    if manifest is None:
        return []
    return [manifest.fingerprint, *(append.fingerprint for append in manifest.appends)]


def _remove_shard(folder: DataSetFolder, name: str, fingerprints: Collection[str]) -> None:
    """Remove the files of a shard of this data set; leave files that only look like a shard's."""
    try:
        record = folder.read_record(name)
    except ShardError:
        return
    if record and record.fingerprint in fingerprints and record.entry.file == ShardFiles(name).tar:
        folder.remove_shard(name)


def _add_up(
    records: Mapping[str, ShardRecord],
    result: RunResult,
    options: ShardOptions,
    appended: Portion | None = None,
) -> None:
    """Fill in those numbers of the result that are of all these records, or of an append."""
    entries = [entry for record in records.values() for entry in record.entries]
    reasons = Counter(line.reason for record in records.values() for line in record.rejected)
    result.clips = sum(entry.samples for entry in entries)
    result.frames = sum(entry.frames for entry in entries)
    result.bytes = sum(entry.bytes for entry in entries)
    result.skipped = sum(entry.skipped for entry in entries)
    result.failed = sum(entry.failed for entry in entries)
    result.reasons = dict(reasons.most_common())
    result.partial = reasons[Reason.PARTIAL]
    judged = list(records.values())
    if appended is not None:
        judged = [records[shard.name] for shard in appended.shards]
        result.appended = sum(record.entry.videos for record in judged)
    result.bad = sum(line.reason not in NOT_BAD for record in judged for line in record.rejected)
    result.bad_fraction = result.bad / max(1, result.appended or result.videos)
    if options.labels_in_time:
        findings = (one for record in records.values() for one in record.labelling)
        result.labels_in_time = LabelSummary.of(findings)
