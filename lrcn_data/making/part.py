"""A part of a data set's shards, which is made beside the others by a job of its own.

The plan of a data set is a pure function of lists and options, so jobs on any machines agree on it
without talking to each other: part 3 of 10 has the shards whose place in the plan is 3, 13, 23 and
so on. Whichever part is the last to be done writes the files of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from lrcn_data.errors import UsageError

_FORM = re.compile(r"(\d+)/(\d+)")

Shard = TypeVar("Shard")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts that a data set is made in.

    Attributes:
        number: Which one, from 0.
        of: The number of parts.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def share(self, shards: Sequence[Shard]) -> list[Shard]:
        """The shards of this part, spread over all, so that parts have alike of each split."""
        return list(shards[self.number :: self.of])


def read_part(text: str) -> Part:
    """Read a part as it is written: I/N.

    I may count from 0 to N - 1 or from 1 to N, as arrays of jobs are numbered either way; the parts
    are the same, as N/N is 0/N.

    Raises:
        UsageError: It is written otherwise, or there is no such part.
    """
    found = _FORM.fullmatch(text)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 0 <= number <= of or of == 0:
        raise UsageError(
            f"--part must be I/N, such as 0/100 to 99/100 or 1/100 to 100/100, got {text}"
        )
    return Part(number % of, of)
