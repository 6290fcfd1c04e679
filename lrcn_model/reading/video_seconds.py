"""How long the videos are that clips were made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrcn_data.format.recipe import EVEN_SAMPLINGS
from lrcn_model.reading.shard_dataset import ShardDataset

_ASKED = 200
"""The number of clips that are asked, evenly over all: each is read, perhaps from a store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoSeconds:
    """How long videos are, in seconds.

    Attributes:
        median: The median of their lengths.
        longest: The length of the longest one.
    """

    median: float
    longest: float


def video_seconds(data: ShardDataset) -> VideoSeconds | None:
    """How long the videos are of which clips have frames from beginning to end.

    Of more than 200 clips, those of 200 evenly spaced ones are looked at.

    Args:
        data: The clips.

    Returns:
        None where clips are of parts of their videos, such as windows.

    Raises:
        ShardError: A shard changed since it was written.
    """
    if data.recipe.get("sampling") not in EVEN_SAMPLINGS:
        return None
    numbers = np.linspace(0, len(data) - 1, min(_ASKED, len(data))).round().astype(int)
    records = [data.data_set.read_sample(number).record for number in numbers.tolist()]
    seconds = [record.segment[1] - record.segment[0] for record in records]
    return VideoSeconds(median=float(np.median(seconds)), longest=float(max(seconds)))
