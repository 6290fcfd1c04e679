"""One data set of the samples of several."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence

from lrcn_data.errors import UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.joining.class_numbers import joined_classes
from lrcn_data.joining.duplicates import leave_out_duplicates, refuse_duplicates
from lrcn_data.joining.join import JoinPlan, JoinResult, join
from lrcn_data.joining.joined_options import refuse_disagreement
from lrcn_data.joining.joined_shards import shards_as_they_are
from lrcn_data.joining.leakage import refuse_leakage
from lrcn_data.joining.stored_videos import open_stored_set


def merge(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    skip_duplicates: bool = False,
    allow_leakage: bool = False,
    link: bool = False,
    workers: int | None = None,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda shards, left: None,
    on_shard: Callable[[], None] = lambda: None,
) -> JoinResult:
    """Make one data set of several.

    The classes are those of the first, and behind them what the others add, by name. Shards follow
    one another in each split; a tar of which no class number and no key changes stays as it is,
    byte for byte, and no frame is encoded anew. Pixel sums are added, exactly where all have the
    same canvas. One that was stopped is gone on with.

    Args:
        sources: Paths or URLs of the data sets, at least two.
        out: Path or URL of the folder to write into.
        skip_duplicates: Whether clips that several have are taken once, instead of refused; and so
            are files that are too short for one.
        allow_leakage: Whether a file, or a group of videos, may be in two splits.
        link: Whether tars that stay as they are become hard links, which take no more room.
        workers: Number of threads that write shards; None for as many as cores may be used.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of shards, and with the number still to be written.
        on_shard: Called after each shard that was written.

    Raises:
        UsageError: There are fewer than two data sets, one is named twice, a plug-in has made the
            frames that is not named, or there can't be links.
        ShardError: A data set is missing, unfinished or damaged, or they differ in what their clips
            are.
        LrcnError: They have the same clips, a file or a group is in two splits, the folder holds
            another data set, or a file can't be written.
    """
    folders = [DataSetFolder(source) for source in sources]
    if len(folders) < 2:
        raise UsageError("merging takes two data sets or more; name their folders")
    for number, folder in enumerate(folders):
        if folder in folders[:number]:
            raise UsageError(f"{folder} is named twice; name each data set once")
    target = DataSetFolder(out)
    if link:
        _refuse_stores([*folders, target])
    stored = [open_stored_set(folder.location, plugins=plugins) for folder in folders]
    refuse_disagreement(stored)
    distinct = leave_out_duplicates(stored)
    if not skip_duplicates:
        refuse_duplicates(distinct)
    if not allow_leakage:
        refuse_leakage(stored, distinct.videos)
    entries = distinct.entries if skip_duplicates else [set() for _ in stored]
    plan = JoinPlan(
        stored=stored,
        shards=shards_as_they_are(stored, distinct.videos, entries),
        classes=joined_classes([one.data.classes for one in stored]),
        left_out=distinct.left_out,
        entries_left_out=sum(map(len, entries)),
    )
    return join(plan, target, link=link, workers=workers, on_start=on_start, on_shard=on_shard)


def _refuse_stores(folders: Sequence[DataSetFolder]) -> None:
    for folder in folders:
        if not folder.is_local:
            raise UsageError(f"{folder} is in a store, which has no links; leave out --link")
