"""What a run would do: what is wanted, compared with what the folder holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lrcn_data.errors import LrcnError, ShardError, UsageError
from lrcn_data.format.class_sets import word_count
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    DATA_CARD,
    MANIFEST,
    MEAN_IMAGE,
    REJECTED,
    STATS,
    ShardFiles,
)
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.read_lists import Lists
from lrcn_data.making.entries_there import changed_labels, find_entries
from lrcn_data.making.fingerprint import differences, tool_versions, value_differences
from lrcn_data.making.finished_shards import FinishedShards
from lrcn_data.making.kept_videos import can_keep, kept_paths
from lrcn_data.making.plan import PlannedShard
from lrcn_data.making.portions import (
    Portion,
    in_order,
    plan_portion,
    recorded_runs,
    with_options_of_shards,
)
from lrcn_data.making.run_options import RunOptions
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.printable import first_few, show

DERIVED = (STATS, MEAN_IMAGE)
"""The files that describe a data set's samples, and are no longer true where these change."""

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlan:
    """What a run would do.

    Attributes:
        portions: What each run has added or adds to the data set.
        manifest: The manifest of the data set, as yet without its shards.
        added: The portion that the run appends; None where it appends nothing.
        left: The shards that are not written yet, or in which failed videos are to be tried again.
        finished: The records of those shards in which only the failed videos are to be tried again,
            by the shard's name.
    """

    portions: list[Portion]
    manifest: Manifest
    added: Portion | None = None
    left: list[PlannedShard] = field(default_factory=list)
    finished: dict[str, ShardRecord] = field(default_factory=dict)

    @property
    def shards(self) -> list[PlannedShard]:
        """All shards of the data set, in the manifest's order."""
        return [shard for _, shard in in_order(self.portions)]

    @property
    def portion_of(self) -> dict[str, Portion]:
        """The portion that each shard belongs to, by the shard's name."""
        return {shard.name: portion for portion, shard in in_order(self.portions)}

    @property
    def videos_left(self) -> int:
        """The number of videos that the run would read."""
        kept = sum(len(kept_paths(record)) for record in self.finished.values())
        return sum(len(shard.videos) for shard in self.left) - kept

    @property
    def videos_new(self) -> int:
        """The number of videos that the run appends, those included that it has read already."""
        return sum(len(shard.videos) for shard in self.added.shards) if self.added else 0

    @property
    def splits(self) -> set[str]:
        """The splits that have entries."""
        return {split for portion in self.portions for split in portion.lists}

    def refuse_left(self, folder: DataSetFolder) -> None:
        """Refuse to finish a data set of which shards are missing.

        Raises:
            LrcnError: There are such shards.
        """
        if self.left:
            names = first_few([ShardFiles(shard.name).tar for shard in self.left], _SHOWN)
            raise LrcnError(
                f"{folder} lacks {len(self.left)} of {len(self.shards)} shards: {names}; run the"
                " parts again that make them, or the same command without --finish, which makes"
                " what is missing"
            )

    def is_summed(self, split: str) -> bool:
        """Whether the frames of a split are summed up for the mean image.

        They are those of the train split, or of all splits where there is none.
        """
        return split == "train" or "train" not in self.splits


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
        LrcnError: The folder holds a data set of other options, lists or tools, or one that can't
            be appended to.
    """
    if run.append:
        return _plan_append(lists, options, run, folder, manifest_to_append_to(folder))
    old = read_manifest(folder)
    if old is not None and old.made_from and not run.overwrite:
        raise _made_from_others(folder)
    if not run.overwrite:
        _refuse_staged(folder)
    tools = tool_versions(options)
    if old is not None and old.appends:
        try:
            portions, _ = _portions_there(lists, options, old, folder, may_be_new=False)
        except LrcnError:
            if not run.overwrite:
                raise
        else:
            plan = RunPlan(portions=portions, manifest=_unfinished(old))
            _find_left(plan, run, folder)
            _refuse_other_tools(plan, tools)
            return plan
    whole = plan_portion(lists.entries, options, lists.classes, tools)
    plan = RunPlan(portions=[whole], manifest=whole.as_manifest())
    if old is None and not run.overwrite:
        _refuse_foreign_files(plan.shards, folder)
    if old is not None and old.fingerprint != whole.fingerprint and not run.overwrite:
        raise _another(old, plan.manifest, folder)
    if old is not None and (old.fingerprint != whole.fingerprint or old.appends):
        plan.left.extend(plan.shards)
        return plan
    _find_left(plan, run, folder)
    return plan


def manifest_to_append_to(folder: DataSetFolder) -> Manifest:
    """Read the manifest of a finished data set, to which may be appended.

    Raises:
        LrcnError: There is none, or it isn't finished.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise LrcnError(
            f"{folder} holds no data set to append to; leave out --append to make one, or name its"
            " folder with --out"
        )
    if manifest.made_from:
        raise _made_from_others(folder)
    if not manifest.complete:
        raise LrcnError(
            f"{folder} holds a data set that isn't finished; finish it with the same command"
            " without --append, and with the lists of before"
        )
    return manifest


