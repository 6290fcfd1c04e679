"""A stretch of frames in consecutive blocks of almost equal size."""

from __future__ import annotations


def split_blocks(positions: range, count: int) -> list[tuple[int, int]]:
    """(start, size) of `count` consecutive blocks, the first length mod count one frame longer."""
    size, longer = divmod(len(positions), count)
    return [
        (positions.start + block * size + min(block, longer), size + (block < longer))
        for block in range(count)
    ]
