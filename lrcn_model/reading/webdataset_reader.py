"""The same shards read in sequence through webdataset's own pipeline (`--reader webdataset`).

For sources that can only be read from start to end, and for comparison. Every rank and worker
reads whole shards of its own. So it gives up what `ShardDataset` with `EpochSampler` promises:
ranks and workers get unequal numbers of batches where their shards do, the order depends on their
number, a training can't be resumed in the middle of an epoch, and damage is found only when a
shard has been read to its end.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.sample_layout import layout_of
from lrcn_data.format.sample_members import Sample, parse_sample, sample_of_members, walk_samples
from lrcn_data.format.shard_patterns import Patterns
from lrcn_data.format.shard_reader import Shard, find_shards
from lrcn_data.format.shard_scan import HashedFile
from lrcn_data.format.tar_members import BLOCK
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.decode_samples import decode_samples
from lrcn_model.reading.worker_errors import one_line_errors
from lrcn_model.repeatable_random import permutation, random_bits

_TAR_END = bytes(2 * BLOCK)

_BESIDE_FRAMES = 2
"""The number of members that a sample has beside its frames: its label and its json."""


class WebdatasetReader(IterableDataset[ClipBatch]):
    """Batches of clips in the order in which shards hold them, shuffled as far as a buffer goes.

    `DataLoader(reader, batch_size=None, num_workers=2)` gives the same kind of batches as
    `ShardDataset` does. Nothing of webdataset decodes, and nothing is ever opened through a
    program (`pipe:`, curl): files are opened as everywhere else in lrcn.

    Args:
        patterns: Paths, folders, globs, ranges or fsspec URLs, one or several.
        split: Take only the shards of this split: train, val or test.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        batch_size: The number of clips in a batch; the last batch of a worker may have fewer.
        seed: The seed of the order.
        rank: The number of this process, from 0.
        ranks: The number of processes that share the shards.
        shuffle: Whether to shuffle the shards, and the samples within a buffer.
        shuffle_buffer: The number of samples, still encoded, that are shuffled among themselves.

    Attributes:
        classes: The class names, by class number.
        layout: The members that each sample consists of.
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        fps: The frame rate of the clips, in frames a second.
        epoch: The number of the epoch that the next iteration reads, from 0.

    Raises:
        UsageError: A value is out of range, the patterns can't be meant as given, or a plug-in that
            is not named has made the frames.
        ShardError: A shard or its manifest is missing or unfinished.
    """

    def __init__(
        self,
        patterns: Patterns,
        *,
        split: str | None = None,
        plugins: Collection[str] = (),
        batch_size: int = 2,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        shuffle: bool = True,
        shuffle_buffer: int = 500,
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"--batch-size must be at least 1, got {batch_size}")
        if not 0 <= rank < ranks:
            raise UsageError(f"rank must be from 0 to {ranks - 1}, got {rank}")
        found = find_shards(patterns, split=split)
        self._shards = found.shards
        samples = [shard.entry.samples for shard in self._shards]
        self._starts = [0, *itertools.accumulate(samples)]
        self.classes = list(found.first_manifest.classes)
        self.layout = layout_of(found.first_manifest, self._shards[0].location, plugins)
        self.seq_len = self.layout.seq_len
        self.fps = Fraction(found.first_manifest.fps)
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._ranks = ranks
        self._shuffle = shuffle
        self._shuffle_buffer = shuffle_buffer
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0, whose order the next iteration has."""
        self.epoch = epoch

    @property
    def samples(self) -> int:
        """The number of clips in all shards, over all ranks."""
        return self._starts[-1]

    def __iter__(self) -> Iterator[ClipBatch]:
        """Read the batches of the shards of this rank, and in a DataLoader of this worker.

        Raises:
            ShardError: A shard is not what the manifest says.
        """
        with one_line_errors():
            numbered = self._numbered()
            while chosen := list(itertools.islice(numbered, self._batch_size)):
                yield decode_samples([sample for _, sample in chosen], [n for n, _ in chosen])

    def _numbered(self) -> Iterator[tuple[int, Sample]]:
        import webdataset

        shards = self._own_shards()
        if not shards:
            return
        opened = self._open(shards)
        stages: list[Any] = [
            lambda: opened,
            webdataset.tariterators.tar_file_expander,
            webdataset.tariterators.group_by_keys,
            self._checked,
        ]
        if self._shuffle and self._shuffle_buffer > 1:
            seed = int(random_bits(np.array(shards[:1]), "buffer", self._seed, self.epoch)[0])
            generator = random.Random(seed)
            stages.append(webdataset.shuffle(self._shuffle_buffer, rng=generator))
        try:
            yield from webdataset.DataPipeline(*stages)
        except ShardError as error:
            # webdataset adds the stream and its name to what the error says
            raise ShardError(str(error.args[0]).partition(" @ <")[0]) from error
        finally:
            opened.close()

    def _own_shards(self) -> list[int]:
        """The numbers of the shards that this rank and worker read, in the order of reading."""
        count = len(self._shards)
        order = (
            permutation(count, "shards", self._seed, self.epoch)
            if self._shuffle
            else np.arange(count)
        )
        own: list[int] = order[self._rank :: self._ranks].tolist()
        worker = get_worker_info()
        return own if worker is None else own[worker.id :: worker.num_workers]

    def _open(self, numbers: Iterable[int]) -> Generator[dict[str, Any]]:
        """The stage that opens shards, and compares each with its hash once it has been read."""
        for number in numbers:
            shard = self._shards[number]
            try:
                with shard.folder.open(shard.entry.file) as file:
                    hashed = HashedFile(file)
                    stream = _SampleStream(self._walk(shard, hashed))
                    yield {"url": str(number), "stream": stream}
                    hashed.finish()
            except OSError as error:
                raise _damaged(shard, f"can't be read: {error}") from error
            if hashed.digest.hexdigest() != shard.entry.sha256:
                raise _damaged(shard, "is not what the manifest says: its SHA-256 differs")

    def _walk(self, shard: Shard, file: HashedFile) -> Iterator[bytes]:
        try:
            count = 0
            for data in walk_samples(file, self.layout):
                # webdataset leaves out what has a name that it doesn't understand
                parse_sample(data, self.layout)
                count += 1
                yield data
            if count != shard.entry.samples:
                raise ShardError(f"has {count} samples, its manifest says {shard.entry.samples}")
        except ShardError as error:
            raise _damaged(shard, str(error)) from error

    def _checked(self, groups: Iterable[dict[str, Any]]) -> Iterator[tuple[int, Sample]]:
        """The stage that numbers samples as `ShardDataset` does, and checks them as well."""
        for url, group in itertools.groupby(groups, key=lambda sample: sample["__url__"]):
            shard = self._shards[int(url)]
            for position, members in enumerate(group):
                try:
                    sample = self._sample(members)
                except ShardError as error:
                    raise _damaged(shard, f"sample {position} {error}") from error
                number = self._starts[int(url)] + position
                yield number, replace(sample, shard=shard.location)

    def _sample(self, members: dict[str, Any]) -> Sample:
        names = [name for name in members if not name.startswith("__")]
        endings = list(self.layout.endings_of(frames=len(names) - _BESIDE_FRAMES))
        if names != endings:
            raise ShardError(f"has the members {names} instead of {endings}")
        contents = [memoryview(members[ending]) for ending in endings]
        sample = sample_of_members(members["__key__"], contents, self.layout)
        if max(*sample.record.class_numbers, *sample.record.labels) >= len(self.classes):
            raise ShardError(f"has a label beyond the {len(self.classes)} classes")
        return sample


class _SampleStream:
    """A tar as a stream that holds checked samples only.

    webdataset's reader would follow whatever else a tar can hold, and read the sizes it claims.
    """

    def __init__(self, samples: Iterator[bytes]) -> None:
        self._parts = itertools.chain(samples, [_TAR_END])
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _damaged(shard: Shard, what: str) -> ShardError:
    return ShardError(f"{shard.location} {what}; `lrcn-data verify` finds all that is damaged")
