"""The decoders, given a path instead of an open file."""

from __future__ import annotations

from pathlib import Path

from lrcn_data.video import decode_av, decode_ffmpeg
from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink
from lrcn_data.video.video_file import open_video


def by_av(path: Path, sink: FrameSink, options: DecodeOptions) -> Decoded:
    with open_video(path) as file:
        return decode_av.read_video(file, sink, options)


def by_ffmpeg(path: Path, sink: FrameSink, options: DecodeOptions) -> Decoded:
    with open_video(path) as file:
        return decode_ffmpeg.read_video(file, sink, options)
