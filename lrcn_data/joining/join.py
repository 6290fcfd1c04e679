"""Makes a data set of samples that others have: its shards, and the files of the whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    DATA_CARD,
    ENDING,
    MANIFEST,
    META,
    REJECTED,
    ShardFiles,
)
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import FORMAT_VERSION, Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import ShardRecord
from lrcn_data.format.shard_index import load_pixel_sum
from lrcn_data.format.shard_reader import frame_sums
from lrcn_data.format.whole_sum import save_whole_sum
from lrcn_data.joining.class_numbers import new_numbers
from lrcn_data.joining.joined_options import common_options, common_values, made_from
from lrcn_data.joining.joined_shards import JoinedShard
from lrcn_data.joining.link_unchanged import link_unchanged
from lrcn_data.joining.stored_videos import StoredSet
from lrcn_data.joining.unique_keys import unique_keys
from lrcn_data.joining.write_joined import Joining, write_joined
from lrcn_data.lists.similar_names import tell_all_similar
from lrcn_data.machine import usable_cores
from lrcn_data.making.data_card import data_card
from lrcn_data.making.finish import requirements
from lrcn_data.making.finished_shards import FinishedShards
from lrcn_data.making.run_plan import DERIVED, read_manifest
from lrcn_data.making.settle import write_indices
from lrcn_data.printable import first_few
from lrcn_data.splits import SPLITS
from lrcn_data.storage.atomic_file import write_failure

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinPlan:
    """What a data set that is made from others is to be.

    Attributes:
        stored: The data sets that it is made from.
        shards: Its shards.
        classes: Its class names by class number.
        choice: What was chosen, by name; empty for all.
        left_out: By data set, the number of clips that another one has too.
        entries_left_out: The number of entries without clips that another data set has too.
    """

    stored: Sequence[StoredSet]
    shards: Sequence[JoinedShard]
    classes: list[str]
    choice: Mapping[str, Any] = field(default_factory=dict)
    left_out: Sequence[int] = (0,)
    entries_left_out: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinResult:
    """What a data set that was made from others came to.

    Attributes:
        folder: The path or URL of its folder.
        clips: The number of clips by split.
        videos: The number of videos that have clips, by split.
        classes: The number of classes.
        shards: The number of its tars.
        unchanged: The number of those that are, byte for byte, tars of the data sets.
        left_out: The number of clips that were left out since another data set has them too.
        entries_left_out: The number of entries without clips that were left out for the same.
        other_keys: The number of clips that got another key, as theirs was taken.
        summed_frames: The number of frames that the mean image is of.
        decoded_frames: The number of those that were summed up as decoded from what is stored.
        rejected: The number of entries that gave no clip, or not all of them.
        similar_classes: Classes whose names look alike, so that they may be one; a sentence each.
    """

    folder: str
    clips: dict[str, int]
    videos: dict[str, int]
    classes: int
    shards: int
    unchanged: int
    left_out: int
    entries_left_out: int
    other_keys: int
    summed_frames: int
    decoded_frames: int
    rejected: int
    similar_classes: list[str]


def join(
    plan: JoinPlan,
    folder: DataSetFolder,
    *,
    link: bool = False,
    workers: int | None = None,
    on_start: Callable[[int, int], None] = lambda shards, left: None,
    on_shard: Callable[[], None] = lambda: None,
) -> JoinResult:
    """Write what is left of a data set, the manifest last.

    Args:
        plan: What it is to be.
        folder: The folder to write into, which is made if it doesn't exist.
        link: Whether tars that stay as they are become hard links to those that they were.
        workers: The number of threads that write shards; None for as many as cores may be used.
        on_start: Called once with the number of shards, and with the number still to be written.
        on_shard: Called after each shard that was written.

    Raises:
        UsageError: There are fewer workers than one, or a link can't be made.
        LrcnError: The folder holds another data set or other files, another run is writing there,
            or a file can't be written.
        ShardError: A data set that it is made from is damaged.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, got {workers}")
    joining, manifest = _prepare(plan)
    try:
        folder.make(META)
        with folder.lock(), folder.scratch(META) as scratch:
            old = read_manifest(folder)
            _refuse_other(old, manifest, plan, folder)
            left = _left(plan, joining, folder, whole=old is not None and old.complete)
            on_start(len(plan.shards), len(left))
            if old is not None and old.complete and not left:
                manifest = old
            else:
                folder.write_manifest(manifest)
                for name in DERIVED:
                    folder.delete(name)
                tars = _tars(plan.stored) if link else {}
                for _ in _write_all(left, joining, folder, scratch, tars, workers):
                    on_shard()
                manifest = _finish(plan, joining, manifest, folder)
            _remove_arrays(manifest, folder)
    except OSError as error:
        raise write_failure(str(folder), error) from error
    return _result(plan, joining, manifest, folder)


