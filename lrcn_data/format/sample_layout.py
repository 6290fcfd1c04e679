"""What every reader and writer must know to take a sample apart, or to put one together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.frame_kinds import recorded_frame_kind
from lrcn_data.format.rgb_jpeg import RGB_JPEG

if TYPE_CHECKING:
    from lrcn_data.format.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleLayout:
    """How the samples of a data set are made up.

    Attributes:
        seq_len: The number of frames in a clip.
        frame_kind: The kind of frames, which says what is stored of each frame, and how.
    """

    seq_len: int
    frame_kind: FrameKind = RGB_JPEG

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of a sample's members in the order in which they lie in the tar."""
        return _endings(self.seq_len, self.frame_kind.ending)

    @property
    def channels(self) -> int:
        """The number of channels of a frame."""
        return self.frame_kind.channels


def layout_of(manifest: Manifest, source: str, plugins: Collection[str]) -> SampleLayout:
    """The layout of a data set's samples.

    Args:
        manifest: The data set's manifest.
        source: What the data set is called in error messages.
        plugins: The names of the plug-ins that the caller allows; no others are imported.

    Raises:
        UsageError: The frames were made by a plug-in that the caller has not named.
        ShardError: The frames are of a kind that this version doesn't know.
    """
    kind = recorded_frame_kind(manifest.frame_kind, source, plugins, manifest.plugins)
    return SampleLayout(seq_len=manifest.seq_len, frame_kind=kind)


@lru_cache
def _endings(seq_len: int, ending: str) -> tuple[str, ...]:
    digits = max(3, len(str(seq_len - 1)))
    return (*(f"{frame:0{digits}d}.{ending}" for frame in range(seq_len)), "cls", "json")
