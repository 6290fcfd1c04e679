"""Decodes a sample's frames strictly: a frame that is damaged or of another size is an error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError
from lrcn_data.format.frame_kind import UNDECODABLE
from lrcn_data.format.sample_members import Sample


def frame_bytes(sample: Sample) -> int:
    """The size in bytes of one decoded frame of a sample."""
    return sample.record.height * sample.record.width * sample.layout.channels


def decode_frames(sample: Sample, buffer: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Decode a sample's frames one after another into a buffer.

    Args:
        sample: The sample to decode.
        buffer: The array to decode into, uint8, with exactly as many bytes as the decoded frames
            have.

    Returns:
        The same memory as uint8 (frames, height, width, channels).

    Raises:
        ShardError: A frame can't be decoded, or has another size than the sample's json states.
    """
    record, kind = sample.record, sample.layout.frame_kind
    frames = buffer.reshape(len(sample.frames), record.height, record.width, kind.channels)
    for number, data in enumerate(sample.frames):
        try:
            kind.decode(data, frames[number])
        except ShardError as error:
            raise ShardError(f"{sample}: frame {number} {error}") from error
        except UNDECODABLE as error:
            raise ShardError(
                f"{sample}: frame {number} can't be decoded: {error}; find what else"
                " is damaged with `lrcn-data verify`, and make the shard anew"
            ) from error
    return frames
