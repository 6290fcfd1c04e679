"""What a sampling is: which positions of a video's fps stream make its clips.

One kind a file beside this one; which of them there are is in `sampling.samplings`. What becomes of
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
"""A uniform 64-bit number for a clip's number and a block: `draw(clip, block)`.

It also depends on the seed and on the video, and on nothing else."""

Positions = tuple[int, ...]
"""The frames of a clip: positions in the fps stream, in time order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling(ABC):
    """Base of all samplings: frozen dataclasses whose fields are their options.

    Attributes:
        seq_len: Frames in a clip.

    Raises:
        UsageError: A value makes no sense.
    """

    seq_len: int = 8

    def __post_init__(self) -> None:
        check_count("seq-len", self.seq_len)

    @abstractmethod
    def choose(self, positions: range, draw: Draw) -> Sequence[Positions]:
        """Choose the frames of every clip of a video, or of a part of one.

        Args:
            positions: Of the fps stream, to choose from; at least seq_len of them.
            draw: Gives the random numbers, if any are needed.

        Returns:
            For each clip seq_len positions, in time order.
        """

    @property
    def most_clips(self) -> int | None:
        """How many clips a video of any length gives at most; None where there is no limit."""
        return None

    def values(self) -> dict[str, Any]:
        """The options that decide what is chosen, by name, as a data set's manifest has them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def describe(self) -> str:
        """What a clip consists of, to go on with after "A clip has 8 frames: "."""
        return "sampled from the video"


def check_count(option: str, value: int) -> None:
    """Refuse a number of frames or clips that is out of range.

    Args:
        option: Its name on the command line, without dashes.
        value: What is given.

    Raises:
        UsageError: It is out of range.
    """
    if not 1 <= value <= _MOST:
        raise UsageError(f"--{option} must be at least 1 and at most {_MOST:,}, got {value}")