def _plan_append(
    lists: Lists, options: ShardOptions, run: RunOptions, folder: DataSetFolder, old: Manifest
) -> RunPlan:
    """Plan the shards of the entries that a data set doesn't have yet.

    Raises:
        LrcnError: The data set was made otherwise, or an append of other lists was begun.
    """
    portions, new = _portions_there(lists, options, old, folder, may_be_new=True)
    plan = RunPlan(portions=portions, manifest=_unfinished(old))
    _find_left(plan, run, folder)
    if plan.left:
        names = first_few([ShardFiles(shard.name).tar for shard in plan.left], _SHOWN)
        raise LrcnError(
            f"{folder} lacks {names}, or what .meta says of them, or they are damaged; make them"
            " again with the same command without --append, and with the lists of before"
        )
    if not new:
        return plan
    added = plan_portion(new, options, lists.classes, tool_versions(options), before=portions)
    _refuse_unnamed_shards(added.shards, folder)
    plan = RunPlan(
        portions=[*portions, added],
        manifest=replace(
            plan.manifest,
            classes=list(lists.classes),
            appends=[*old.appends, added.as_append(portions[-1])],
        ),
        added=added,
    )
    staged = read_manifest(folder.staged)
    if staged is not None and staged.complete:
        raise _almost_done(folder)
    if staged is not None and staged.appends[-1].fingerprint != added.fingerprint:
        if not run.overwrite:
            raise _another_append(staged, plan.manifest, folder)
        plan.left.extend(added.shards)
        return plan
    there = FinishedShards(folder.staged)
    plan.left.extend(
        shard
        for shard in added.shards
        if not there.record(shard.name, added.fingerprint, summed=plan.is_summed(shard.split))
    )
    return plan


def _unfinished(manifest: Manifest) -> Manifest:
    return replace(manifest, complete=False, requires=[], shards=[], mean_exact=False)


def _find_left(plan: RunPlan, run: RunOptions, folder: DataSetFolder) -> None:
    """Find the shards that a plan leaves to write."""
    there = FinishedShards(folder)
    shards = in_order(plan.portions)
    for portion, shard in run.part.share(shards) if run.part else shards:
        record = there.record(shard.name, portion.fingerprint, summed=plan.is_summed(shard.split))
        if record is None or (run.retry_failed and record.may_change):
            plan.left.append(shard)
            if record and can_keep(record):
                plan.finished[shard.name] = record


def _portions_there(
    lists: Lists,
    options: ShardOptions,
    manifest: Manifest,
    folder: DataSetFolder,
    *,
    may_be_new: bool,
) -> tuple[list[Portion], list[Entry]]:
    """Plan again what each run has added to a data set.

    Args:
        lists: The lists of videos.
        options: The options that decide the data set's bytes.
        manifest: The data set's manifest.
        folder: The data set's folder.
        may_be_new: Whether the lists may have entries and classes that the data set doesn't have.

    Returns:
        The portions, and the entries that are in none of them.

    Raises:
        LrcnError: The data set was made with other options, classes or lists.
    """
    _refuse_other_options(options, manifest, folder)
    _refuse_other_classes(lists.classes, manifest, folder, may_be_new=may_be_new)
    there = find_entries(lists.entries, manifest, folder, may_be_new=may_be_new)
    portions: list[Portion] = []
    for entries, made in zip(there.by_run, recorded_runs(manifest), strict=True):
        portion = plan_portion(
            entries,
            with_options_of_shards(options, made.options),
            made.classes,
            made.tools,
            before=portions,
        )
        if portion.fingerprint != made.fingerprint:
            labels = changed_labels(entries, lists.classes, manifest, folder)
            raise _other_entries(labels, portion.lists != made.lists, folder)
        portions.append(portion)
    return portions, there.new


def _other_entries(labels: Sequence[str], lists_differ: bool, folder: DataSetFolder) -> LrcnError:
    remedy = "or make the data set anew with another --out: its shards are never changed"
    if labels:
        return LrcnError(
            f"{folder} has videos whose label has changed: {first_few(labels, _SHOWN)}; put the"
            f" labels back, {remedy}"
        )
    if lists_differ:
        return LrcnError(
            f"{folder} was made of other lines, or of other labels of videos that gave no clip; put"
            f" them back, {remedy} (new lines are added by --append)"
        )
    return LrcnError(f"{folder} was written by another version of lrcn; use that, {remedy}")


def _refuse_other_options(options: ShardOptions, manifest: Manifest, folder: DataSetFolder) -> None:
    """Refuse options that would make other samples than those that are there."""
    wanted = with_options_of_shards(options, manifest.options)
    now = replace(manifest, options=wanted.as_manifest(), canvas=list(wanted.canvas))
    found = differences(manifest, now)
    if found:
        raise LrcnError(
            f"{folder} holds samples that were made otherwise: {'; '.join(found)}; give the same"
            " values, or use another --out"
        )


