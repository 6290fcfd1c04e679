"""Opens shards to train on or to score: the right split, and of the kind that a net takes."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.format.file_names import ENDING
from lrcn_data.format.recipe import given_seq_len, sampling_differences
from lrcn_data.format.shard_patterns import Patterns, expand_shards
from lrcn_data.machine import usable_cores
from lrcn_data.storage.file_cache import FileCache
from lrcn_model.processor import Processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.batch_loader import load_batches
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.epoch_sampler import EpochSampler
from lrcn_model.reading.recut_clips import RecutClips, stored_videos
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.stream_sampler import StreamSampler

_MOST_WORKERS = 8


def default_workers() -> int:
    """The number of processes that read shards where --workers isn't given.

    On two cores reading in the training's own process is the fastest: decoding takes a few
    percent of a step on a CPU, and another process would take turns with the computing threads.
    """
    cores = usable_cores()
    return 0 if cores <= 2 else min(cores - 1, _MOST_WORKERS)


def open_shards(
    patterns: Patterns,
    *,
    split: str,
    plugins: Collection[str] = (),
    cache: FileCache | None = None,
) -> ShardDataset:
    """Open the clips of shards: of folders those of a split, of shards named one by one all.

    Args:
        patterns: Folders, or else shards as paths, globs or ranges.
        split: The split whose shards are taken from folders: train, val or test.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        cache: Where whole shards of stores are kept on this machine; None for nowhere.

    Raises:
        UsageError: The patterns can't be meant as given, or a plug-in that is not named has made
            the frames.
        ShardError: Shards are missing, damaged, or don't fit together.
    """
    names = expand_shards(patterns)
    tars = [name for name in names if name.endswith(ENDING)]
    if tars and len(tars) < len(names):
        folder = next(name for name in names if not name.endswith(ENDING))
        raise UsageError(
            f"{folder} stands for its {split} shards, {tars[0]} for itself; name folders or shards,"
            " not both at once"
        )
    data = ShardDataset(patterns, split=None if tars else split, plugins=plugins, cache=cache)
    if not len(data):
        raise UsageError(f"the {split} shards named have no clips; name others")
    return data


def shard_cache(folder: str | Path | None, most_bytes: int | None) -> FileCache | None:
    """Where whole shards of stores are kept on this machine; None for nowhere.

    Args:
        folder: The folder, which is made where that is needed; None for none.
        most_bytes: The most bytes that the shards in it may have; None for what is free, less a
            tenth of the disk.

    Raises:
        UsageError: The folder can't be made, or a size is given without one.
    """
    if folder is None and most_bytes is not None:
        raise UsageError(f"--cache-size {most_bytes} is that of --cache-dir; name a folder as well")
    return None if folder is None else FileCache.of(Path(folder), most_bytes)


_OF_STORED = ("stride", "sampling_values")
"""What of a recipe says how windows are stored, which other windows are cut from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What shards must be like so that a net can be scored or validated on them.

    Attributes:
        what: The owner of what is wanted, with a verb, for error messages: "the run x has".
        classes: The class names, by class number.
        seq_len: The number of frames in a clip; the largest one where clips differ in it. None
            where it may be any, since windows are cut from the clips.
        frame_kind: The name of the kind of frames.
        recipe: How the clips were made that the net was or is trained on.
        multi_label: Whether a clip has a set of classes, instead of one.
        labels_in_time: Whether frames have classes of their own.
    """

    what: str
    classes: Sequence[str]
    seq_len: int | None
    frame_kind: str
    recipe: Mapping[str, Any]
    multi_label: bool = False
    labels_in_time: bool = False


def check_fits(data: ShardDataset, wanted: Wanted, *, allow_other_sampling: bool) -> list[str]:
    """Refuse shards of another kind than those that a net was or is trained on.

    Args:
        data: The shards' clips.
        wanted: What they must be like.
        allow_other_sampling: Whether clips may be sampled otherwise.

    Returns:
        In what the sampling differs, where that is allowed; a phrase for each difference.

    Raises:
        UsageError: The shards differ from what is wanted.
    """
    folder, what = data.data_set.shards[0].location, wanted.what
    if wanted.seq_len not in (None, data.seq_len):
        raise UsageError(
            f"{folder} has clips of {data.seq_len} frames, {what} {wanted.seq_len}; make shards"
            f" with --seq-len {given_seq_len(wanted.seq_len, wanted.recipe.get('short'))}"
        )
    if data.frame_kind.name != wanted.frame_kind:
        raise UsageError(
            f"{folder} has frames of the kind {data.frame_kind.name}, {what} {wanted.frame_kind};"
            f" make shards with --frame-kind {wanted.frame_kind}"
        )
    if data.multi_label != wanted.multi_label:
        several, one = "several labels a clip", "one label a clip"
        has, has_not = (several, one) if data.multi_label else (one, several)
        flag = "with" if wanted.multi_label else "without"
        raise UsageError(f"{folder} has {has}, {what} {has_not}; make shards {flag} --multi-label")
    if data.labels_in_time != wanted.labels_in_time:
        in_time, one = "labels in time", "one label a clip"
        has, has_not = (in_time, one) if data.labels_in_time else (one, in_time)
        lists = "lists of segments" if wanted.labels_in_time else "lists of videos"
        raise UsageError(f"{folder} has {has}, {what} {has_not}; make shards of {lists}")
    if len(data.classes) != len(wanted.classes):
        raise UsageError(
            f"{folder} has {len(data.classes)} classes, {what} {len(wanted.classes)}; make shards"
            " with the same class names (lrcn-data shard --classes)"
        )
    for number, (one, other) in enumerate(zip(data.classes, wanted.classes, strict=True)):
        if one != other:
            raise UsageError(
                f"{folder} has {one!r} as class {number}, {what} {other!r}; make shards with the"
                " same class names (lrcn-data shard --classes)"
            )
    recipes = [data.recipe, wanted.recipe]
    if wanted.seq_len is None:
        recipes = [{n: recipe[n] for n in recipe if n not in _OF_STORED} for recipe in recipes]
    differences = sampling_differences(*recipes)
    if differences and not allow_other_sampling:
        raise UsageError(
            f"{folder} has clips of {', '.join(differences)}, which is what {what}; make shards"
            " with the same values, or give --allow-other-sampling"
        )
    return differences


def scoring_windows(
    data: ShardDataset, window: int | None, *, carry_state: bool
) -> ShardDataset | RecutClips:
    """The windows that a net is scored on that was trained on windows of labels in time.

    Where windows are cut and no state is carried they overlap by half, so that a frame at the end
    of one is in the middle of another.

    Args:
        data: The stored windows.
        window: The number of frames of the windows trained on; 0 for whole videos, None for the
            stored windows.
        carry_state: Whether the head's state is carried from window to window.

    Raises:
        UsageError: The clips are no windows, or no such windows can be cut.
    """
    if window is None:
        stored_videos(data)
        return data
    stride = None if carry_state or not window else max(1, window // 2)
    return RecutClips.cut(data, length=window or None, stride=stride)


def scoring_batches(
    data: Clips,
    *,
    batch_size: int,
    workers: int,
    processor: Processor,
    ranks: Ranks,
    in_streams: bool = False,
) -> Generator[ClipBatch, None, None]:
    """Load every clip once, in one of the processes, in the clips' order.

    Args:
        data: The clips: a `ShardDataset`, what is cached of one, or windows cut from one.
        batch_size: The number of clips in a batch.
        workers: The number of processes that read shards; 0 for reading in this process.
        processor: The processor that the batches are for.
        ranks: The processes that share the clips.
        in_streams: Whether windows of one video come in their order, one a batch, so that a head's
            state can be carried; the first process has them all then.

    Yields:
        The batches, on the processor's device.
    """
    sampler: EpochSampler | StreamSampler
    if in_streams:
        assert isinstance(data, RecutClips)
        if not ranks.first:
            return
        sampler = StreamSampler(data, batch_size=batch_size, shuffle=False)
    else:
        sampler = EpochSampler(
            data, batch_size=batch_size, rank=ranks.rank, ranks=ranks.count, shuffle=False
        )
    yield from load_batches(data, sampler, workers, processor)
