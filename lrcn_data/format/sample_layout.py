"""What every reader and writer must know to take a sample apart, or to put one together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.frame_kinds import recorded_frame_kind
from lrcn_data.format.index_form import IndexForm
from lrcn_data.format.rgb_jpeg import RGB_JPEG

if TYPE_CHECKING:
    from lrcn_data.format.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleLayout:
    """How the samples of a data set are made up.

    Attributes:
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        frame_kind: The kind of frames, which says what is stored of each frame, and how.
        sets_of: The number of classes of which a sample has a set (multi-label); 0 where every
            sample has one class.
        variable_length: Whether clips may have fewer frames than seq_len, and samples only those.
        labels_in_time: Whether frames have classes of their own, or none.
    """

    seq_len: int
    frame_kind: FrameKind = RGB_JPEG
    sets_of: int = 0
    variable_length: bool = False
    labels_in_time: bool = False

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of the members of a sample of seq_len frames, in their order in the tar."""
        return _endings(self.seq_len, self.frame_kind.ending, multi_label=self.multi_label)

    def endings_of(self, frames: int) -> tuple[str, ...]:
        """The endings of the members of a sample that has so many frames, in their order."""
        if not self.variable_length:
            return self.endings
        return self.endings[:frames] + self.endings[self.seq_len :]

    def place_of(self, member: str, place: int) -> int:
        """The place of a member among `endings`: behind a clip's last frame comes its label.

        Args:
            member: The member's name.
            place: Its place if the clip has seq_len frames.
        """
        if not (self.variable_length and 0 < place < self.seq_len):
            return place
        label = self.endings[self.seq_len]
        return self.seq_len if member.endswith(f".{label}") else place

    @property
    def multi_label(self) -> bool:
        """Whether a sample has a set of classes."""
        return self.sets_of > 0

    @property
    def index_form(self) -> IndexForm:
        """Which rows an index of such samples has."""
        return IndexForm.of(
            sets_of=self.sets_of, seq_len=self.seq_len, labels_in_time=self.labels_in_time
        )

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
    return SampleLayout(
        seq_len=manifest.seq_len,
        frame_kind=kind,
        sets_of=manifest.sets_of,
        variable_length=manifest.variable_length,
        labels_in_time=manifest.labels_in_time,
    )


@lru_cache
def _endings(seq_len: int, ending: str, *, multi_label: bool) -> tuple[str, ...]:
    digits = max(3, len(str(seq_len - 1)))
    frames = (f"{frame:0{digits}d}.{ending}" for frame in range(seq_len))
    return (*frames, "classes.json" if multi_label else "cls", "json")
