"""Ctrl-C and SIGTERM: they are noted, and a training looks between two steps whether to stop."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """The training ended in an orderly way, because it was asked to.

    Args:
        number: The number of the signal.
        message: The message that the user is shown.

    Attributes:
        exit_code: 128 plus the signal's number, as is usual in shells.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class StopSignals:
    """Notes the signals while it is used as a context manager; a second Ctrl-C acts at once.

    Attributes:
        received: The number of the signal that came last; None before the first.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received == number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
