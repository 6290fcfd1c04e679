"""Frames of a video as shards would hold them: resized and encoded in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lrcn_data.format.frame_kind import FrameKind, Neighbour, make_picture
from lrcn_data.format.records import NO_CLASS, SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample
from lrcn_data.pixels import RGB
from lrcn_data.size import Size
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.decode_samples import decode_samples

MOST_FRAMES = 64
"""The most frames of a piece of a video that the CNN sees at a time."""


class StoredFrame(NamedTuple):
    """A frame as shards would hold it.

    Attributes:
        encoded: The encoded picture.
        width: Its width in pixels.
        height: Its height in pixels.
    """

    encoded: bytes
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFrames:
    """Keeps of each frame what shards would hold of it; see `sampling.clips.FrameKeeper`.

    Attributes:
        kind: The kind of frames that shards would have.
        size: (width, height), in pixels, that frames are resized to; None for their own size.
        quality: The quality of the encoding, from 1 to 100.
    """

    kind: FrameKind
    size: Size | None
    quality: int

    @property
    def neighbour(self) -> Neighbour:
        """The offset of the other frame that each picture is made from as well; see `FrameKind`."""
        return self.kind.neighbour

    def begin(self) -> None:
        """Do nothing, as there is nothing to forget."""

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> StoredFrame:
        """Encode a frame."""
        picture = make_picture(self.kind, rgb, size=self.size, number=number, neighbour=neighbour)
        height, width = picture.shape[:2]
        return StoredFrame(self.kind.encode(picture, self.quality), width, height)


def frame_batch(pieces: Sequence[Sequence[StoredFrame]], kind: FrameKind) -> ClipBatch:
    """Decode frames as a shard's reader does, into a batch whose clips may differ in their length.

    Args:
        pieces: The frames of each clip, at least one; those of a clip have one size.
        kind: The kind of frames.
    """
    longest = max(map(len, pieces))
    layout = SampleLayout(seq_len=longest, frame_kind=kind, variable_length=True)
    samples = [
        Sample(
            frames=[memoryview(frame.encoded) for frame in frames],
            label=0,
            record=SampleRecord(
                key="",
                video="",
                label=0,
                width=frames[0].width,
                height=frames[0].height,
                frame_times=[],
                num_valid=len(frames),
                labels=[NO_CLASS] * len(frames),
                segment=[0.0, 0.0],
            ),
            layout=layout,
        )
        for frames in pieces
    ]
    return decode_samples(samples, range(len(samples)))