def _refuse_other_classes(
    classes: Sequence[str], manifest: Manifest, folder: DataSetFolder, *, may_be_new: bool
) -> None:
    """Refuse classes by which the numbers in a data set's samples would mean others."""
    for number, name in enumerate(manifest.classes):
        if number >= len(classes) or classes[number] != name:
            now = f"is {show(classes[number])}" if number < len(classes) else "is not there"
            raise UsageError(
                f"class {number} of {folder} is {show(name)}, and now {now}; keep its classes as"
                " they are, and put new ones after them"
            )
    if manifest.multi_label and word_count(len(classes)) > word_count(len(manifest.classes)):
        raise LrcnError(
            f"{folder} has sets of {len(manifest.classes)} classes, and with {len(classes)} its"
            " indices would have to be another form; make the data set anew with another --out"
        )
    if len(classes) > len(manifest.classes) and not may_be_new:
        raise LrcnError(
            f"{folder} has no class {show(classes[len(manifest.classes)])}; add it and its videos"
            " with --append, or use another --out"
        )


def _refuse_other_tools(plan: RunPlan, tools: dict[str, str]) -> None:
    """Refuse to write shards again with other tools than those that made them."""
    portions = plan.portion_of
    for shard in plan.left:
        made = portions[shard.name].tools
        found = value_differences("", made, tools, {*made, *tools})
        if found:
            raise LrcnError(
                f"{ShardFiles(shard.name).tar} was made by other tools: {'; '.join(found)}; install"
                " those to write it again"
            )


def _made_from_others(folder: DataSetFolder) -> LrcnError:
    return LrcnError(
        f"{folder} holds a data set that was made from others by `lrcn-data merge` or `subset`, and"
        " takes no videos; use another --out, and merge the two"
    )


def _another(old: Manifest, new: Manifest, folder: DataSetFolder) -> LrcnError:
    found = differences(old, new)
    what = "; ".join(found) or "it was written by another version"
    alike = replace(old, lists=new.lists, classes=new.classes, tools=new.tools)
    may_append = old.lists != new.lists and not differences(alike, new)
    adds = "--append to add new lines, " if may_append else ""
    return LrcnError(
        f"{folder} holds another data set: {what}; use {adds}another --out, or --overwrite"
    )


def _another_append(staged: Manifest, new: Manifest, folder: DataSetFolder) -> LrcnError:
    before, now = staged.appends[-1], new.appends[-1]
    found = differences(
        replace(new, options=before.options, lists=before.lists, tools=before.tools),
        replace(new, options=now.options, lists=now.lists, tools=now.tools),
    )
    return LrcnError(
        f"{folder.staged} holds another append, which isn't finished:"
        f" {'; '.join(found) or 'it adds other classes, or follows on other shards'}; finish it"
        " with the same values and lists, or give --overwrite to replace it"
    )


def _almost_done(folder: DataSetFolder) -> LrcnError:
    return LrcnError(
        f"{folder} has an append that was stopped while it moved in; run the same command without"
        " --dry-run, which moves the rest"
    )


def _refuse_staged(folder: DataSetFolder) -> None:
    """Refuse to change a data set while an append to it isn't finished.

    Raises:
        LrcnError: There is such an append.
    """
    staged = read_manifest(folder.staged)
    if staged is not None and staged.complete:
        raise _almost_done(folder)
    if staged is not None:
        raise LrcnError(
            f"{folder} has an append that isn't finished, in {folder.staged}; run the same command"
            " with --append to finish it, or with --append --overwrite to replace it"
        )


def _refuse_unnamed_shards(shards: Sequence[PlannedShard], folder: DataSetFolder) -> None:
    """Refuse to replace tars that a data set's manifest doesn't name.

    Raises:
        LrcnError: There is a tar that would be replaced.
    """
    there = set(folder.names())
    found = [tar for tar in (ShardFiles(shard.name).tar for shard in shards) if tar in there]
    if found:
        raise LrcnError(
            f"{folder} has {first_few(found, _SHOWN)}, which its {MANIFEST} doesn't name and which"
            " would be replaced; move them to another folder"
        )


def _refuse_foreign_files(shards: Sequence[PlannedShard], folder: DataSetFolder) -> None:
    """Refuse to replace files of a folder that has no manifest to say that they are a data set's.

    Raises:
        LrcnError: There is a file that would be replaced.
    """
    there = set(folder.names())
    names = (DATA_CARD, REJECTED, *DERIVED, *(ShardFiles(shard.name).tar for shard in shards))
    found = [name for name in names if name in there]
    # a part that began in the meantime has written its manifest before any tar
    if found and not folder.has(MANIFEST):
        raise LrcnError(
            f"{folder} has no {MANIFEST}, but {', '.join(found[:3])}, which would be replaced; use"
            " another --out, or --overwrite"
        )


def read_manifest(folder: DataSetFolder) -> Manifest | None:
    """Read the manifest of a folder that a run writes into; None where there is none.

    Raises:
        LrcnError: It can't be read.
    """
    try:
        return folder.read_manifest()
    except (ShardError, OSError) as error:
        raise LrcnError(f"{folder.at(MANIFEST)}: {error}; use another --out") from error
