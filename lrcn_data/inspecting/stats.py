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
import json
import math
import os
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import MEAN_IMAGE, REJECTED, STATS
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.json_text import dump_json
from lrcn_data.format.pictures import as_rgb, pillow_images
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.inspecting.class_time import ClassTime, Frames, class_times, frames_of
from lrcn_data.lists.video_groups import group_of
from lrcn_data.machine import usable_cores
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
        std: Standard deviation of each channel over the decoded frames.
        decoded_frames: Number of frames that the mean has as they are decoded from their JPEGs,
            where a data set was made from a part of another one.
    """

    split: str
    frames: int
    canvas: tuple[int, int]
    exact: bool
    mean: list[float]
    std: list[float]
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
        seconds: How long the videos of each split are.
        rejects: Number of rejected entries by reason and split; the most frequent reason first.
        shared_groups: Groups of videos that are in two splits, each as a sentence.
        pixels: The colours of the frames.
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
    seconds: dict[str, Seconds]
    rejects: dict[str, dict[str, int]]
    shared_groups: list[str]
    pixels: PixelStats
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


@dataclass(slots=True)
class _Found:
    """What was found out by reading the samples of one shard, or of several.

    Attributes:
        histogram: int64 (channels, 256), how often each value occurs.
    """

    histogram: npt.NDArray[np.int64]
    sizes: Counter[str] = field(default_factory=Counter)
    seconds: dict[tuple[str, str, int], float] = field(default_factory=dict)
    groups: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    frames: dict[tuple[str, str, int], Frames] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        record = sample.record
        self.sizes[f"{record.width}x{record.height}"] += 1
        start, end = record.segment
        video = record.split, record.video, sample.source
        self.seconds[video] = max(end - start, self.seconds.get(video, 0.0))
        group = group_of(record.video)
        if group:
            # the clips of one recording may have different sets, whose records name no single class
            self.groups.setdefault((record.class_name, group), set()).add(record.split)

    def add_frames(self, sample: Sample, data_set: DataSet) -> None:
        record = sample.record
        video = record.split, record.video, sample.source
        frames = frames_of(record, data_set.fps, consecutive=_is_consecutive(data_set))
        self.frames.setdefault(video, {}).update(frames)

    def merge(self, other: _Found) -> None:
        self.sizes += other.sizes
        self.seconds |= other.seconds
        for video, frames in other.frames.items():
            self.frames.setdefault(video, {}).update(frames)
        for group, splits in other.groups.items():
            self.groups.setdefault(group, set()).update(splits)
        self.histogram += other.histogram


def compute_stats(
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clip: Callable[[], None] = lambda: None,
) -> tuple[Stats, npt.NDArray[np.uint8]]:
    """Read all of a data set and describe it.

    Args:
        folder: Path or URL of the data set.
        workers: Number of threads that read and decode; None for as many as cores may be used.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of clips, and with the number still to be read, which
            is the same.
        on_clip: Called after each clip that was read.

    Returns:
        The description, and the mean image: uint8 (height, width, channels).

    Raises:
        UsageError: The folder's name has no meaning, or a plug-in has made the frames that is not
            named.
        ShardError: The data set is missing, unfinished or damaged.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, got {workers}")
    data_set = open_data_set(folder, plugins=plugins)
    described = data_set.found.first_manifest.summed_split
    on_start(len(data_set), len(data_set))
    found = _read_all(data_set, described, workers or usable_cores(), on_clip)
    summed = open_data_set(folder, split=described, plugins=plugins)
    ((canvas, (pixel_sum, frame_count)),) = summed.pixel_sums().items()
    mean = pixel_sum / max(1, frame_count)
    stats = Stats(
        fps=data_set.found.first_manifest.fps,
        seq_len=data_set.seq_len,
        splits=_splits(data_set),
        classes=_classes(data_set),
        frame_sizes=dict(found.sizes.most_common()),
        seconds=_seconds(found.seconds),
        rejects=_rejects(data_set.shards[0].folder),
        shared_groups=[
            f"{class_name + ': ' if class_name else ''}{group} is in"
            f" {' and '.join(s for s in SPLITS if s in splits)}"
            for (class_name, group), splits in sorted(found.groups.items())
            if len(splits) > 1
        ],
        pixels=PixelStats(
            split=described or "all",
            frames=frame_count,
            canvas=canvas,
            exact=data_set.found.first_manifest.mean_exact,
            mean=mean.mean((0, 1)).tolist(),
            std=[_standard_deviation(counts) for counts in found.histogram.tolist()],
            decoded_frames=data_set.found.first_manifest.decoded_frames,
        ),
        sets=_sets(data_set) if data_set.multi_label else None,
        lengths=_lengths(data_set) if data_set.layout.variable_length else None,
        class_time=_class_time(data_set, found.frames) if data_set.labels_in_time else None,
    )
    return stats, np.floor(mean + 0.5).astype(np.uint8)


def _read_all(
    data_set: DataSet, described: str | None, workers: int, on_clip: Callable[[], None]
) -> _Found:
    """Read all samples, each shard in one thread; decode those of the split to be described."""
    first = 0
    jobs = []
    for shard, index in zip(data_set.shards, data_set.indices, strict=True):
        decode = described in (None, shard.entry.split)
        jobs.append((range(first, first + len(index)), decode))
        first += len(index)
    found = _Found(_empty_histogram(data_set))
    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda job: _read_shard(data_set, *job), jobs)
        for part, (numbers, _) in zip(parts, jobs, strict=True):
            found.merge(part)
            for _ in numbers:
                on_clip()
    return found


def _read_shard(data_set: DataSet, numbers: Iterable[int], decode: bool) -> _Found:
    found = _Found(_empty_histogram(data_set))
    for number in numbers:
        sample = data_set.read_sample(number)
        found.add(sample)
        if data_set.labels_in_time:
            found.add_frames(sample, data_set)
        if decode:
            buffer = np.empty(frame_bytes(sample) * len(sample.frames), np.uint8)
            frames = decode_frames(sample, buffer)
            found.histogram += _histogram(frames.reshape(-1, *frames.shape[2:]))
    return found


def _empty_histogram(data_set: DataSet) -> npt.NDArray[np.int64]:
    return np.zeros((data_set.layout.channels, 256), np.int64)


def _histogram(picture_HWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How often each value occurs in each channel, int64 (channels, 256)."""
    counts = [image.histogram() for image in pillow_images(picture_HWC)]
    return np.array(counts, np.int64).reshape(-1, 256)


def _standard_deviation(counts: list[int]) -> float:
    """The standard deviation of values from 0 to 255; exact but for the last division and root.

    Args:
        counts: How often each value occurs.
    """
    number = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return math.sqrt(number * squares - total * total) / number if number else 0.0


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


def _is_consecutive(data_set: DataSet) -> bool:
    """Whether clips have consecutive frames of the fps stream."""
    return bool(data_set.found.first_manifest.options.get("sampling") == "windows")


def _class_time(
    data_set: DataSet, videos: Mapping[tuple[str, str, int], Frames]
) -> list[ClassTime]:
    return class_times(
        videos, data_set.classes, data_set.fps, consecutive=_is_consecutive(data_set)
    )


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
    try:
        lines = [json.loads(line) for line in folder.read(REJECTED).splitlines()]
        counts = Counter((str(line["reason"]), str(line["split"])) for line in lines)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ShardError(
            f"{folder.at(REJECTED)} can't be read: {error}; run the same `lrcn-data shard` command"
            " again"
        ) from error
    reasons = Counter({reason: 0 for reason, _ in counts})
    for (reason, _), count in counts.items():
        reasons[reason] += count
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
