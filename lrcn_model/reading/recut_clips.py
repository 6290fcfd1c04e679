"""Windows cut from stored ones as clips: of shards, or of what is cached of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from lrcn_data.errors import UsageError
from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.records import NO_CLASS
from lrcn_data.format.sample_members import Sample
from lrcn_model.reading.class_rarity import ClassRarity
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.decode_samples import decode_samples
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.windows import Piece, StoredVideos, Windows, cut_windows
from lrcn_model.reading.worker_errors import one_line_errors


def stored_videos(data: ShardDataset) -> StoredVideos:
    """The videos of a data set with labels in time, which has windows of them.

    Raises:
        UsageError: Labels aren't in time, the clips are no windows, or a video's first ones are in
            shards that aren't named.
    """
    data_set = data.data_set
    positions, numbers = data_set.positions, data_set.clip_numbers
    location = data_set.shards[0].location
    if positions is None or numbers is None:
        raise UsageError(
            f"{location} has labels of whole clips, and --window cuts videos whose labels are in"
            " time; leave it out"
        )
    if (sampling := data.recipe.get("sampling")) != "windows":
        raise UsageError(
            f"{location} has labels in time, for which frames must follow one another, and was made"
            f" with --sampling {sampling}; make shards with --sampling windows"
        )
    # two data sets, or shards that don't follow one another, meet where clips don't go on
    first = numbers == 0
    goes_on = np.zeros_like(first)
    goes_on[1:] = (numbers[1:] == numbers[:-1] + 1) & (data.sources[1:] == data.sources[:-1])
    if not np.all(first | goes_on):
        number = int(np.flatnonzero(~(first | goes_on))[0])
        location = data_set.shards[data_set.locate(number)[0]].location
        raise UsageError(
            f"{location} goes on with a video that begins in another shard, which is not named"
            " before it; name all shards of the split"
        )
    return StoredVideos(positions=positions, num_valid=data_set.num_valid)


class RecutClips(Dataset[ClipBatch]):
    """Windows by number, each with the frames of stored ones that it is made of.

    Args:
        data: The stored windows.
        windows: What is cut from them.
        cached: The stored windows as something that is cached of them; None for the shards.

    Attributes:
        windows: Where the windows lie in their videos.
        variable_length: Whether windows differ in their number of frames.
    """

    def __init__(self, data: ShardDataset, windows: Windows, cached: Clips | None = None) -> None:
        self.windows = windows
        self._data, self._cached = data, cached
        self.variable_length = len(np.unique(windows.lengths)) > 1

    @classmethod
    def cut(cls, data: ShardDataset, *, length: int | None, stride: int | None) -> RecutClips:
        """Cut windows of a length at every stride-th frame; see `windows.cut_windows`.

        Raises:
            UsageError: No such windows can be cut.
        """
        return cls(data, cut_windows(stored_videos(data), length=length, stride=stride))

    def of_cached(self, cached: Clips) -> RecutClips:
        """The same windows, of what is cached of the stored ones."""
        return RecutClips(self._data, self.windows, cached)

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.windows)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """A batch of several windows, in the order of the numbers given.

        Raises:
            ShardError: A shard changed since it was written.
        """
        with one_line_errors():
            pieces = [list(self.windows.pieces(number)) for number in indices]
            stored = _stored(pieces)
            if self._cached is not None:
                return self._joined(self._cached.__getitems__(stored), stored, pieces, indices)
            samples = dict(zip(stored, self._data.data_set.read_samples(stored), strict=True))
            joined = [
                _joined_sample(samples, of_window, variable_length=self.variable_length)
                for of_window in pieces
            ]
            return decode_samples(joined, indices)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The number of frames of each window, int64 (windows,)."""
        return self.windows.lengths

    @cached_property
    def shard_samples(self) -> list[int]:
        """The number of windows that begin in each shard."""
        ends = np.cumsum(self._data.shard_samples)
        first = [next(self.windows.pieces(number)).sample for number in range(len(self))]
        shards = np.searchsorted(ends, first, side="right")
        counts: list[int] = np.bincount(shards, minlength=len(ends)).tolist()
        return counts

    def expect(self, indices: Sequence[int]) -> None:
        """As `ShardDataset.expect`."""
        if self._cached is None:
            self._data.expect(_stored([list(self.windows.pieces(n)) for n in indices]))

    def read_ahead(self, shards: Sequence[int]) -> None:
        """As `ShardDataset.read_ahead`."""
        self._data.read_ahead(shards)

    @cached_property
    def label_groups(self) -> npt.NDArray[np.int64]:
        """int64 (windows,), the rarest class that each window holds; -1 where it holds none."""
        frame_labels = self._data.data_set.frame_labels
        assert frame_labels is not None
        rarity = ClassRarity(frame_labels, len(self._data.classes))
        groups = np.empty(len(self), np.int64)
        for number in range(len(self)):
            pieces = self.windows.pieces(number)
            held = [frame_labels[piece.sample, piece.start : piece.stop] for piece in pieces]
            groups[number] = rarity.rarest(np.concatenate(held))
        return groups

    def _joined(
        self,
        batch: ClipBatch,
        stored: Sequence[int],
        pieces: Sequence[Sequence[Piece]],
        indices: Sequence[int],
    ) -> ClipBatch:
        """Join the frames of a batch of stored windows to windows."""
        assert batch.positions is not None
        assert batch.frame_times is not None
        place_of = {number: place for place, number in enumerate(stored)}
        first = [of_window[0] for of_window in pieces]
        at = [place_of[piece.sample] for piece in first]
        names = (_key(batch.keys[place], piece) for place, piece in zip(at, first, strict=True))

        def joined(rows: Sequence[Tensor] | Tensor) -> list[Tensor]:
            return [
                torch.cat([rows[place_of[p.sample]][p.start : p.stop] for p in of_window])
                for of_window in pieces
            ]

        frames, frame_labels = joined(_rows(batch)), joined(batch.frame_labels)
        lengths = torch.tensor([len(row) for row in frames])
        has_pixels = batch.features is None
        together = torch.cat if self.variable_length else torch.stack
        return ClipBatch(
            pixels=torch.cat([row.flatten() for row in frames]) if has_pixels else batch.pixels,
            sizes=batch.sizes[at],
            labels=torch.tensor([clip_label(row.tolist()) for row in frame_labels]),
            frame_labels=pad_sequence(frame_labels, batch_first=True, padding_value=NO_CLASS),
            num_valid=lengths,
            indices=torch.tensor(list(indices)),
            keys=tuple(names),
            videos=tuple(batch.videos[place] for place in at),
            sources=tuple(batch.sources[place] for place in at),
            channels=batch.channels,
            features=None if has_pixels else together(frames),
            frame_counts=lengths if self.variable_length else None,
            positions=batch.positions[at] + torch.tensor([piece.start for piece in first]),
            frame_times=pad_sequence(joined(batch.frame_times), batch_first=True),
        )


