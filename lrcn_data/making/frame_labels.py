"""The class of each frame of a clip: that of its video, or its own where labels are in time."""

from __future__ import annotations

from typing import Any

from lrcn_data.format.records import NO_CLASS
from lrcn_data.lists.entry import Entry
from lrcn_data.sampling.clips import Clip


def frame_labels(entry: Entry, clip: Clip[Any]) -> list[int]:
    """The class number of each frame of a clip.

    Args:
        entry: The entry of the clip's video.
        clip: The clip.

    Returns:
        A number a frame; `NO_CLASS` where it only repeats the last real one, where the video has no
        class at that time, and everywhere where it has a set of classes.
    """
    real = [entry.label if isinstance(entry.label, int) else NO_CLASS] * clip.num_valid
    if entry.times is not None:
        moments = clip.frame_times if entry.times.unit == "seconds" else clip.frame_numbers
        real = entry.times.at(moments[: clip.num_valid])
    return real + [NO_CLASS] * (len(clip.frames) - clip.num_valid)
