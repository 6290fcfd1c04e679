"""Consecutive frames at regular starts, as Donahue et al. sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.sampling.sampling import Draw, Positions, Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows(Sampling):
    """Takes seq_len consecutive frames at every stride-th start, and the last ones.

    Attributes:
        seq_len: Frames in a clip.
        stride: Frames from one window's start to the next one's; None for half of seq_len, at
            least 1.

    Raises:
        UsageError: A value makes no sense.
    """

    stride: int | None = None

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        if self.stride is not None and self.stride < 1:
            raise UsageError(f"--stride must be at least 1, got {self.stride}")

    @property
    def effective_stride(self) -> int:
        """The stride that counts."""
        return self.stride or max(1, self.seq_len // 2)

    def choose(self, positions: range, draw: Draw) -> list[Positions]:
        """Windows that cover all positions, to the last one."""
        last = positions.stop - self.seq_len
        starts = list(range(positions.start, last + 1, self.effective_stride))
        if starts[-1] < last:
            starts.append(last)
        return [tuple(range(start, start + self.seq_len)) for start in starts]

    def values(self) -> dict[str, Any]:
        """The stride is recorded as it counts, so that giving the default changes nothing."""
        return {"seq_len": self.seq_len, "stride": self.effective_stride}

    def describe(self) -> str:
        """For the data set card."""
        return f"{self.seq_len} consecutive frames, from every {self.effective_stride}th on"
