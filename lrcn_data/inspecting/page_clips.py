"""Clips on a page of a data set: one picture each, and what is written below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from PIL import Image

from lrcn_data.format.records import NO_CLASS
from lrcn_data.format.sample_frames import spread_frames
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.preview import class_text
from lrcn_data.pages.data_uri import strip_uri
from lrcn_data.printable import show

STRIP_HEIGHT = 64
"""The largest height in pixels of frames on the page."""

STRIP_FRAMES = 8
"""The largest number of frames of a clip that is shown."""

_WIDEST_FRAME = 2 * STRIP_HEIGHT

_CAPTION_BYTES = 700
"""About how many bytes the page has of a clip beside its strip."""


@dataclass(slots=True)
class Strips:
    """Makes the strips of a part of the page, until its bytes are used up.

    Attributes:
        left: The number of bytes that are left.
    """

    left: int

    def add(self, frames: Sequence[Image.Image]) -> dict[str, Any] | None:
        """A strip as the template takes it; None where there is no room for it."""
        if self.left <= 0:
            return None
        width, height = frames[0].size
        scale = min(STRIP_HEIGHT / height, _WIDEST_FRAME / width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        uri = strip_uri(frames, size)
        self.left -= len(uri) + _CAPTION_BYTES
        return {
            "uri": uri,
            "width": size[0] * len(frames),
            "height": size[1],
            "frames": len(frames),
        }


def clip_on_page(
    data_set: DataSet, number: int, strips: Strips, most: int = STRIP_FRAMES
) -> dict[str, Any]:
    """A clip as the template takes it: its strip, and what is written below.

    Args:
        data_set: The data set.
        number: The number of the sample.
        strips: Makes the strip.
        most: The largest number of its frames that are shown.
    """
    sample = data_set.read_sample(number)
    record = sample.record
    shown = list(spread_frames(sample, most))
    length = record.segment[1] - record.segment[0]
    return {
        "strip": strips.add([Image.fromarray(picture) for _, picture in shown]),
        "class": show(class_text(sample)),
        "video": show(record.video),
        "key": record.key,
        "split": record.split,
        "facts": f"{record.width}x{record.height}, {record.source_fps:.4g} fps, {length:.1f} s",
        "times": f"{record.frame_times[0]:.2f} to {record.frame_times[-1]:.2f} s",
        "padded": len(sample.frames) - record.num_valid,
        "frames": len(sample.frames),
        "frame_classes": _frame_classes(data_set, sample, [frame for frame, _ in shown]),
    }


def _frame_classes(
    data_set: DataSet, sample: Sample, frames: Sequence[int]
) -> list[tuple[str | None, int]]:
    """Which classes the shown frames have, one after the other, and for how many of them.

    The name of a class is None for frames without any. There are none where labels are not in time.
    """
    if not data_set.labels_in_time:
        return []
    labels = (sample.record.labels[frame] for frame in frames)
    return [
        (None if label == NO_CLASS else show(data_set.classes[label]), len(list(run)))
        for label, run in groupby(labels)
    ]
