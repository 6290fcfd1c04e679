"""The process that burns segments into a video: a job as JSON on stdin, errors on stderr."""

from __future__ import annotations

import bisect
import json
import sys
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_data.fonts import Fonts
from lrcn_data.picture_text import Pen
from lrcn_data.pixels import RGB
from lrcn_data.video.decoders import read_frames
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import Limits
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import open_video
from lrcn_model.pictures.class_colours import class_hex
from lrcn_model.predicting.segment_picture import segment_bar
from lrcn_model.predicting.segments import Segment

_TIME_BASE = Fraction(1, 90_000)
_CRF = "20"
"""The quality of x264, of which 23 is the default and less is better."""


class _Renderer:
    """The sink of a decoder: takes all frames, draws on each, and encodes it."""

    def __init__(self, out: str, segments: Sequence[Segment], duration: float) -> None:
        self._out = out
        self._segments = sorted(segments, key=lambda one: (one.start, one.end))
        self._duration = duration
        self._seconds: list[float] = []
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        ends = {end for one in segments for end in (one.start, one.end)}
        self._ends = sorted(ends)
        self._label: tuple[int, RGB] | None = None
        self._bar: RGB | None = None

    def choose(self, timeline: Timeline) -> Collection[int]:
        self.close()
        self._seconds = [timeline.seconds(number) for number in range(len(timeline.times))]
        self._container = av.open(self._out, "w")
        self._stream = None
        return range(len(timeline.times))

    def take(self, frame: int, rgb: RGB) -> None:
        assert self._container is not None
        seconds = self._seconds[frame]
        # the encoder halves the colours' resolution
        height, width = (max(2, side - side % 2) for side in rgb.shape[:2])
        picture = np.resize(rgb, (height, width, 3)) if 1 in rgb.shape[:2] else rgb[:height, :width]
        stream = self._stream or self._add_stream(width, height)
        encoded = av.VideoFrame.from_ndarray(self._drawn(picture, seconds), format="rgb24")
        encoded.pts, encoded.time_base = round(seconds / _TIME_BASE), _TIME_BASE
        self._container.mux(stream.encode(encoded))

    def close(self) -> None:
        """End the file."""
        if self._container is None:
            return
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        self._container = None

    def _add_stream(self, width: int, height: int) -> VideoStream:
        assert self._container is not None
        span = self._seconds[-1] - self._seconds[0]
        rate = Fraction((len(self._seconds) - 1) / span if span else 1).limit_denominator(1001)
        stream: VideoStream = self._container.add_stream("libx264", rate=max(rate, Fraction(1, 10)))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = _TIME_BASE
        stream.options = {"crf": _CRF, "preset": "veryfast"}
        self._stream = stream
        return stream

    def _drawn(self, picture: RGB, seconds: float) -> RGB:
        height, width = picture.shape[:2]
        letters = max(8, height // 14)
        band, thick = letters * 3 // 2, max(3, letters // 3)
        if height < 2 * (band + thick):
            return np.ascontiguousarray(picture)
        drawn = picture.copy()
        drawn[height - band - thick : height - thick] //= 3
        label = self._label_at(seconds, (width, band), letters)
        lower = drawn[height - band - thick : height - thick]
        np.maximum(lower, label, out=lower)
        if self._bar is None:
            self._bar = segment_bar(self._segments, self._duration, (width, thick))
        drawn[height - thick :] = self._bar
        at = min(width - 1, round(width * seconds / max(self._duration, 1e-9)))
        drawn[height - 2 * thick :, max(0, at - 1) : at + 1] = 255
        return drawn

    def _label_at(self, seconds: float, size: tuple[int, int], letters: int) -> RGB:
        """The classes at a time, on black."""
        between = bisect.bisect_right(self._ends, seconds)
        if self._label is None or self._label[0] != between:
            shown = [one for one in self._segments if one.start <= seconds < one.end]
            image = Image.new("RGB", size)
            pen, left = Pen(image, Fonts()), letters // 2
            for segment in shown:
                text = f"{segment.name} {segment.score:.0%}"
                colour = class_hex(segment.label)
                room = size[0] - left
                left += pen.write((left, letters // 5), text, letters, colour, room=room) + letters
            self._label = between, np.asarray(image)
        return self._label[1]


def _render(job: dict[str, Any]) -> None:
    rate = job["picture_rate"]
    options = DecodeOptions(
        limits=Limits.of_hours(job["max_hours"]),
        picture_rate=None if rate is None else Fraction(rate),
    )
    segments = [Segment(**segment) for segment in job["segments"]]
    renderer = _Renderer(job["out"], segments, job["duration"])
    try:
        with open_video(job["path"]) as file:
            read_frames(file, renderer, options, decoder="av")
    finally:
        renderer.close()


def _main() -> int:
    try:
        _render(json.load(sys.stdin))
    except (LrcnError, OSError, av.FFmpegError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
