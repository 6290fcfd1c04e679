"""Fewer frames of each clip than are stored, taken evenly (`--seq-len` of `lrcn-train`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError
from lrcn_data.format.recipe import EVEN_SAMPLINGS
from lrcn_data.format.records import SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet, FoundShards
from lrcn_data.storage.file_cache import FileCache


def even_places(stored: int, taken: int) -> tuple[int, ...]:
    """Which of a clip's frames are taken: the first of each of `taken` parts of it.

    Of 8 frames 4 are those at 0, 2, 4 and 6.

    Args:
        stored: The number of frames that there are.
        taken: The number that is taken, from 1 to `stored`.
    """
    return tuple(number * stored // taken for number in range(taken))


def count_valid(num_valid: int, places: Sequence[int]) -> int:
    """How many of the frames at some places are real, where the first `num_valid` are."""
    return sum(place < num_valid for place in places)


class FewerFrames(DataSet):
    """The samples of shards, each with a part of its frames.

    A frame of each of the blocks of a video that shards were made of by `--sampling blocks` or
    `center` is left in every larger block, so that clips are those of a smaller `--seq-len`.

    Args:
        found: The shards and their manifests.
        layout: How the samples are made up.
        seq_len: The number of frames that are taken of each sample.
        cache: Keeps shards of stores on this machine; None to read them where they are.

    Raises:
        UsageError: There are fewer frames, or the samples have no such blocks.
        ShardError: An index is missing, damaged or that of another shard.
    """

    def __init__(
        self,
        found: FoundShards,
        layout: SampleLayout,
        seq_len: int,
        cache: FileCache | None = None,
    ) -> None:
        super().__init__(found, layout, cache)
        self._check(seq_len)
        self.seq_len = seq_len
        self.places = even_places(layout.seq_len, seq_len)
        self._taken = replace(layout, seq_len=seq_len)

    def __reduce__(self) -> tuple[type[FewerFrames], tuple[Any, ...]]:
        """Say how a copy is made: by opening the indices again, whose memory is then shared."""
        return type(self), (self.found, self.layout, self.seq_len, self.cache)

    @cached_property
    def num_valid(self) -> npt.NDArray[np.int64]:
        """int64 (samples,), the number of taken frames of each sample that are no padding."""
        return np.searchsorted(np.array(self.places), self.of_samples("num_valid"))

    def _sample(self, number: int, data: bytes) -> Sample:
        sample = super()._sample(number, data)
        return replace(
            sample,
            frames=[sample.frames[place] for place in self.places],
            record=_of_places(sample.record, self.places),
            layout=self._taken,
        )

    def _check(self, seq_len: int) -> None:
        location = self.shards[0].location
        if not 1 <= seq_len <= self.layout.seq_len:
            raise UsageError(
                f"{location} has clips of {self.layout.seq_len} frames, and --seq-len {seq_len}"
                " can't be taken of them; make shards with it, or give another number"
            )
        if self.layout.labels_in_time:
            raise UsageError(
                f"{location} has labels in time, of whose videos --window cuts windows of any"
                f" length; give --window {seq_len} in place of --seq-len"
            )
        if self.layout.variable_length:
            raise UsageError(
                f"{location} has clips of several lengths, of which --seq-len {seq_len} can't be"
                " taken evenly; leave it out"
            )
        sampling = self.found.first_manifest.options.get("sampling", EVEN_SAMPLINGS[0])
        if sampling not in EVEN_SAMPLINGS:
            raise UsageError(
                f"{location} was made with --sampling {sampling}, of whose frames every few are at"
                f" another frame rate; make shards with --seq-len {seq_len} in place of taking them"
            )


def _of_places(record: SampleRecord, places: Sequence[int]) -> SampleRecord:
    """The record of a sample that has the frames at some places only."""
    near = record.neighbour_times
    return replace(
        record,
        frame_times=[record.frame_times[place] for place in places],
        labels=[record.labels[place] for place in places],
        num_valid=count_valid(record.num_valid, places),
        neighbour_times=None if near is None else [near[place] for place in places],
    )
