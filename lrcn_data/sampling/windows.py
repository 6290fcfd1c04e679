"""Consecutive frames at regular starts, as Donahue et al. sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.sampling.sampling import Draw, Positions, Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows(Sampling):
    """Takes seq_len consecutive frames at every stride-th position, and the video's last seq_len.

    Attributes:
        seq_len: The number of frames in a clip.
        stride: The number of frames from one window's start to the next one's; None for half of
            seq_len, but at least 1.

    Raises:
        UsageError: A number is out of its range.
    """

    stride: int | None = None

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        if self.stride is not None and self.stride < 1:
            raise UsageError(f"--stride must be at least 1, got {self.stride}")

    @property
    def effective_stride(self) -> int:
        """The stride in frames that is used: the given one, or else the default."""
        return self.stride or max(1, self.seq_len // 2)

    def choose(self, positions: range, draw: Draw) -> list[Positions]:
        """Choose windows at regular starts, and one that ends with the last position."""
        last = positions.stop - self.seq_len
        starts = list(range(positions.start, last + 1, self.effective_stride))
        if starts[-1] < last:
            starts.append(last)
        return [tuple(range(start, start + self.seq_len)) for start in starts]

    def values(self) -> dict[str, Any]:
        """The options by name; the stride as it is used, so giving its default changes nothing."""
        return {"seq_len": self.seq_len, "stride": self.effective_stride}

    def describe(self) -> str:
        """What a clip consists of, for the data set card."""
        return f"{self.seq_len} consecutive frames, from every {self.effective_stride}th on"
