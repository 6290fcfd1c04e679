"""Frames of a kind that isn't ours, encoded: here how far each one is from the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.rgb_jpeg import RgbJpeg
from lrcn_data.making.frame_encoder import FrameEncoder
from lrcn_data.pixels import RGB, Picture
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import collect_clips
from lrcn_data.sampling.windows import Windows
from lrcn_data.video.video_file import open_video


@dataclass(frozen=True, kw_only=True, slots=True)
class StepAndNumber(FrameKind):
    """Two channels: 128 and the difference to the next frame, and the frame's number."""

    channels: ClassVar[int] = 2
    ending: ClassVar[str] = "raw"
    coding: ClassVar[str] = "raw picture"
    neighbour: ClassVar[int] = 1

    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        assert neighbour is not None
        step = 128 + neighbour[:, :, 0].astype(int) - rgb[:, :, 0]
        return np.stack([step, np.full_like(step, number)], axis=2).astype(np.uint8)

    def encode(self, picture: Picture, quality: int) -> bytes:
        return picture.tobytes()

    def decode(self, data: memoryview, into: Picture) -> None:
        into[:] = np.frombuffer(data, np.uint8).reshape(into.shape)


def test_a_kind_that_asks_for_the_next_frame_gets_it_at_the_stored_size(
    write_numbered: Callable[[Iterable[int]], Path],
) -> None:
    greys = [7, 17, 20, 90, 80, 200]
    encoder = FrameEncoder(kind=StepAndNumber(name="steps"), size=(8, 6), canvas=(4, 3), quality=90)
    options = ClipOptions(fps=Fraction(10), sampling=Windows(seq_len=4, stride=2))
    with open_video(write_numbered(greys)) as file:
        clips = collect_clips(file, "v", options, encoder).clips
    steps = [128 + after - grey for grey, after in zip(greys, [*greys[1:], 200], strict=True)]
    for clip, start in zip(clips, (0, 2), strict=True):
        for number, data in enumerate(clip.frames, start):
            picture = np.empty((6, 8, 2), np.uint8)
            StepAndNumber(name="steps").decode(memoryview(data), picture)
            assert np.unique(picture[..., 0]).tolist() == [steps[number]]
            assert np.unique(picture[..., 1]).tolist() == [number]
    # frames 2 and 3 stand in both clips
    numbers = [0, 1, 2, 3, 2, 3, 4, 5]
    assert (encoder.width, encoder.height, encoder.sums.frame_count) == (8, 6, 8)
    assert np.all(encoder.sums.pixel_sum == [sum(steps[n] for n in numbers), sum(numbers)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong(RgbJpeg):
    """A kind whose pictures aren't what it says."""

    made: Picture

    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        return self.made


@pytest.mark.parametrize(
    "made",
    [
        np.zeros((24, 32), np.uint8),
        np.zeros((24, 32, 1), np.uint8),
        np.zeros((24, 30, 3), np.uint8),
        np.zeros((24, 32, 3), np.float32),
    ],
    ids=lambda made: f"{made.dtype} {made.shape}",
)
def test_a_picture_that_is_not_what_its_kind_says_is_refused(made: Picture) -> None:
    kind = Wrong(name="my.frames:Wrong", made=made)
    encoder = FrameEncoder(kind=kind, size=None, canvas=(4, 3), quality=90)
    with pytest.raises(LrcnError, match=r"--frame-kind my\.frames:Wrong made a pic"):
        encoder.keep(np.zeros((24, 32, 3), np.uint8), 0, None, 1)
