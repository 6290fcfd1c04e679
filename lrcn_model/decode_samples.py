"""Encoded samples to a `ClipBatch`: every JPEG decoded straight to its place in one buffer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt
import simplejpeg
import torch
from numpy import uint8

from lrcn_data.errors import ShardError
from lrcn_data.sample_members import Sample
from lrcn_model.clip_batch import CHANNELS, ClipBatch


def decode_samples(samples: Sequence[Sample], indices: Sequence[int]) -> ClipBatch:
    """Decode samples into one batch.

    Args:
        samples: At least one, all of equally many frames.
        indices: Number of each in its data set.

    Raises:
        ShardError: A frame is no JPEG of the size that the sample's json says.
    """
    records = [sample.record for sample in samples]
    lengths = [len(s.jpegs) * s.record.height * s.record.width * CHANNELS for s in samples]
    pixels = _new_buffer(sum(lengths))
    start = 0
    for sample, length in zip(samples, lengths, strict=True):
        _decode_clip(sample, pixels[start : start + length].numpy())
        start += length
    return ClipBatch(
        pixels=pixels,
        sizes=torch.tensor([(record.height, record.width) for record in records]),
        labels=torch.tensor([record.label for record in records]),
        frame_labels=torch.tensor([record.labels for record in records]),
        num_valid=torch.tensor([record.num_valid for record in records]),
        indices=torch.tensor(list(indices)),
        keys=tuple(record.key for record in records),
        videos=tuple(record.video for record in records),
    )


def _new_buffer(length: int) -> torch.Tensor:
    """Memory for a batch's pixels; in a DataLoader's worker, memory that both processes see."""
    if torch.utils.data.get_worker_info() is None:
        return torch.empty(length, dtype=torch.uint8)
    # decoding into shared memory saves the copy that sending a tensor makes otherwise
    storage = torch.UntypedStorage._new_shared(length)  # type: ignore[no-untyped-call]
    return torch.empty(0, dtype=torch.uint8).set_(storage)


def _decode_clip(sample: Sample, buffer: npt.NDArray[uint8]) -> None:
    """Decode a clip's frames one after another into a buffer of just their size."""
    record = sample.record
    size = record.height * record.width * CHANNELS
    for number, jpeg in enumerate(sample.jpegs):
        place = buffer[number * size : (number + 1) * size]
        try:
            frame = simplejpeg.decode_jpeg(jpeg, colorspace="RGB", buffer=place)
        except ValueError as error:
            raise ShardError(
                f"frame {number} of sample {record.key} can't be decoded: {error}; find what else"
                " is damaged with `lrcn-data verify`, and make the shard anew"
            ) from error
        if frame.shape != (record.height, record.width, CHANNELS):
            raise ShardError(
                f"frame {number} of sample {record.key} has {frame.shape[1]}x{frame.shape[0]}"
                f" pixels where its json says {record.width}x{record.height}; make the shard anew"
            )