def _write_all(
    shards: Sequence[JoinedShard],
    joining: Joining,
    folder: DataSetFolder,
    scratch: Path,
    tars: Mapping[str, str],
    workers: int | None,
) -> Iterator[None]:
    """Write shards, several at a time, each of which is given as it gets its place.

    Args:
        shards: The shards to write.
        joining: What they have in common with all others.
        folder: The folder to write into.
        scratch: The folder in which files are written until they are finished.
        tars: The path of each tar to which there are links, instead of copies, by its SHA-256.
        workers: The number of threads; None for as many as cores may be used.
    """

    def write(shard: JoinedShard) -> None:
        written = write_joined(shard, joining, scratch)
        link_unchanged(written, tars)
        folder.put_shard(written)

    pool = ThreadPoolExecutor(workers or usable_cores())
    try:
        yield from pool.map(write, shards)
    finally:
        pool.shutdown(cancel_futures=True)


def _tars(stored: Sequence[StoredSet]) -> dict[str, str]:
    """Where each tar of data sets lies, by its SHA-256."""
    return {
        entry.sha256: one.folder.at(entry.file) for one in stored for entry in one.manifest.shards
    }


def _prepare(plan: JoinPlan) -> tuple[Joining, Manifest]:
    """What all shards have in common, and the manifest, as yet without its shards."""
    stored = plan.stored
    first = stored[0].manifest
    every = [one.manifest for one in stored]
    options = common_options(every)
    tools = common_values([one.tools for one in every])
    taken = [
        sum(shard.samples for shard in plan.shards if shard.origin == number)
        for number in range(len(stored))
    ]
    manifest = Manifest(
        complete=False,
        options=options,
        classes=list(plan.classes),
        tools=tools,
        canvas=list(first.canvas),
        made_from=[
            made_from(one, samples=samples, left_out=left_out, options=options, tools=tools)
            for one, samples, left_out in zip(stored, taken, plan.left_out, strict=True)
        ],
        choice=plan.choice,
    )
    manifest = replace(manifest, fingerprint=_fingerprint(manifest, plan.entries_left_out))
    splits = {shard.split for shard in plan.shards}
    summed_split = "train" if "train" in splits else None
    layout = replace(stored[0].data.layout, sets_of=manifest.sets_of)
    joining = Joining(
        stored=stored,
        numbers=[new_numbers(one.data.classes, plan.classes) for one in stored],
        keys=_keys(plan),
        classes=plan.classes,
        layout=layout,
        canvas=manifest.canvas_size,
        summed_split=summed_split,
        own_sums=_own_sums(plan, summed_split, manifest),
        fingerprint=manifest.fingerprint,
    )
    return joining, manifest


