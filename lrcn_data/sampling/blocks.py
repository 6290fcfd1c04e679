"""One frame at random from each of seq_len consecutive blocks, as Thung and Jiang sample."""

from __future__ import annotations

from dataclasses import dataclass, field

from lrcn_data.sampling.sampling import Draw, Positions, Sampling, check_count
from lrcn_data.sampling.split_blocks import split_blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks(Sampling):
    """Picks one frame at random from each of seq_len consecutive blocks of the video.

    Attributes:
        seq_len: The number of frames in a clip.
        clips: The number of clips that are drawn from a video, independently of each other.

    Raises:
        UsageError: A number is out of its range.
    """

    clips: int = field(
        default=1,
        metadata={
            "elsewhere": "--clips {value} draws anew each time and goes with --sampling blocks;"
            " {sampling} would give the same clip again"
        },
    )

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        check_count("clips", self.clips)

    def choose(self, positions: range, draw: Draw) -> list[Positions]:
        """Choose as many clips as `clips` says."""
        blocks = split_blocks(positions, self.seq_len)
        return [
            tuple(start + draw(clip, block) % size for block, (start, size) in enumerate(blocks))
            for clip in range(self.clips)
        ]

    @property
    def most_clips(self) -> int:
        """The number of clips that are drawn from a video."""
        return self.clips

    def describe(self) -> str:
        """What a clip consists of, for the data set card."""
        return f"one random frame of each of {self.seq_len} consecutive blocks of the video"
