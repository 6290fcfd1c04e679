"""A sample's frames decoded, strictly: a JPEG that is damaged or of another size is an error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import simplejpeg

from lrcn_data.errors import ShardError
from lrcn_data.sample_members import Sample


def frame_bytes(sample: Sample) -> int:
    """Bytes of one decoded frame of a sample."""
    return sample.record.height * sample.record.width * 3


def decode_frames(sample: Sample, buffer: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Decode a sample's frames one after another into a buffer.

    Args:
        sample: What to decode.
        buffer: uint8, of just the bytes that its frames have.

    Returns:
        The buffer as uint8 (frames, height, width, 3), RGB.

    Raises:
        ShardError: A frame is no JPEG of the size that the sample's json says.
    """
    record, size = sample.record, frame_bytes(sample)
    for number, jpeg in enumerate(sample.jpegs):
        place = buffer[number * size : (number + 1) * size]
        try:
            frame = simplejpeg.decode_jpeg(jpeg, colorspace="RGB", buffer=place)
        except ValueError as error:
            raise ShardError(
                f"{sample}: frame {number} can't be decoded: {error}; find what else"
                " is damaged with `lrcn-data verify`, and make the shard anew"
            ) from error
        if frame.shape != (record.height, record.width, 3):
            raise ShardError(
                f"{sample}: frame {number} has {frame.shape[1]}x{frame.shape[0]}"
                f" pixels where its json says {record.width}x{record.height}; make the shard anew"
            )
    return buffer.reshape(len(sample.jpegs), record.height, record.width, 3)
