"""Clips as a frozen CNN's features: computed once, kept in files, and read from there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from lrcn_data.errors import LrcnError
from lrcn_data.format.records import NO_CLASS
from lrcn_model.caching.feature_folder import FeatureFolder, ShardFeatures
from lrcn_model.processor import Processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.batch_loader import load_batches
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.shard_dataset import ShardDataset

_AT_A_TIME = 16
"""The number of clips whose features are computed at a time."""


class CachedFeatures(Dataset[ClipBatch]):
    """The clips of shards by number, as `ShardDataset` has them, with features instead of pixels.

    Args:
        data: The clips.
        shards: The features of each of their shards that has clips, by the shard's number.
    """

    def __init__(self, data: ShardDataset, shards: Mapping[int, ShardFeatures]) -> None:
        self._data, self._shards = data, shards
        self._labels = torch.from_numpy(data.labels)
        # copies, as those are in memory that is only to be read
        self._num_valid = torch.tensor(data.data_set.num_valid)
        positions = data.data_set.positions
        self._positions = None if positions is None else torch.tensor(positions)

    def __len__(self) -> int:
        """The number of clips."""
        return len(self._data)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """A batch of several clips, in the order of the numbers given."""
        data_set, numbers = self._data.data_set, torch.tensor(indices)
        located = [data_set.locate(number) for number in indices]
        places = [(self._shards[shard], position) for shard, position in located]
        clips = [shard.of_clip(place) for shard, place in places]
        features, frame_labels, frame_times = zip(*clips, strict=True)
        varies, positions = self._data.variable_length, self._positions
        in_time = positions is not None
        return ClipBatch(
            pixels=torch.empty(0, dtype=torch.uint8),
            sizes=torch.zeros(len(indices), 2, dtype=torch.int64),
            labels=self._labels[numbers],
            frame_labels=pad_sequence(list(frame_labels), batch_first=True, padding_value=NO_CLASS),
            num_valid=self._num_valid[numbers],
            indices=numbers,
            keys=tuple(shard.keys[place] for shard, place in places),
            videos=tuple(shard.videos[place] for shard, place in places),
            sources=tuple(data_set.source_of(number) for number in indices),
            channels=self._data.frame_kind.channels,
            features=torch.cat(features) if varies else torch.stack(features),
            frame_counts=self._num_valid[numbers] if varies else None,
            positions=None if positions is None else positions[numbers],
            frame_times=pad_sequence(list(frame_times), batch_first=True) if in_time else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureMaker:
    """What computes the features of clips that are not kept yet.

    Attributes:
        compute: Turns a batch on the processor's device into features, as `ClipBatch` has them.
        workers: The number of processes that read shards; 0 for reading in this process.
        processor: The processor that the CNN runs on.
        ranks: The processes that share the work, each of which reads all features in the end.
    """

    compute: Callable[[ClipBatch], Tensor]
    workers: int
    processor: Processor
    ranks: Ranks

    def cached(
        self,
        data: ShardDataset,
        folder: FeatureFolder,
        *,
        on_clips: Callable[[int, int], None] = lambda done, clips: None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> CachedFeatures | None:
        """Read the features of all clips, after computing those that are missing.

        Args:
            data: The clips.
            folder: The folder that the features are kept in.
            on_clips: Called with the number of clips that this process has computed, and the number
                that it computes in all.
            go_on: Asked after every batch; False to stop, which loses the shard that is underway.

        Returns:
            The clips; None where one of the processes was to stop.

        Raises:
            ShardError: A shard is damaged.
            LrcnError: The folder can't be written to.
        """
        names = [shard.entry.sha256 for shard in data.data_set.shards]
        with folder.held() if self.ranks.first else nullcontext():
            self.ranks.wait()
            shards = {
                number: folder.read(names[number])
                for number, clips in enumerate(data.shard_samples)
                if clips
            }
            missing = [number for number, features in shards.items() if features is None]
            # nobody writes before all have looked
            self.ranks.wait()
            own = missing[self.ranks.rank :: self.ranks.count]
            written = 0
            for number, features in self._computed(data, own, on_clips, go_on):
                folder.write(names[number], features)
                written += 1
            if not all(self.ranks.gather(written == len(own))):
                return None
            shards |= {number: _written(folder, names[number]) for number in missing}
        there = {number: features for number, features in shards.items() if features}
        return CachedFeatures(data, there)

    def _computed(
        self,
        data: ShardDataset,
        shards: Sequence[int],
        on_clips: Callable[[int, int], None],
        go_on: Callable[[], bool],
    ) -> Iterator[tuple[int, ShardFeatures]]:
        """Compute the features of shards, by their numbers, one shard after the other."""
        counts = data.shard_samples
        firsts = list(itertools.accumulate(counts, initial=0))
        of_shards = [
            [
                list(range(start, min(start + _AT_A_TIME, firsts[shard + 1])))
                for start in range(firsts[shard], firsts[shard + 1], _AT_A_TIME)
            ]
            for shard in shards
        ]
        clips, done = sum(counts[shard] for shard in shards), 0
        batches = load_batches(
            data, list(itertools.chain(*of_shards)), self.workers, self.processor
        )
        with closing(batches):
            for shard, groups in zip(shards, of_shards, strict=True):
                parts = []
                for batch in itertools.islice(batches, len(groups)):
                    parts.append(_kept(batch, self.compute(batch)))
                    done += len(batch)
                    on_clips(done, clips)
                    if not go_on():
                        return
                yield shard, _joined(parts)


def _kept(batch: ClipBatch, features: Tensor) -> ShardFeatures:
    counts = batch.frame_counts

    def real(of_frames: Tensor) -> Tensor:
        if counts is None:
            return of_frames
        rows = zip(of_frames, counts.tolist(), strict=True)
        return torch.cat([row[:count] for row, count in rows])

    return ShardFeatures(
        features=features.cpu(),
        frame_labels=real(batch.frame_labels.cpu()),
        keys=batch.keys,
        videos=batch.videos,
        frame_counts=counts,
        frame_times=None if batch.frame_times is None else real(batch.frame_times),
    )


def _joined(parts: Sequence[ShardFeatures]) -> ShardFeatures:
    counts = [part.frame_counts for part in parts if part.frame_counts is not None]
    times = [part.frame_times for part in parts if part.frame_times is not None]
    return ShardFeatures(
        features=torch.cat([part.features for part in parts]),
        frame_labels=torch.cat([part.frame_labels for part in parts]),
        keys=tuple(key for part in parts for key in part.keys),
        videos=tuple(video for part in parts for video in part.videos),
        frame_counts=torch.cat(counts) if counts else None,
        frame_times=torch.cat(times) if times else None,
    )


def _written(folder: FeatureFolder, name: str) -> ShardFeatures:
    """Features that this process or another one has just written."""
    features = folder.read(name)
    if features is None:
        raise LrcnError(
            f"{folder.path} lacks features that another process has written; processes on several"
            " machines need a folder that all of them see (--out), or --cache off"
        )
    return features
