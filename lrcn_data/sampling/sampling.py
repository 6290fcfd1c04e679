"""What a sampling is: which positions of a video's fps stream make its clips.

Each kind has a file beside this one; `sampling.samplings` has the table of them. What is done with
videos that are too short for any clip is in `sampling.short_videos`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from lrcn_data.errors import UsageError

_MOST = 10_000

Draw = Callable[[int, int], int]
"""Draws a uniform 64-bit number for a block of a clip: `draw(clip, block)`, both counted from 0.

The number also depends on the seed and on the video, and on nothing else."""

Positions = tuple[int, ...]
"""The frames of a clip, as positions in the fps stream, in time order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling(ABC):
    """Base of all samplings, which are frozen dataclasses whose fields are their options.

    Attributes:
        seq_len: The number of frames in a clip.

    Raises:
        UsageError: A number is out of its range.
    """

    seq_len: int = 8

    def __post_init__(self) -> None:
        check_count("seq-len", self.seq_len)

    @abstractmethod
    def choose(self, positions: range, draw: Draw) -> Sequence[Positions]:
        """Choose the frames of every clip of a video, or of a part of one.

        Args:
            positions: The positions in the fps stream to choose from; at least seq_len of them.
            draw: Gives the random numbers, if any are needed.

        Returns:
            For each clip, seq_len positions in time order.
        """

    @property
    def most_clips(self) -> int | None:
        """The largest number of clips that any video gives; None if there is no limit."""
        return None

    def values(self) -> dict[str, Any]:
        """The options that decide what is chosen, by name, for a data set's manifest."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def describe(self) -> str:
        """What a clip consists of, in words that can follow "A clip has 8 frames: "."""
        return "sampled from the video"


def check_count(option: str, value: int) -> None:
    """Refuse a number of frames or clips that is out of range.

    Args:
        option: The option's name on the command line, without the leading dashes.
        value: The number that is given.

    Raises:
        UsageError: The number is out of range.
    """
    if not 1 <= value <= _MOST:
        raise UsageError(f"--{option} must be at least 1 and at most {_MOST:,}, got {value}")
