"""What is wrong with lists, and how all of it is told in one report."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.printable import show
from lrcn_data.storage.locations import is_url, normal_location

ListFile = Path | str
"""A list or class file: its path, or its URL in a store."""

_SHOWN = 20


def located(location: str | os.PathLike[str]) -> ListFile:
    """A list or class file as a path, or as the URL that it is given by.

    Raises:
        UsageError: The URL has credentials in it.
    """
    normal = normal_location(location)
    return normal if is_url(normal) else Path(normal)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something that is wrong with a list.

    Attributes:
        kind: A few words by which problems are counted; many of one kind are shortened in a report.
        file: The list or class file.
        line: Number of the line, counted from 1, or 0 for the whole file.
        text: What is wrong and how to put it right.
    """

    kind: str
    file: ListFile
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{show(where)}: {self.text}"


def report(problems: Sequence[Problem], advice: str = "") -> str:
    """Tell all problems, each in a line of its own.

    Of one kind at most 20 are told, and how many more there are.

    Args:
        problems: The problems, at least one.
        advice: What helps against many of them at once, or an empty text.
    """
    if len(problems) == 1:
        return f"{problems[0]}; {advice}" if advice else str(problems[0])
    counts: dict[str, int] = defaultdict(int)
    lines = [f"{len(problems)} problems in the lists; nothing was decoded"]
    for problem in problems:
        counts[problem.kind] += 1
        if counts[problem.kind] <= _SHOWN:
            lines.append(f"  {problem}")
    lines += [
        f"  ... and {count - _SHOWN} more: {kind}"
        for kind, count in counts.items()
        if count > _SHOWN
    ]
    lines += [f"  {advice}"] if advice else []
    return "\n".join(lines)


class ListError(UsageError):
    """The lists can't be used.

    Attributes:
        problems: All that is wrong, in the order in which it was found; the message is their
            `report`.
    """

    def __init__(self, problems: Sequence[Problem], advice: str = "") -> None:
        super().__init__(report(problems, advice))
        self.problems = list(problems)