def _stored(pieces: Sequence[Sequence[Piece]]) -> list[int]:
    """The numbers of the stored windows that have a part in windows."""
    return sorted({piece.sample for of_window in pieces for piece in of_window})


def _rows(batch: ClipBatch) -> list[Tensor]:
    """What of each stored window the net sees: its features if they are known, else its pixels."""
    if batch.features is None:
        return batch.clip_frames()
    if batch.frame_counts is None:
        return list(batch.features)
    return list(torch.split(batch.features, batch.frame_counts.tolist()))


def _key(key: str, piece: Piece) -> str:
    """The name of a window: that of the stored one that it begins in, and where in it if not."""
    return f"{key}+{piece.start}" if piece.start else key


def _joined_sample(
    samples: Mapping[int, Sample], pieces: Sequence[Piece], *, variable_length: bool
) -> Sample:
    """The frames of stored windows as one sample."""
    frames: list[memoryview] = []
    labels: list[int] = []
    times: list[float] = []
    neighbour_times: list[float] = []
    for piece in pieces:
        taken, sample = slice(piece.start, piece.stop), samples[piece.sample]
        frames += sample.frames[taken]
        labels += sample.record.labels[taken]
        times += sample.record.frame_times[taken]
        neighbour_times += (sample.record.neighbour_times or [])[taken]
    first = samples[pieces[0].sample]
    assert first.record.position is not None
    record = replace(
        first.record,
        key=_key(first.record.key, pieces[0]),
        label=clip_label(labels),
        frame_times=times,
        neighbour_times=neighbour_times or None,
        labels=labels,
        num_valid=len(frames),
        position=first.record.position + pieces[0].start,
    )
    layout = replace(first.layout, seq_len=len(frames), variable_length=variable_length)
    return replace(first, frames=frames, label=record.label, record=record, layout=layout)
