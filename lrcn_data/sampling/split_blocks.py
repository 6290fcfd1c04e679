"""Divides a stretch of frames into consecutive blocks of almost equal size."""

from __future__ import annotations


def split_blocks(positions: range, count: int) -> list[tuple[int, int]]:
    """Divide positions into `count` consecutive blocks.

    Returns:
        The (start, size) of each block. The first len(positions) mod count blocks are one frame
        longer than the others.
    """
    size, longer = divmod(len(positions), count)
    return [
        (positions.start + block * size + min(block, longer), size + (block < longer))
        for block in range(count)
    ]
