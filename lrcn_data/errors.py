"""The errors that the toolkit raises on purpose.

A message names the thing, the value and the remedy in one line; the commands print it without a
traceback. Anything else that escapes is a bug.
"""

from __future__ import annotations

from lrcn_data.reasons import Reason


class LrcnError(Exception):
    """Base of all errors raised on purpose; a command that meets one exits with `exit_code`."""

    exit_code = 1


class UsageError(LrcnError):
    """An option, a list or a combination of them that can't be meant as given; exit code 2."""

    exit_code = 2


class VideoError(LrcnError):
    """A video that can't be used.

    Attributes:
        reason: The reason by which such videos are counted.
        detail: What was found and where, as a sentence for people.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        # both as arguments, so that the error survives pickling between processes
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class ShardError(LrcnError):
    """A shard, its index or its manifest is missing, damaged or of another data set."""
