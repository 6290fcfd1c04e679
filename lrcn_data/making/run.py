"""A run of `lrcn-data shard`: the shards that are left, and the files of the whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import DATA_CARD, META, REJECTED, ShardFiles, added_entries
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.lists.read_lists import Lists
from lrcn_data.machine import usable_cores
from lrcn_data.making.data_card import data_card
from lrcn_data.making.do_jobs import do_jobs
from lrcn_data.making.entries_there import write_added
from lrcn_data.making.estimate import refuse_small_disk
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.making.finished_shards import FinishedShards
from lrcn_data.making.isolated_work import Done
from lrcn_data.making.label_findings import LabelSummary
from lrcn_data.making.portions import Portion, in_order
from lrcn_data.making.run_options import RunOptions
from lrcn_data.making.run_plan import DERIVED, RunPlan, plan_run, read_manifest
from lrcn_data.making.same_inputs import refuse_leakage
from lrcn_data.making.settle import remove_parts, write_whole
from lrcn_data.making.shard_job import ShardJob, VideoReport, put_shard, write_shard
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.making.staged_append import finish_append
from lrcn_data.reasons import NOT_BAD, Reason
from lrcn_data.splits import SPLITS
from lrcn_data.storage.atomic_file import write_failure


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
        appended: The number of entries that this run has added to a data set that was finished.
        bad: The number of failed and partial entries, of an append only of those that it added.
        bad_fraction: That number divided by that of all entries, or of those that were added.
        labels_in_time: What is unusual about labels in time; None where there are none.
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
        with folder.lock(), folder.scratch(META):
            ended = finish_append(folder, plugins=[options.frame_kind])
            plan = plan_run(lists, options, run, folder)
            appended = plan.portions[-1] if plan.added or (ended and run.append) else None
            refuse_small_disk(plan.left, options, root=root, folder=folder)
            result.shards = len(plan.shards)
            on_start(len(lists.entries), plan.videos_left)
            target = _start(plan, folder)
            with target.scratch(META) as scratch:
                jobs = _jobs(plan, root=root, folder=target, scratch=scratch)
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
            records = _all_records(plan, folder)
            _add_up(records, result, appended)
            if options.labels_in_time:
                findings = (one for record in records.values() for one in record.labelling)
                result.labels_in_time = LabelSummary.of(findings)
            _finish(plan, records, options, folder, allow_leakage=run.allow_leakage)
    except OSError as error:
        raise write_failure(str(folder), error) from error
    result.seconds = time.monotonic() - began
    return result


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


def _jobs(plan: RunPlan, *, root: Path, folder: DataSetFolder, scratch: Path) -> list[ShardJob]:
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


def _finish(
    plan: RunPlan,
    records: Mapping[str, ShardRecord],
    options: ShardOptions,
    folder: DataSetFolder,
    *,
    allow_leakage: bool,
) -> None:
    """Write the files of the whole data set, from all shards' records; the manifest last."""
    target = folder if plan.added is None else folder.staged
    rejected = [
        dump_json_line(asdict(line)) for record in records.values() for line in record.rejected
    ]
    target.write(REJECTED, b"".join(rejected))
    _refuse_empty_splits(plan, list(records.values()), target)
    if not allow_leakage:
        refuse_leakage(records.values())
    manifest = _whole_manifest(plan, records)
    target.write(DATA_CARD, data_card(manifest).encode())
    if plan.added is not None:
        added = [video.entry for shard in plan.added.shards for video in shard.videos]
        write_added(len(manifest.appends) - 1, added, target)
        target.write_manifest(manifest)
        finish_append(folder, plugins=[options.frame_kind])
        return
    summed = {shard.name: plan.is_summed(shard.split) for shard in plan.shards}
    layout = options.layout(len(plan.manifest.classes))
    write_whole(folder, records, summed=summed, canvas=options.canvas, layout=layout)
    folder.write_manifest(manifest)
    remove_parts(folder, records.values())


def _whole_manifest(plan: RunPlan, records: Mapping[str, ShardRecord]) -> Manifest:
    """The manifest of the data set with all of its shards."""
    entries = [entry for record in records.values() for entry in record.entries]
    summed = [record for record in records.values() if plan.is_summed(record.entry.split)]
    summed_frames = sum(entry.frames for record in summed for entry in record.entries)
    return replace(
        plan.manifest,
        complete=True,
        requires=_requires(plan.manifest, records.values()),
        shards=entries,
        mean_exact=sum(record.exact_frames for record in summed) == summed_frames,
    )


def _requires(manifest: Manifest, records: Iterable[ShardRecord]) -> list[str]:
    """What readers of the data set must understand."""
    needed = {
        "frame-kind": manifest.frame_kind != RGB_FRAMES,
        "labels-in-time": manifest.labels_in_time,
        "multi-label": manifest.multi_label,
        "parts": any(r.parts for r in records),
        "variable-length": manifest.variable_length,
    }
    return [name for name, is_needed in needed.items() if is_needed]


def _all_records(plan: RunPlan, folder: DataSetFolder) -> dict[str, ShardRecord]:
    """Read the records of all shards of the data set, by the shards' names and in their order.

    Raises:
        LrcnError: A shard is missing.
    """
    there, staged = FinishedShards(folder), FinishedShards(folder.staged)
    records = {}
    for portion, shard in in_order(plan.portions):
        found = staged if portion is plan.added else there
        summed = plan.is_summed(shard.split)
        record = found.record(shard.name, portion.fingerprint, summed=summed)
        if record is None:
            tar = folder.at(ShardFiles(shard.name).tar)
            raise LrcnError(f"{tar} has vanished; run the same command again")
        records[shard.name] = record
    return records


def _add_up(
    records: Mapping[str, ShardRecord], result: RunResult, appended: Portion | None
) -> None:
    """Fill in those numbers of the result that are of the whole data set, or of an append."""
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


def _refuse_empty_splits(plan: RunPlan, records: list[ShardRecord], folder: DataSetFolder) -> None:
    for split in sorted(plan.splits, key=SPLITS.index):
        if not any(record.entry.samples for record in records if record.entry.split == split):
            raise LrcnError(
                f"no video of the {split} list gave a clip; {folder.at(REJECTED)} says why of each"
                " (--short pad keeps short ones)"
            )
