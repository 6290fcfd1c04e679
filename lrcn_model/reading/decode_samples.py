"""Turns encoded samples into a `ClipBatch`: frames are decoded straight into one buffer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.records import NO_CLASS, SampleRecord
from lrcn_data.format.sample_members import Sample
from lrcn_model.reading import worker_buffers
from lrcn_model.reading.buffer_pool import BufferPool
from lrcn_model.reading.clip_batch import ClipBatch

_own_buffers = BufferPool()


def decode_samples(samples: Sequence[Sample], indices: Sequence[int]) -> ClipBatch:
    """Decode samples into one batch.

    Args:
        samples: The encoded samples, at least one, all of one layout.
        indices: The number of each sample in its data set.

    Raises:
        ShardError: A frame can't be decoded, or has another size than the sample's json says.
    """
    records, layout = [sample.record for sample in samples], samples[0].layout
    counts = torch.tensor([len(sample.frames) for sample in samples])
    frame_labels = [torch.tensor(record.labels) for record in records]
    positions, frame_times = _places(records) if layout.labels_in_time else (None, None)
    lengths = [len(sample.frames) * frame_bytes(sample) for sample in samples]
    pixels = _new_buffer(sum(lengths))
    memory, start = pixels.numpy(), 0
    for sample, length in zip(samples, lengths, strict=True):
        decode_frames(sample, memory[start : start + length])
        start += length
    return ClipBatch(
        pixels=pixels,
        sizes=torch.tensor([(record.height, record.width) for record in records]),
        labels=_labels(records, layout.sets_of),
        frame_labels=pad_sequence(frame_labels, batch_first=True, padding_value=NO_CLASS),
        num_valid=torch.tensor([record.num_valid for record in records]),
        indices=torch.tensor(list(indices)),
        keys=tuple(record.key for record in records),
        videos=tuple(record.video for record in records),
        sources=tuple(sample.source for sample in samples),
        channels=layout.channels,
        frame_counts=counts if layout.variable_length else None,
        positions=positions,
        frame_times=frame_times,
    )


def _places(records: Sequence[SampleRecord]) -> tuple[torch.Tensor, torch.Tensor]:
    """Where clips lie in their videos: int64 (clips,), and float64 (clips, frames) in seconds."""
    times = [torch.tensor(record.frame_times, dtype=torch.float64) for record in records]
    positions = torch.tensor([record.position for record in records])
    return positions, pad_sequence(times, batch_first=True)


def _labels(records: Sequence[SampleRecord], sets_of: int) -> torch.Tensor:
    """The class number of each clip, or a row with 1 at each of its classes."""
    if not sets_of:
        return torch.tensor([record.label for record in records])
    labels = torch.zeros(len(records), sets_of, dtype=torch.uint8)
    for row, record in zip(labels, records, strict=True):
        row[record.class_numbers] = 1
    return labels


def _new_buffer(length: int) -> torch.Tensor:
    """Memory for a batch's pixels; in a DataLoader's worker, memory that both processes see."""
    if torch.utils.data.get_worker_info() is None:
        return _own_buffers.empty((length,), torch.uint8)
    return worker_buffers.lend(length)
