"""Pictures of a video's frames at the run's rate, for who can't play the video itself."""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

from lrcn_data.format.pictures import resized
from lrcn_data.format.rgb_jpeg import RgbJpeg
from lrcn_data.pixels import RGB
from lrcn_data.size import Size
from lrcn_data.video.decoders import read_frames
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import open_video

MOST_PICTURES = 5000
"""The most pictures of a video; of a longer one there is every second frame, or third, ..."""

_WIDTH, _HEIGHT = 640, 480
"""The largest size of a picture, in pixels."""

_QUALITY = 80


def write_frame_pictures(
    path: str,
    folder: Path,
    *,
    fps: Fraction,
    decoder: str,
    decode: DecodeOptions,
    most: int = MOST_PICTURES,
) -> list[float]:
    """Write a video's frames as 0.jpg, 1.jpg, ... into a folder, each frame of the source once.

    Args:
        path: The path of the video.
        folder: The folder, which is there.
        fps: The frame rate at which frames are taken.
        decoder: The name of the decoder.
        decode: How the video is decoded.
        most: The most pictures that are written.

    Returns:
        When each is shown, in seconds after the video's first frame.

    Raises:
        VideoError: The video can't be used.
        OSError: A picture can't be written.
    """
    sink = _Pictures(folder, fps, most)
    with open_video(path) as file:
        read_frames(file, sink, decode, decoder=decoder)
    return list(sink.seconds.values())


class _Pictures:
    """The sink of a decoder: writes the frames of the fps stream as they come.

    Attributes:
        seconds: When each picture is shown, by its frame's number in the source.
    """

    def __init__(self, folder: Path, fps: Fraction, most: int) -> None:
        self._folder, self._fps, self._most = folder, fps, most
        self.seconds: dict[int, float] = {}
        self._written = 0

    def choose(self, timeline: Timeline) -> Collection[int]:
        numbers = sorted(set(FpsStream(timeline, self._fps)))
        shown = numbers[:: max(1, math.ceil(len(numbers) / self._most))]
        self.seconds = {number: round(timeline.seconds(number), 6) for number in shown}
        self._written = 0
        return self.seconds.keys()

    def take(self, frame: int, rgb: RGB) -> None:
        small = resized(rgb, _size(rgb))
        jpeg = RgbJpeg().encode(small, _QUALITY)
        (self._folder / f"{self._written}.jpg").write_bytes(jpeg)
        self._written += 1


def _size(rgb: RGB) -> Size | None:
    """The size at which a frame is shown; None for its own."""
    height, width = rgb.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    return None if scale >= 1 else (max(1, round(width * scale)), max(1, round(height * scale)))
