"""The decoder of one video stream through PyAV: strict, and with one thread."""

from __future__ import annotations

import av
from av.codec.context import Flags as CodecFlags
from av.video.codeccontext import VideoCodecContext

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.container_av import ContainerStream, VideoPacket
from lrcn_data.video.libav_messages import Messages
from lrcn_data.video.timeline import FrameStamp


class PictureDecoder:
    """Takes packets, gives pictures, and knows what was wrong with them.

    Args:
        opened: The open stream.

    Attributes:
        size: The (width, height) in pixels that the header states.
        count: The number of pictures that were decoded so far.

    Raises:
        VideoError: The codec isn't allowed (`unsupported`), or its pictures are too large
            (`too-large`).
    """

    def __init__(self, opened: ContainerStream) -> None:
        self._codec: VideoCodecContext = opened.codec
        self._messages: Messages = opened.messages
        self._skipping = False
        self.size = (self._codec.width, self._codec.height)
        self.count = 0
        limits = opened.options.limits
        self._codec.thread_count = 1
        # pictures are cropped as the stream says, also where that leaves their memory unaligned
        self._codec.flags |= CodecFlags.unaligned
        self._codec.options = {"err_detect": "explode", "max_pixels": str(limits.pixels)}
        limits.check_size(*self.size)
        opened.options.check_decoder(self._codec.name)

    def decode(self, packet: VideoPacket | None) -> list[av.VideoFrame]:
        """Take a packet, and give the pictures that come out then.

        Args:
            packet: The packet; None for the end of the stream.

        Raises:
            VideoError: A picture is marked as damaged.
            FAILURES: libav can't decode the packet.
        """
        pictures: list[av.VideoFrame] = self._codec.decode(packet)
        for picture in pictures:
            if picture.is_corrupt:
                raise self.damage("the decoder marks a frame as damaged")
            self.count += 1
        return pictures

    def skip_unreferenced(self, skip: bool) -> None:
        """Say whether the decoder leaves out pictures to which no other one refers."""
        if skip != self._skipping:
            self._skipping = skip
            self._codec.skip_frame = "NONREF" if skip else "DEFAULT"

    def flush(self) -> None:
        """Forget what was being decoded, as the next packet is an entry point."""
        self._codec.flush_buffers()

    def start_anew(self) -> None:
        """Forget everything, as the video is decoded again."""
        self.skip_unreferenced(False)
        self.flush()
        self.count = 0

    def damage(self, said: str) -> VideoError:
        """Make the error for a damaged video, with libav's first message on it.

        Args:
            said: What is wrong; empty if libav's message alone tells.
        """
        parts = [said] if said else []
        if self._messages:
            _, name, text = self._messages[0]
            parts.append(f"the decoder says: {name}: {text.strip()}")
        return VideoError(
            Reason.DAMAGED, "; ".join([*parts, f"{self.count} frames decoded before"])
        )


def stamp_of(picture: av.VideoFrame) -> FrameStamp:
    """What the file says of a picture's time."""
    return FrameStamp(pts=picture.pts, dts=picture.dts, duration=picture.duration or 0)
