"""What is wrong with lists, and how all of it is told in one report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.printable import show

_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something wrong with a list.

    Attributes:
        kind: A word to count by; equal kinds are shortened together where there are many.
        file: The list or class file.
        line: From 1; 0 where it concerns the whole file.
        text: What is wrong and how to put it right.
    """

    kind: str
    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{show(place)}: {self.text}"


def report(problems: Sequence[Problem], advice: str = "") -> str:
    """All problems as text, a line each; of one kind at most 20, and how many more there are.

    Args:
        problems: At least one.
        advice: What helps against many of them at once.
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
    """Lists that can't be used.

    Attributes:
        problems: All that is wrong, in the order of the lists; the message shortens them.
    """

    def __init__(self, problems: Sequence[Problem], advice: str = "") -> None:
        super().__init__(report(problems, advice))
        self.problems = list(problems)
