"""A data set of a part of another one's videos."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.joining.choose_videos import SubsetOptions, choose_videos
from lrcn_data.joining.join import JoinPlan, JoinResult, join
from lrcn_data.joining.joined_shards import shards_anew
from lrcn_data.joining.stored_videos import open_stored_set


def subset(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: SubsetOptions,
    *,
    workers: int | None = None,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda shards, left: None,
    on_shard: Callable[[], None] = lambda: None,
) -> JoinResult:
    """Make a data set of some videos of another one.

    Samples stay in their splits and keep their keys; no frame is encoded anew. With fewer classes,
    these keep their order and get the numbers from 0; of what samples have several of, sets of
    classes or a class a frame, the others are taken away. Entries that gave no clip are in no
    subset. The mean image is that of the subset's own frames: of the frames before they were
    encoded where it has all of the summed split, else of the decoded ones. One that was stopped is
    gone on with.

    Args:
        source: Path or URL of the data set.
        out: Path or URL of the folder to write into.
        options: Which videos the subset has.
        workers: Number of threads that write shards; None for as many as cores may be used.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of shards, and with the number still to be written.
        on_shard: Called after each shard that was written.

    Raises:
        UsageError: A class or a listed video is not there, no video is chosen, or a plug-in has
            made the frames that is not named.
        ShardError: The data set is missing, unfinished or damaged.
        LrcnError: The folder holds another data set, or a file can't be written.
    """
    stored = open_stored_set(os.fspath(source), plugins=plugins)
    chosen = choose_videos(stored, options)
    plan = JoinPlan(
        stored=[stored],
        shards=shards_anew(stored, chosen.videos),
        classes=chosen.classes,
        choice=chosen.choice,
    )
    return join(plan, DataSetFolder(out), workers=workers, on_start=on_start, on_shard=on_shard)
