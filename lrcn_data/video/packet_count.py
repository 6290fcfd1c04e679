"""The number of a video's frames by its packets, without decoding them."""

from __future__ import annotations

from pathlib import Path

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.container_av import (
    FAILURES,
    VideoSource,
    choose_stream,
    is_flush,
    open_container,
    read_only,
)
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.picture_folder import PictureFolder
from lrcn_data.video.video_file import open_video


def count_packets(path: Path) -> int:
    """Count the packets of a video, nearly always one a frame.

    Raises:
        VideoError: The file is no video that can be read.
    """
    with open_video(path) as file:
        if isinstance(file, PictureFolder):
            raise VideoError(Reason.NOT_A_VIDEO, "it is a folder of pictures")
        with open_container(VideoSource(file, None), DecodeOptions()) as container:
            stream = choose_stream(container)
            read_only(stream)
            try:
                return sum(not is_flush(packet) for packet in container.demux(stream))
            except FAILURES as error:
                raise VideoError(Reason.DAMAGED, f"its packets can't be read ({error})") from error
