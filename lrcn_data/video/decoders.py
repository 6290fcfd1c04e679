"""The decoders that there are, by the name that `--decoder` takes.

Each one's module, and the library or program that it needs, is imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lrcn_data.errors import UsageError
from lrcn_data.plugins import Kinds
from lrcn_data.video.picture_folder import PictureFolder

if TYPE_CHECKING:
    from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink, ReadVideo
    from lrcn_data.video.video_file import VideoFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoder:
    """A way of decoding videos.

    Attributes:
        read: The function that reads a video's wanted frames.
        salvages: Whether the decoder can take the sound part of a damaged video.
        tools: The function that gives the versions of what it decodes with, by name, beside those
            of the packages that every decoder needs. It raises UsageError if one is missing.
    """

    read: ReadVideo
    salvages: bool
    tools: Callable[[], dict[str, str]]


def _read_in_process(file: VideoFile, sink: FrameSink, options: DecodeOptions) -> Decoded:
    from lrcn_data.video.decode_av import read_video

    return read_video(file, sink, options)


def _read_by_ffmpeg(file: VideoFile, sink: FrameSink, options: DecodeOptions) -> Decoded:
    from lrcn_data.video.decode_ffmpeg import read_video

    return read_video(file, sink, options)


def _ffmpeg_tools() -> dict[str, str]:
    from lrcn_data.video.ffmpeg_program import ffmpeg_version

    return {"ffmpeg": ffmpeg_version()}


AV = Decoder(read=_read_in_process, salvages=True, tools=dict)
FFMPEG = Decoder(read=_read_by_ffmpeg, salvages=False, tools=_ffmpeg_tools)

DECODERS: Kinds[Decoder] = Kinds(
    what="decoder",
    option="--decoder",
    built_in={
        "av": f"{__name__}:AV",
        "ffmpeg": f"{__name__}:FFMPEG",
    },
)


def read_frames(
    file: VideoFile | PictureFolder, sink: FrameSink, options: DecodeOptions, *, decoder: str
) -> Decoded:
    """Read a video's wanted frames; a folder of pictures is decoded in process by every decoder.

    Args:
        file: The open file, or the folder.
        sink: Decides which frames are wanted, and takes them.
        options: How the video is decoded.
        decoder: The name of the decoder for files.

    Raises:
        UsageError: There is no decoder of that name, or it can't be imported.
        VideoError: The video can't be used, with the reason.
    """
    if isinstance(file, PictureFolder):
        from lrcn_data.video.decode_pictures import read_pictures

        return read_pictures(file, sink, options)
    return load_decoder(decoder).read(file, sink, options)


@cache
def load_decoder(name: str) -> Decoder:
    """Load the decoder of a name; the result is kept, as every video asks for it.

    Raises:
        UsageError: There is no decoder of that name, or it can't be imported.
    """
    return DECODERS.load(name)


def check_salvages(name: str) -> None:
    """Refuse to salvage with a decoder that can't.

    Raises:
        UsageError: The decoder can't salvage, or there is no decoder of that name.
    """
    if not load_decoder(name).salvages:
        raise UsageError(
            f"--salvage goes with --decoder av: {name} processes don't tell reliably which frames"
            " came before the damage"
        )
