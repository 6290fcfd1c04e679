"""What the checks of same_results.py share: two revisions side by side, and rows about them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from revision import Revision

T = TypeVar("T")
Result = Literal["same", "differs", "skipped"]

Facts = Mapping[Any, object]
"""Facts by name, which are anything that can be equal or not: a file's hash, a loss, a value."""

_ENDINGS = {".avi", ".mp4", ".mkv", ".webm", ".mov", ".3gp", ".flv", ".gif", ".mpg", ".ts"}
_NAMED, _SHOWN = 4, 24
"""The number of differing names that a row shows, and the longest values that it shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What a check found.

    Attributes:
        what: The check's name.
        result: The check's result.
        detail: What was compared, what differs, or why the check was skipped.
    """

    what: str
    result: Result
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A revision, and the folder in which its commands run.

    Attributes:
        revision: The revision.
        folder: The folder that the revision's commands run in.
    """

    revision: Revision
    folder: Path

    def run(
        self, command: str, *arguments: object, cwd: Path | None = None, code: int | None = 0
    ) -> str:
        """Run a command of the revision in the folder, or another, and give its stdout."""
        return self.revision.run(command, *arguments, cwd=cwd or self.folder, code=code)

    def start(self, command: str, *arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
        """Start a command of the revision that is to be killed."""
        nothing = subprocess.DEVNULL
        return self.revision.start(command, *arguments, cwd=cwd, stdout=nothing, stderr=nothing)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The two revisions, and what both of them read.

    Attributes:
        base: The revision that has the results wanted.
        new: The revision that must give the same results.
        videos: The folder of real videos; None where there is none.
    """

    base: Side
    new: Side
    videos: Path | None

    @property
    def demo(self) -> Path:
        """The generated videos, which are the base's for both."""
        return self.base.folder / "demo"

    def both(self, work: Callable[[Side], T]) -> tuple[T, T]:
        """Have both sides do something at the same time."""
        base, new = at_once(lambda: work(self.base), lambda: work(self.new))
        return base, new


def at_once(*works: Callable[[], T]) -> list[T]:
    """Do things at the same time, two of them at most."""
    with ThreadPoolExecutor(2) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


def compare(what: str, base: Facts, new: Facts, unit: str) -> Row:
    """A row that says whether two sets of facts are the same.

    Args:
        what: The check's name.
        base: The facts wanted. No facts at all are no success.
        new: The facts that the new revision gave.
        unit: A word for the facts, in the plural.
    """
    names = list(dict.fromkeys([*base, *new]))
    differing = [name for name in names if base.get(name, ...) != new.get(name, ...)]
    if not names:
        return Row(what=what, result="differs", detail=f"there are no {unit} to compare")
    if not differing:
        return Row(what=what, result="same", detail=f"{len(names)} {unit}")
    shown = "; ".join(f"{name}{_change(base, new, name)}" for name in differing[:_NAMED])
    more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
    detail = f"{len(differing)} of {len(names)} {unit}: {shown}{more}"
    return Row(what=what, result="differs", detail=detail)


def compare_groups(what: str, base: Mapping[str, Facts], new: Mapping[str, Facts]) -> Iterator[Row]:
    """A row for each group of facts, named after it."""
    for group in base:
        yield compare(f"{what}: {group}", base[group], new[group], group)


def _change(base: Facts, new: Facts, name: str) -> str:
    """What is there and what was wanted, where that is short enough to be of use."""
    if name not in base or name not in new:
        return " is new" if name in new else " is gone"
    texts = [str(facts[name]) for facts in (base, new)]
    return f" {texts[0]} -> {texts[1]}" if max(map(len, texts)) <= _SHOWN else ""


def file_hash(path: Path) -> str:
    """The first half of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def file_hashes(folder: Path, pattern: str) -> dict[str, str]:
    """The hashes of all files below a folder whose names match."""
    paths = sorted(path for path in folder.rglob(pattern) if path.is_file())
    return {str(path.relative_to(folder)): file_hash(path) for path in paths}


def find_videos(folder: Path) -> list[Path]:
    """All videos below a folder, known by their endings."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