def _fingerprint(manifest: Manifest, entries_left_out: int) -> str:
    """The SHA-256 of all that decides the bytes of a data set made from others."""
    decides = {
        "format_version": FORMAT_VERSION,
        "options": manifest.options,
        "classes": manifest.classes,
        "canvas": manifest.canvas,
        "made_from": [asdict(one) for one in manifest.made_from],
        "choice": dict(manifest.choice),
        "entries_left_out": entries_left_out,
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _keys(plan: JoinPlan) -> list[dict[int, str]]:
    """For each data set the key that each sample gets, by the sample's number."""
    clips = [
        [
            clip
            for shard in plan.shards
            if shard.origin == number
            for video in shard.videos
            for clip in video.clips
        ]
        for number in range(len(plan.stored))
    ]
    keys = unique_keys([[clip.key for clip in its_clips] for its_clips in clips])
    return [
        {clip.number: key for clip, key in zip(its_clips, its_keys, strict=True)}
        for its_clips, its_keys in zip(clips, keys, strict=True)
    ]


def _own_sums(plan: JoinPlan, summed_split: str | None, manifest: Manifest) -> frozenset[int]:
    """The data sets all of whose summed frames are taken, so that their own sums hold."""
    found = []
    for number, one in enumerate(plan.stored):
        its = one.manifest
        there = sum(entry.samples for entry in its.of_split(summed_split))
        taken = sum(
            shard.samples
            for shard in plan.shards
            if shard.origin == number and summed_split in (None, shard.split)
        )
        same = its.summed_split == summed_split and its.canvas_size == manifest.canvas_size
        if same and taken == there:
            found.append(number)
    return frozenset(found)


def _refuse_other(
    old: Manifest | None, manifest: Manifest, plan: JoinPlan, folder: DataSetFolder
) -> None:
    """Refuse a folder that holds something else than what is to be made, or a part of it."""
    if old is not None and old.fingerprint != manifest.fingerprint:
        raise LrcnError(f"{folder} holds another data set; name another folder with --out")
    if old is None:
        mine = {DATA_CARD, REJECTED, *DERIVED, *(shard.name + ENDING for shard in plan.shards)}
        found = [name for name in folder.names() if name in mine]
        if found:
            raise LrcnError(
                f"{folder} has no {MANIFEST}, but {first_few(found, _SHOWN)}, which would be"
                " replaced; name another folder with --out"
            )


def _left(
    plan: JoinPlan, joining: Joining, folder: DataSetFolder, *, whole: bool
) -> list[JoinedShard]:
    """The shards that are not written yet.

    Args:
        plan: What is to be made.
        joining: What all shards have in common.
        folder: The folder to write into.
        whole: Whether its manifest says that all is there, so that the sum of all frames is too.
    """
    there, names = FinishedShards(folder), set(folder.names(META))
    done = [
        there.record(shard.name, joining.fingerprint, summed=False) is not None
        for shard in plan.shards
    ]
    if whole and all(done):
        return []
    return [
        shard
        for shard, is_done in zip(plan.shards, done, strict=True)
        if not is_done
        or (
            joining.is_decoded(shard)
            and PurePosixPath(ShardFiles(shard.name).arrays).name not in names
        )
    ]


def _finish(
    plan: JoinPlan, joining: Joining, manifest: Manifest, folder: DataSetFolder
) -> Manifest:
    """Write the files of the whole, and give the manifest of it."""
    records = _records(plan, folder)
    write_indices(folder, records, layout=joining.layout)
    count, decoded = _write_sum(plan, joining, records, folder)
    summed = [records[shard.name] for shard in plan.shards if joining.is_summed(shard)]
    manifest = replace(
        manifest,
        complete=True,
        requires=requirements(manifest, records.values()),
        shards=[entry for record in records.values() for entry in record.entries],
        mean_exact=not decoded and sum(record.exact_frames for record in summed) == count,
        decoded_frames=decoded,
    )
    rejected = [
        dump_json_line(asdict(line)) for record in records.values() for line in record.rejected
    ]
    folder.write(REJECTED, b"".join(rejected))
    folder.write(DATA_CARD, data_card(manifest).encode())
    folder.write_manifest(manifest)
    return manifest


def _records(plan: JoinPlan, folder: DataSetFolder) -> dict[str, ShardRecord]:
    records = {}
    for shard in plan.shards:
        record = folder.read_record(shard.name)
        if record is None:
            tar = folder.at(ShardFiles(shard.name).tar)
            raise LrcnError(f"{tar} has vanished; run the same command again")
        records[shard.name] = record
    return records


def _write_sum(
    plan: JoinPlan, joining: Joining, records: Mapping[str, ShardRecord], folder: DataSetFolder
) -> tuple[int, int]:
    """Write the sum of all frames, and give their number, and that of those summed as decoded."""
    channels = joining.layout.channels
    sums, decoded = PixelSums(joining.canvas, channels), 0
    for number in sorted(joining.own_sums):
        one = joining.stored[number]
        named = one.manifest.of_split(joining.summed_split)
        for total, count in frame_sums(one.folder, one.manifest, named, channels=channels):
            sums.add_total(total, frame_count=count, exact_frames=0)
        decoded += one.manifest.decoded_frames
    for shard in plan.shards:
        if joining.is_decoded(shard):
            arrays = ShardFiles(shard.name).arrays
            total, count = load_pixel_sum(folder, arrays, canvas=joining.canvas, channels=channels)
            sums.add_total(total, frame_count=count, exact_frames=0)
            decoded += count
    tars = {
        entry.sha256
        for shard in plan.shards
        if joining.is_summed(shard)
        for entry in records[shard.name].entries
    }
    save_whole_sum(folder, sums.pixel_sum, sums.frame_count, tars)
    return sums.frame_count, decoded


def _remove_arrays(manifest: Manifest, folder: DataSetFolder) -> None:
    """Remove the arrays of each shard, which now stand in the files of the whole."""
    there = set(folder.names(META))
    for entry in manifest.shards:
        arrays = ShardFiles.of(entry.file).arrays
        if PurePosixPath(arrays).name in there:
            folder.delete(arrays)


def _result(
    plan: JoinPlan, joining: Joining, manifest: Manifest, folder: DataSetFolder
) -> JoinResult:
    before = _tars(plan.stored)
    clips = [
        (clip, joining.keys[shard.origin][clip.number])
        for shard in plan.shards
        for video in shard.videos
        for clip in video.clips
    ]
    splits = [split for split in SPLITS if manifest.of_split(split)]
    return JoinResult(
        folder=str(folder),
        clips={s: sum(entry.samples for entry in manifest.of_split(s)) for s in splits},
        videos={s: sum(len(one.videos) for one in plan.shards if one.split == s) for s in splits},
        classes=len(manifest.classes),
        shards=len(manifest.shards),
        unchanged=sum(entry.sha256 in before for entry in manifest.shards),
        left_out=sum(plan.left_out),
        entries_left_out=plan.entries_left_out,
        other_keys=sum(clip.key != key for clip, key in clips),
        summed_frames=sum(entry.frames for entry in manifest.of_split(joining.summed_split)),
        decoded_frames=manifest.decoded_frames,
        rejected=sum(len(shard.rejected) for shard in plan.shards),
        similar_classes=list(tell_all_similar(manifest.classes, ())),
    )
