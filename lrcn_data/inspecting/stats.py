"""What a data set holds: classes, lengths, rejects, bytes, and the colours of its pixels.

Pixels are described by the train split alone, or by all shards where there is no train split:

- The mean image and the channels' mean come from the exact sums of the frames before JPEG, on the
  data set's canvas. Of a data set that was made from a part of another one they may be those of the
  decoded frames, which is said.
- The channels' standard deviation needs squares, which the sums don't have. It is that of every
  pixel of every stored frame, decoded from its JPEG at its own size: the root of E[x²] - E[x]²,
  with both taken from an exact histogram.
"""

from __future__ import annotations

import io
import math
import os
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import MEAN_IMAGE, STATS
from lrcn_data.format.json_text import dump_json
from lrcn_data.format.pictures import as_rgb
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.inspecting.class_time import ClassTime, Frames, class_times
from lrcn_data.inspecting.findings.find import Finding, judge_all
from lrcn_data.inspecting.read_samples import (
    ReadOptions,
    ReadSamples,
    is_consecutive,
    read_samples,
)
from lrcn_data.inspecting.rejections import read_rejections
from lrcn_data.splits import SPLITS

_SETS_SHOWN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitStats:
    """What a split holds, in numbers.

    Attributes:
        shards: Number of tars.
        videos: Number of entries in its list.
        clips: Number of samples.
        frames: Number of stored frames.
        valid_frames: Number of stored frames that are no padding.
        bytes: Size of all tars together, in bytes.
        skipped: Number of entries that were too short.
        failed: Number of entries that gave no clip for any other reason.
    """

    shards: int
    videos: int
    clips: int
    frames: int
    valid_frames: int
    bytes: int
    skipped: int
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassStats:
    """How many clips a class has; one of a multi-label data set counts for all of its classes.

    Attributes:
        name: Name of the class.
        clips: Number of clips by split.
    """

    name: str
    clips: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetStats:
    """The sets of classes that the clips of a multi-label data set have.

    Attributes:
        clips_by_size: Number of clips by the number of their classes, ascending.
        different: Number of different sets.
        most_frequent: The class names of the most frequent sets, at most 10, with their numbers of
            clips.
    """

    clips_by_size: dict[int, int]
    different: int
    most_frequent: list[tuple[list[str], int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lengths:
    """How many frames the clips have, where they differ in it.

    Attributes:
        least: The number of frames of the shortest clip.
        median: Median of the numbers of frames.
        largest: The number of frames of the longest clip.
    """

    least: int
    median: float
    largest: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Seconds:
    """How long the videos are that clips were taken from, in seconds.

    Attributes:
        shortest: Length of the shortest video.
        median: Median of the lengths.
        longest: Length of the longest video.
        total: Length of all videos together.
    """

    shortest: float
    median: float
    longest: float
    total: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelStats:
    """The colours of frames, by channel (of RGB red, green, blue), with values from 0 to 255.

    Attributes:
        split: The split that the frames belong to, `train`, or `all` for those of all splits.
        frames: Number of frames.
        canvas: (width, height) of the mean image in pixels.
        exact: Whether all frames had the canvas's size, so that none was resized, and none was
            summed up as decoded.
        mean: Mean of each channel over the frames before JPEG, from exact sums.
        std: Standard deviation of each channel over the decoded frames; None where they were not
            all decoded.
        decoded_frames: Number of frames that the mean has as they are decoded from their JPEGs,
            where a data set was made from a part of another one.
    """

    split: str
    frames: int
    canvas: tuple[int, int]
    exact: bool
    mean: list[float]
    std: list[float] | None
    decoded_frames: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """What a data set holds.

    Attributes:
        fps: Frames per second that clips were sampled from, as the manifest has it.
        seq_len: Number of frames in a clip; the largest possible one where clips differ in it.
        splits: What each split holds, by its name.
        classes: How many clips each class has, by class number.
        frame_sizes: Number of clips by frame size, written WIDTHxHEIGHT; the most frequent first.
        source_fps: Number of clips by the frames per second of their videos; the most frequent
            first.
        seconds: How long the videos of each split are.
        rejects: Number of rejected entries by reason and split; the most frequent reason first.
        shared_groups: Groups of videos that are in two splits, each as a sentence.
        pixels: The colours of the frames.
        findings: What is unusual about the clips; see `findings.finding_kinds`.
        looked_at: The number of clips whose pictures were looked at for findings.
        sets: The sets of classes that clips have; None where every clip has one class.
        lengths: How many frames the clips of each split have; None where all have seq_len.
        class_time: How long videos have each class, by class number, and at last none of them; None
            where labels are not in time.
    """

    fps: str
    seq_len: int
    splits: dict[str, SplitStats]
    classes: list[ClassStats]
    frame_sizes: dict[str, int]
    source_fps: dict[str, int]
    seconds: dict[str, Seconds]
    rejects: dict[str, dict[str, int]]
    shared_groups: list[str]
    pixels: PixelStats
    findings: list[Finding]
    looked_at: int
    sets: SetStats | None = None
    lengths: dict[str, Lengths] | None = None
    class_time: list[ClassTime] | None = None

    def as_record(self) -> dict[str, Any]:
        """As stats.json has it; what only some data sets have is left out where it is None."""
        record = asdict(self)
        for name in ("sets", "lengths", "class_time"):
            if record[name] is None:
                del record[name]
        return record


def compute_stats(
    folder: str | os.PathLike[str],
    *,
    look_at: int = 0,
    seed: int = 0,
    workers: int | None = None,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clip: Callable[[], None] = lambda: None,
) -> tuple[Stats, npt.NDArray[np.uint8]]:
    """Read all of a data set and describe it.

    Args:
        folder: Path or URL of the data set.
        look_at: The largest number of clips whose pictures are looked at for findings, such as
            black frames; 0 for findings that records tell alone.
        seed: The seed by which these clips are drawn.
        workers: Number of threads that read and decode; None for as many as cores may be used.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of clips, and with the number still to be read, which
            is the same.
        on_clip: Called after each clip that was read.

    Returns:
        The description, and the mean image: uint8 (height, width, channels).

    Raises:
        UsageError: The folder's name has no meaning, a number is out of its range, or a plug-in has
            made the frames that is not named.
        ShardError: The data set is missing, unfinished or damaged.
    """
    options = ReadOptions(look_at=look_at, seed=seed, workers=workers)
    data_set = open_data_set(folder, plugins=plugins)
    described = data_set.found.first_manifest.summed_split or "all"
    options = replace(options, count_pixels=described)
    on_start(len(data_set), len(data_set))
    return describe(data_set, read_samples(data_set, options, on_clip), options)


def describe(
    data_set: DataSet, found: ReadSamples, options: ReadOptions
) -> tuple[Stats, npt.NDArray[np.uint8]]:
    """Describe a data set, given what was found out by reading it.

    Args:
        data_set: All shards of the data set.
        found: What was found out.
        options: How it was read.

    Returns:
        The description, and the mean image: uint8 (height, width, channels).

    Raises:
        ShardError: The rejected entries or the pixel sums are missing or damaged.
    """
    folder, manifest = data_set.shards[0].folder, data_set.found.first_manifest
    ((canvas, (pixel_sum, frame_count)),) = (
        _of_split(data_set, manifest.summed_split).pixel_sums().items()
    )
    mean = pixel_sum / max(1, frame_count)
    counted = options.count_pixels is not None
    stats = Stats(
        fps=manifest.fps,
        seq_len=data_set.seq_len,
        splits=_splits(data_set),
        classes=_classes(data_set),
        frame_sizes=dict(found.sizes.most_common()),
        source_fps=dict(found.source_fps.most_common()),
        seconds=_seconds(found.seconds),
        rejects=_rejects(folder),
        shared_groups=[
            f"{class_name + ': ' if class_name else ''}{group} is in"
            f" {' and '.join(s for s in SPLITS if s in splits)}"
            for (class_name, group), splits in sorted(found.groups.items())
            if len(splits) > 1
        ],
        pixels=PixelStats(
            split=manifest.summed_split or "all",
            frames=frame_count,
            canvas=canvas,
            exact=manifest.mean_exact,
            mean=mean.mean((0, 1)).tolist(),
            std=[_standard_deviation(counts) for counts in found.histogram.tolist()]
            if counted
            else None,
            decoded_frames=manifest.decoded_frames,
        ),
        findings=judge_all(data_set, found.seen, found.looked_at),
        looked_at=len(found.looked_at),
        sets=_sets(data_set) if data_set.multi_label else None,
        lengths=_lengths(data_set) if data_set.layout.variable_length else None,
        class_time=_class_time(data_set, found.frames) if data_set.labels_in_time else None,
    )
    return stats, np.floor(mean + 0.5).astype(np.uint8)


def _standard_deviation(counts: list[int]) -> float:
    """The standard deviation of values from 0 to 255; exact but for the last division and root.

    Args:
        counts: How often each value occurs.
    """
    number = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return math.sqrt(number * squares - total * total) / number if number else 0.0


def _of_split(data_set: DataSet, split: str | None) -> DataSet:
    """The samples of a split; those of all splits for None."""
    shards = [shard for shard in data_set.shards if split in (None, shard.entry.split)]
    return DataSet(replace(data_set.found, shards=shards), data_set.layout)


def _splits(data_set: DataSet) -> dict[str, SplitStats]:
    valid: Counter[str] = Counter()
    for shard, index in zip(data_set.shards, data_set.indices, strict=True):
        valid[shard.entry.split] += int(index.num_valid.sum())
    splits = {}
    for split in SPLITS:
        entries = [shard.entry for shard in data_set.shards if shard.entry.split == split]
        if entries:
            splits[split] = SplitStats(
                shards=len(entries),
                videos=sum(entry.videos for entry in entries),
                clips=sum(entry.samples for entry in entries),
                frames=sum(entry.frames for entry in entries),
                valid_frames=valid[split],
                bytes=sum(entry.bytes for entry in entries),
                skipped=sum(entry.skipped for entry in entries),
                failed=sum(entry.failed for entry in entries),
            )
    return splits


def _classes(data_set: DataSet) -> list[ClassStats]:
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for shard, index in zip(data_set.shards, data_set.indices, strict=True):
        here = index.class_counts(len(data_set.classes))
        counts[shard.entry.split] = counts.get(shard.entry.split, 0) + here
    return [
        ClassStats(
            name=name,
            clips={split: int(counts[split][label]) for split in SPLITS if split in counts},
        )
        for label, name in enumerate(data_set.classes)
    ]


def _sets(data_set: DataSet) -> SetStats:
    sets = Counter(
        tuple(index.classes_at(position))
        for index in data_set.indices
        for position in range(len(index))
    )
    sizes: Counter[int] = Counter()
    for numbers, count in sets.items():
        sizes[len(numbers)] += count
    ranked = sorted(sets.items(), key=lambda item: (-item[1], item[0]))
    return SetStats(
        clips_by_size=dict(sorted(sizes.items())),
        different=len(sets),
        most_frequent=[
            ([data_set.classes[number] for number in numbers], count)
            for numbers, count in ranked[:_SETS_SHOWN]
        ],
    )


def _class_time(
    data_set: DataSet, videos: Mapping[tuple[str, str, int], Frames]
) -> list[ClassTime]:
    return class_times(videos, data_set.classes, data_set.fps, consecutive=is_consecutive(data_set))


def _lengths(data_set: DataSet) -> dict[str, Lengths]:
    by_split: dict[str, list[int]] = {}
    for shard, index in zip(data_set.shards, data_set.indices, strict=True):
        by_split.setdefault(shard.entry.split, []).extend(index.num_valid.tolist())
    return {
        split: Lengths(
            least=min(by_split[split]),
            median=float(statistics.median(by_split[split])),
            largest=max(by_split[split]),
        )
        for split in SPLITS
        if by_split.get(split)
    }


def _seconds(seconds: Mapping[tuple[str, str, int], float]) -> dict[str, Seconds]:
    by_split: dict[str, list[float]] = {}
    for (split, *_), length in seconds.items():
        by_split.setdefault(split, []).append(length)
    return {
        split: Seconds(
            shortest=min(by_split[split]),
            median=statistics.median(by_split[split]),
            longest=max(by_split[split]),
            total=math.fsum(by_split[split]),
        )
        for split in SPLITS
        if split in by_split
    }


def _rejects(folder: DataSetFolder) -> dict[str, dict[str, int]]:
    """How many entries were rejected, by reason and split; the most frequent reason first."""
    lines = read_rejections(folder)
    counts = Counter((line.reason, line.split) for line in lines)
    reasons = Counter(line.reason for line in lines)
    return {
        reason: {split: counts[reason, split] for split in SPLITS if counts[reason, split]}
        for reason, _ in reasons.most_common()
    }


def write_stats(folder: DataSetFolder, stats: Stats, mean_image: npt.NDArray[np.uint8]) -> None:
    """Write stats.json and mean.png into a data set's folder.

    Args:
        folder: The data set's folder.
        stats: What the data set holds.
        mean_image: uint8 (height, width, channels).

    Raises:
        ShardError: The folder can't be written to.
    """
    picture = io.BytesIO()
    Image.fromarray(as_rgb(mean_image)).save(picture, "PNG")
    try:
        folder.write(STATS, dump_json(stats.as_record()))
        folder.write(MEAN_IMAGE, picture.getvalue())
    except OSError as error:
        raise ShardError(f"{folder} can't be written to: {error}") from error
