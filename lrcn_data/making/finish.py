"""What is written of a data set once all of its shards are there, from what is recorded of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace

from lrcn_data.errors import LrcnError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import DATA_CARD, REJECTED, ShardFiles
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.making.data_card import data_card
from lrcn_data.making.entries_there import write_added
from lrcn_data.making.finished_shards import FinishedShards
from lrcn_data.making.part import Part
from lrcn_data.making.portions import in_order
from lrcn_data.making.run_plan import RunPlan
from lrcn_data.making.same_inputs import refuse_leakage
from lrcn_data.making.settle import remove_parts, write_whole
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.making.staged_append import finish_append
from lrcn_data.splits import SPLITS


def read_records(
    plan: RunPlan, folder: DataSetFolder, part: Part | None = None
) -> dict[str, ShardRecord]:
    """Read the records of all shards of the data set, by the shards' names and in their order.

    Args:
        plan: What the run was to do.
        folder: The data set's folder.
        part: The part of the shards whose records are wanted; None for all.

    Raises:
        LrcnError: A shard is missing.
    """
    there, staged = FinishedShards(folder), FinishedShards(folder.staged)
    records = {}
    shards = in_order(plan.portions)
    for portion, shard in part.share(shards) if part else shards:
        found = staged if portion is plan.added else there
        summed = plan.is_summed(shard.split)
        record = found.record(shard.name, portion.fingerprint, summed=summed)
        if record is None:
            tar = folder.at(ShardFiles(shard.name).tar)
            raise LrcnError(f"{tar} has vanished; run the same command again")
        records[shard.name] = record
    return records


def finish_data_set(
    plan: RunPlan,
    records: Mapping[str, ShardRecord],
    options: ShardOptions,
    folder: DataSetFolder,
    *,
    allow_leakage: bool,
) -> None:
    """Write the files of the whole data set; the manifest last.

    Args:
        plan: What the run was to do.
        records: The records of all shards, as `read_records` gives them.
        options: The options that decide the data set's bytes.
        folder: The data set's folder.
        allow_leakage: Whether a video's file may be in two splits.

    Raises:
        LrcnError: A split got no clip, or a video's file is in two splits.
        OSError: A file can't be written.
    """
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
        requires=requirements(plan.manifest, records.values()),
        shards=entries,
        mean_exact=sum(record.exact_frames for record in summed) == summed_frames,
    )


def requirements(manifest: Manifest, records: Iterable[ShardRecord]) -> list[str]:
    """What readers of a data set with these shards must understand."""
    needed = {
        "frame-kind": manifest.frame_kind != RGB_FRAMES,
        "labels-in-time": manifest.labels_in_time,
        "multi-label": manifest.multi_label,
        "parts": any(r.parts for r in records),
        "variable-length": manifest.variable_length,
    }
    return [name for name, is_needed in needed.items() if is_needed]


def _refuse_empty_splits(plan: RunPlan, records: list[ShardRecord], folder: DataSetFolder) -> None:
    for split in sorted(plan.splits, key=SPLITS.index):
        if not any(record.entry.samples for record in records if record.entry.split == split):
            raise LrcnError(
                f"no video of the {split} list gave a clip; {folder.at(REJECTED)} says why of each"
                " (--short pad keeps short ones)"
            )
