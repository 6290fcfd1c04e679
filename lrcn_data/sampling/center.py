"""The middle frame of each of seq_len consecutive blocks: nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from lrcn_data.sampling.sampling import Draw, Positions, Sampling
from lrcn_data.sampling.split_blocks import split_blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class Center(Sampling):
    """Picks the middle frame of each of seq_len consecutive blocks of the video."""

    def choose(self, positions: range, draw: Draw) -> list[Positions]:
        """Choose one clip; nothing is drawn."""
        return [tuple(start + size // 2 for start, size in split_blocks(positions, self.seq_len))]

    @property
    def most_clips(self) -> int:
        """The number of clips of a video, which is always 1."""
        return 1

    def describe(self) -> str:
        """What a clip consists of, for the data set card."""
        return f"the middle frame of each of {self.seq_len} consecutive blocks of the video"
