"""Decodes a folder of numbered pictures, of which each is a frame."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.video.codeccontext import VideoCodecContext

from lrcn_data.errors import VideoError
from lrcn_data.printable import show
from lrcn_data.reasons import Reason
from lrcn_data.video.container_av import FAILURES
from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink
from lrcn_data.video.libav_messages import Messages, logged
from lrcn_data.video.picture_folder import PictureFolder
from lrcn_data.video.picture_matrix import matrix_of
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import Timeline

_CODECS = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG\r\n\x1a\n": "png"}
"""The libav decoders of the pictures that are read, by the bytes with which files begin."""


def read_pictures(folder: PictureFolder, sink: FrameSink, options: DecodeOptions) -> Decoded:
    """Read the wanted pictures of a folder; see `decoding.ReadVideo`.

    Each is shown for one tick of `options.picture_rate`. Pictures of other sizes than the first
    one's are scaled to that. What comes before damage is not kept, with `salvage` neither.

    Args:
        folder: The folder.
        sink: Decides which frames are wanted, and takes them.
        options: How the pictures are decoded.

    Raises:
        VideoError: The pictures can't be used, or no rate is given (`unsupported`).
        OSError: A picture can't be read.
    """
    if options.picture_rate is None:
        raise VideoError(
            Reason.UNSUPPORTED,
            "a folder of pictures, of which --picture-rate says how many are shown in a second",
        )
    count = len(folder.pictures)
    options.limits.check_frames(count)
    timeline = Timeline(time_base=Fraction(1, options.picture_rate), times=range(count), end=count)
    options.limits.check_duration(timeline)
    wanted = set(sink.choose(timeline))
    converter = RgbConverter()
    # the first one has the size of all
    for number in range(count) if options.check_full else sorted({0, *wanted}):
        picture = _decode(folder.pictures[number], options)
        converter.fix_size(picture)
        if number in wanted:
            sink.take(number, converter.convert(picture, matrix=matrix_of(picture)))
    return Decoded(timeline=timeline, decoding="full" if options.check_full else "planned")


def _decode(path: str, options: DecodeOptions) -> av.VideoFrame:
    """Decode a file that holds one picture, strictly.

    Raises:
        VideoError: It doesn't, it is damaged, or it is too large.
    """
    data = Path(path).read_bytes()
    name = next((codec for start, codec in _CODECS.items() if data.startswith(start)), None)
    if name is None:
        raise _damage(path, "is no JPEG and no PNG, whatever its name", [])
    codec = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
    codec.thread_count = 1
    codec.options = {"err_detect": "explode", "max_pixels": str(options.limits.pixels)}
    with logged() as messages:
        try:
            found = [*codec.decode(av.Packet(data)), *codec.decode(None)]
        except FAILURES as error:
            raise _damage(path, str(error), messages) from error
        if messages or len(found) != 1 or found[0].is_corrupt:
            raise _damage(path, f"gives {len(found)} pictures", messages)
    options.limits.check_size(found[0].width, found[0].height)
    return found[0]


def _damage(path: str, said: str, messages: Messages) -> VideoError:
    name = show(os.path.basename(path))  # noqa: PTH119
    told = "".join(f"; the decoder says: {part}: {text.strip()}" for _, part, text in messages[:1])
    return VideoError(Reason.DAMAGED, f"{name} {said}{told}")
