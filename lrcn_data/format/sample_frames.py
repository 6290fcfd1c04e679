"""Frames of samples as pictures to look at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrcn_data.errors import ShardError
from lrcn_data.format.frame_kind import UNDECODABLE
from lrcn_data.format.pictures import as_rgb
from lrcn_data.format.sample_members import Sample
from lrcn_data.pixels import RGB


def spread_frames(sample: Sample, most: int) -> Iterator[tuple[int, RGB]]:
    """Decode frames of a sample, evenly spread over it, the first and the last among them.

    Args:
        sample: The sample.
        most: The largest number of frames.

    Yields:
        The number of each frame in its clip, and the frame as people can look at it.

    Raises:
        ShardError: A frame is no picture of its kind.
    """
    count = len(sample.frames)
    for position in np.linspace(0, count - 1, min(count, most)):
        frame = round(float(position))
        yield frame, _decoded(sample, frame)


def _decoded(sample: Sample, frame: int) -> RGB:
    record, kind = sample.record, sample.layout.frame_kind
    picture = np.empty((record.height, record.width, kind.channels), np.uint8)
    try:
        kind.decode(sample.frames[frame], picture)
    except ShardError as error:
        raise ShardError(f"{sample}: frame {frame} {error}") from error
    except UNDECODABLE as error:
        raise ShardError(
            f"{sample}: frame {frame} is no picture: {error}; run `lrcn-data verify`"
        ) from error
    return as_rgb(picture)
