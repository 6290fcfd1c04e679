"""Who is next: predictions are made one at a time, in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator


class PredictionQueue:
    """Those who wait, and whose turn it is."""

    def __init__(self) -> None:
        self._tickets: list[asyncio.Event] = []

    async def wait(self) -> AsyncGenerator[int]:
        """Wait for one's turn, which lasts until the iterator is closed.

        Yields:
            The number of those before, whenever it has changed; 0 at last, when it is one's turn.
        """
        moved = asyncio.Event()
        self._tickets.append(moved)
        try:
            while before := self._tickets.index(moved):
                yield before
                moved.clear()
                await moved.wait()
            yield 0
        finally:
            self._tickets.remove(moved)
            for ticket in self._tickets:
                ticket.set()
