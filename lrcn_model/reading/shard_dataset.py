"""Shards as a map-style torch dataset that reads and decodes a whole batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lrcn_data.errors import ShardError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.shard_patterns import Patterns
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.size import Size
from lrcn_data.storage.file_cache import FileCache
from lrcn_model.nets.resize import resize
from lrcn_model.reading.class_rarity import ClassRarity
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.decode_samples import decode_samples
from lrcn_model.reading.fewer_frames import FewerFrames
from lrcn_model.reading.worker_errors import one_line_errors


class ShardDataset(Dataset[ClipBatch]):
    """The clips of shards, by number.

    With `DataLoader(dataset, batch_sampler=EpochSampler(dataset), collate_fn=collate)` each
    batch is read and decoded as a whole, one read a clip, into one buffer. May be pickled, so
    that workers can be forked or spawned.

    Args:
        patterns: Paths, folders, globs, ranges (`train-{000..099}.tar`) or fsspec URLs, one or
            several. A folder stands for all shards that its dataset.json names.
        split: Take only the shards of this split: train, val or test.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        cache: Where whole shards of stores are kept on this machine; None for nowhere.

    Attributes:
        data_set: The opened shards, as `lrcn_data.format.shard_reader` has them.

    Raises:
        UsageError: The patterns can't be meant as given, or a plug-in that is not named has made
            the frames.
        ShardError: A shard, its index or its manifest is missing, damaged or unfinished.
    """

    def __init__(
        self,
        patterns: Patterns,
        *,
        split: str | None = None,
        plugins: Collection[str] = (),
        cache: FileCache | None = None,
    ) -> None:
        self.data_set: DataSet = open_data_set(patterns, split=split, plugins=plugins, cache=cache)

    def with_seq_len(self, seq_len: int) -> ShardDataset:
        """The same clips with so many frames, taken evenly; itself where they have so many.

        Args:
            seq_len: The number of frames of a clip, up to that of the stored ones.

        Raises:
            UsageError: There are fewer frames, or the clips have no frame of each of the blocks
                of their videos.
        """
        if seq_len == self.seq_len:
            return self
        taken = copy(self)
        taken.data_set = FewerFrames(
            self.data_set.found, self.data_set.layout, seq_len, self.data_set.cache
        )
        return taken

    @property
    def taken_frames(self) -> tuple[int, ...] | None:
        """The places of the frames that are taken of each stored clip; None where all are."""
        return self.data_set.places if isinstance(self.data_set, FewerFrames) else None

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.data_set)

    def __getitem__(self, index: int) -> ClipBatch:
        """Read a batch of one clip.

        Raises:
            IndexError: There is no clip of that number.
            ShardError: The shard changed since it was written.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        return self.__getitems__([index % len(self)])

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """Read a batch of several clips, in the order of the numbers given.

        Raises:
            ShardError: A shard changed since it was written.
        """
        with one_line_errors():
            return decode_samples(self.data_set.read_samples(indices), indices)

    @property
    def classes(self) -> list[str]:
        """The class names, by class number."""
        return self.data_set.classes

    @property
    def multi_label(self) -> bool:
        """Whether a clip has a set of classes, instead of one."""
        return self.data_set.multi_label

    @property
    def labels_in_time(self) -> bool:
        """Whether frames have classes of their own, or none, and so may clips."""
        return self.data_set.labels_in_time

    @property
    def labels(self) -> npt.NDArray[np.int64] | npt.NDArray[np.uint8]:
        """The class number of each clip, int64 (clips,); -1 where labels are in time and none.

        Of a multi-label data set uint8 (clips, classes): 1 where a clip has a class.
        """
        return self.data_set.labels

    @property
    def label_groups(self) -> npt.NDArray[np.int64]:
        """int64 (clips,), a number for the class or the set of classes of each clip.

        Where labels are in time, it is the rarest class that the clip holds, or -1 for none.
        """
        frame_labels = self.data_set.frame_labels
        if frame_labels is None:
            return self.data_set.label_groups
        return ClassRarity(frame_labels, len(self.classes)).rarest(frame_labels)

    def class_counts(self) -> npt.NDArray[np.int64]:
        """The number of clips that have each class, int64 (classes,)."""
        return self.data_set.class_counts()

    @property
    def seq_len(self) -> int:
        """The number of frames in a clip; the largest one where clips differ in it."""
        return self.data_set.seq_len

    @property
    def variable_length(self) -> bool:
        """Whether clips may have fewer frames than seq_len."""
        return self.data_set.layout.variable_length

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The number of frames of each clip that are no padding, int64 (clips,)."""
        return self.data_set.num_valid

    def of_cached(self, cached: Clips) -> Clips:
        """The same clips, of what is cached of them: that itself."""
        return cached

    @property
    def by_data_set(self) -> dict[str, npt.NDArray[np.int64]]:
        """The numbers of the clips of each data set, int64 (its clips,), by its location.

        They are in the order in which the data sets are named.
        """
        counts = self.shard_samples
        folders = [shard.folder for shard in self.data_set.shards]
        places = {folder: place for place, folder in enumerate(dict.fromkeys(folders))}
        of_clips = np.repeat([places[folder] for folder in folders], counts)
        return {str(one): np.flatnonzero(of_clips == place) for one, place in places.items()}

    @property
    def frame_kind(self) -> FrameKind:
        """The kind of frames, which says what is stored of each frame."""
        return self.data_set.layout.frame_kind

    @property
    def fps(self) -> Fraction:
        """The frame rate of the clips, in frames a second."""
        return self.data_set.fps

    @property
    def stored_size(self) -> Size | None:
        """(width, height) in pixels that all frames were resized to; None for each video's own."""
        manifests = self.data_set.found.manifests.values()
        sizes = [manifest.options.get("size") for manifest in manifests]
        match sizes[0]:
            case [int(width), int(height)] if all(size == sizes[0] for size in sizes):
                return width, height
        return None

    @property
    def recipe(self) -> dict[str, Any]:
        """How the clips were made from videos: options of `lrcn-data shard`, by name."""
        return self.data_set.found.first_manifest.recipe

    @property
    def sources(self) -> npt.NDArray[np.int64]:
        """Which input file each clip is from, int64 (clips,); see `lrcn_data.format.sources`."""
        return self.data_set.sources

    def read_ahead(self, shards: Sequence[int]) -> None:
        """Have shards, by their numbers, brought to where they are read faster, while others are.

        Those of a local disk come to memory, those of a store to the cache, if there is one.
        Nothing waits for it, and nothing depends on it.
        """
        self.data_set.fetch_shards(shards)

    def expect(self, indices: Sequence[int]) -> None:
        """Have clips that are wanted soon read from a store meanwhile; local ones are not."""
        self.data_set.expect(indices)

    @property
    def skipped(self) -> int:
        """The number of list entries that gave no clip because they were too short."""
        return self.data_set.skipped

    @property
    def failed(self) -> int:
        """The number of list entries that gave no clip for any other reason."""
        return self.data_set.failed

    @property
    def shard_samples(self) -> list[int]:
        """The number of clips in each shard; the shards' clips are numbered one after another."""
        return [len(index) for index in self.data_set.indices]

    def mean_image(self, size: Size) -> Tensor:
        """The mean image that belongs to these shards, resized to a size.

        It is the mean over the train split of their data sets, or over all frames where there is
        no such split, whichever shards are named. Only in the form of before, where each shard had
        sums of its own, it is the mean over the shards that are named.

        Resizing is linear, so this is the mean of the resized frames, for frames that had the
        size of their data set's canvas.

        Args:
            size: (width, height), in pixels, of the image wanted.

        Returns:
            float32 (channels, height, width), from 0 to 255.

        Raises:
            ShardError: There are no frames.
        """
        width, height = size
        channels = self.frame_kind.channels
        total, frames = torch.zeros(channels, height, width, dtype=torch.float64), 0
        for pixel_sum, frame_count in self.data_set.pixel_sums().values():
            sum_NCHW = torch.from_numpy(pixel_sum).double().permute(2, 0, 1)[None]
            total += resize(sum_NCHW, size)[0]
            frames += frame_count
        if not frames:
            raise ShardError("the shards named have no frames to take a mean of; name others")
        return (total / frames).float()
