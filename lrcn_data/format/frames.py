"""A sample's frames decoded, strictly: a JPEG that is damaged or of another size is an error."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from lrcn_data.errors import ShardError
from lrcn_data.format.sample_members import Sample
from lrcn_data.pixels import RGB

_MOST_SCANS = 32
_SCAN = re.compile(rb"\xff\xda")
_FRAME_OF_ONE_PASS = (0xC0, 0xC1)
_OTHER_SEGMENTS = frozenset([0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE])


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
        check_scans(sample, number)
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


def check_scans(sample: Sample, number: int) -> None:
    """Refuse a frame that goes over its pixels again and again.

    A scan may take ten bytes and all pixels' time; encoders write one, or ten where the JPEG is
    progressive.

    Raises:
        ShardError: The frame has too many.
    """
    jpeg = sample.jpegs[number]
    if _has_one_scan(jpeg):
        return
    scans = len(_SCAN.findall(jpeg))
    if scans > _MOST_SCANS:
        raise ShardError(
            f"{sample}: frame {number} has {scans:,} scans, more than the {_MOST_SCANS} that are"
            " decoded; make the shard anew"
        )


def _has_one_scan(jpeg: memoryview) -> bool:
    """Whether the first scan has all components, after which decoders take no other.

    Looks at the segments before it (ITU-T T.81, B.1 and B.2): 40 times as fast as a search. False
    where there is anything that decoders might read differently.
    """
    components, place = 0, 2
    while place + 10 <= len(jpeg) and jpeg[place] == 0xFF:
        marker = jpeg[place + 1]
        if marker == 0xDA:
            return components > 0 and jpeg[place + 4] == components
        if marker in _FRAME_OF_ONE_PASS:
            components = jpeg[place + 9]
        elif marker not in _OTHER_SEGMENTS:
            return False
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return False


def resized(rgb: RGB, size: tuple[int, int] | None) -> RGB:
    """A frame, uint8 (height, width, 3), at the (width, height) to store; None for its own."""
    if size is None or size == (rgb.shape[1], rgb.shape[0]):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR))
