"""Reads all samples of a data set once, and gathers what is to be said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.pictures import pillow_images
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.class_time import Frames, frames_of
from lrcn_data.inspecting.findings.find import (
    SeenByKind,
    choose_clips_to_look_at,
    look_at_sample,
    merge_seen,
)
from lrcn_data.lists.video_groups import group_of
from lrcn_data.machine import usable_cores

Video = tuple[str, str, int]
"""A video of a split: the split, the path, and the number of its file; see `format.sources`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """What is done with the samples that are read.

    Attributes:
        count_pixels: The split of which all pixels are counted; `all` for every split, None for
            none, so that only those frames are decoded that `look_at` asks for.
        look_at: The largest number of clips whose pictures are looked at for findings.
        seed: The seed by which these are drawn.
        workers: The number of threads; None for as many as cores may be used.

    Raises:
        UsageError: The number of threads is below 1.
    """

    count_pixels: str | None = None
    look_at: int = 0
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers must be at least 1, got {self.workers}")

    def counts(self, split: str) -> bool:
        """Whether the pixels of a split are counted."""
        return self.count_pixels in ("all", split)


@dataclass(slots=True)
class ReadSamples:
    """What was found out by reading samples.

    Attributes:
        histogram: int64 (channels, 256), how often each value occurs in the pixels counted.
        sizes: The number of clips by the size of their frames, written WIDTHxHEIGHT.
        source_fps: The number of clips by the frames per second of their videos, as text.
        seconds: The length of each video in seconds.
        groups: The splits that each group of videos is in, by class name and group.
        frames: The class of each frame of each video, where labels are in time.
        seen: What the kinds of findings have seen.
        looked_at: The numbers of the samples whose pictures were looked at.
    """

    histogram: npt.NDArray[np.int64]
    sizes: Counter[str] = field(default_factory=Counter)
    source_fps: Counter[str] = field(default_factory=Counter)
    seconds: dict[Video, float] = field(default_factory=dict)
    groups: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    frames: dict[Video, Frames] = field(default_factory=dict)
    seen: SeenByKind = field(default_factory=dict)
    looked_at: frozenset[int] = frozenset()

    def add(self, sample: Sample) -> None:
        """Take what a sample's record says."""
        record = sample.record
        self.sizes[f"{record.width}x{record.height}"] += 1
        self.source_fps[f"{record.source_fps:.5g}"] += 1
        start, end = record.segment
        video = record.split, record.video, sample.source
        self.seconds[video] = max(end - start, self.seconds.get(video, 0.0))
        group = group_of(record.video)
        if group:
            # the clips of one recording may have different sets, whose records name no single class
            self.groups.setdefault((record.class_name, group), set()).add(record.split)

    def add_frames(self, sample: Sample, data_set: DataSet) -> None:
        """Take the classes of a sample's frames."""
        record = sample.record
        video = record.split, record.video, sample.source
        frames = frames_of(record, data_set.fps, consecutive=is_consecutive(data_set))
        self.frames.setdefault(video, {}).update(frames)

    def merge(self, other: ReadSamples) -> None:
        """Add what was found out by reading others."""
        self.sizes += other.sizes
        self.source_fps += other.source_fps
        self.seconds |= other.seconds
        for video, frames in other.frames.items():
            self.frames.setdefault(video, {}).update(frames)
        for group, splits in other.groups.items():
            self.groups.setdefault(group, set()).update(splits)
        self.histogram += other.histogram
        merge_seen(self.seen, other.seen)


def is_consecutive(data_set: DataSet) -> bool:
    """Whether clips have consecutive frames of the fps stream."""
    return bool(data_set.found.first_manifest.options.get("sampling") == "windows")


def read_samples(
    data_set: DataSet, options: ReadOptions, on_clip: Callable[[], None] = lambda: None
) -> ReadSamples:
    """Read all samples, each shard in one thread.

    Args:
        data_set: The data set.
        options: What is done with its samples.
        on_clip: Called after each clip that was read.

    Raises:
        UsageError: A number is out of its range.
        ShardError: A shard is damaged.
    """
    looked_at = choose_clips_to_look_at(data_set, options.look_at, options.seed)
    first = 0
    jobs: list[tuple[range, bool]] = []
    for shard, index in zip(data_set.shards, data_set.indices, strict=True):
        jobs.append((range(first, first + len(index)), options.counts(shard.entry.split)))
        first += len(index)
    found = ReadSamples(_empty_histogram(data_set), looked_at=looked_at)
    with ThreadPoolExecutor(options.workers or usable_cores()) as pool:
        parts = pool.map(lambda job: _read_shard(data_set, job[0], job[1], looked_at), jobs)
        for part, (numbers, _) in zip(parts, jobs, strict=True):
            found.merge(part)
            for _ in numbers:
                on_clip()
    return found


def _read_shard(
    data_set: DataSet, numbers: Iterable[int], counted: bool, looked_at: frozenset[int]
) -> ReadSamples:
    found = ReadSamples(_empty_histogram(data_set))
    for number in numbers:
        sample = data_set.read_sample(number)
        found.add(sample)
        if data_set.labels_in_time:
            found.add_frames(sample, data_set)
        frames = None
        if counted or number in looked_at:
            buffer = np.empty(frame_bytes(sample) * len(sample.frames), np.uint8)
            frames = decode_frames(sample, buffer)
        if counted and frames is not None:
            found.histogram += _histogram(frames.reshape(-1, *frames.shape[2:]))
        pictures = frames if number in looked_at else None
        look_at_sample(found.seen, number, sample, data_set.fps, pictures)
    return found


def _empty_histogram(data_set: DataSet) -> npt.NDArray[np.int64]:
    return np.zeros((data_set.layout.channels, 256), np.int64)


def _histogram(picture_HWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How often each value occurs in each channel, int64 (channels, 256)."""
    counts = [image.histogram() for image in pillow_images(picture_HWC)]
    return np.array(counts, np.int64).reshape(-1, 256)
