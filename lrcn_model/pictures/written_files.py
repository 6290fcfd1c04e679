"""Files for people to look at, which nothing depends on: what can't be written is only told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Write = Callable[[Path], str | None]
"""Writes a file, and may return a sentence about what is odd about it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenFiles:
    """Files for people to look at, and what went wrong with others.

    Attributes:
        paths: The files that were written.
        problems: A sentence for each thing that went wrong.
    """

    paths: Sequence[Path] = ()
    problems: Sequence[str] = ()


def write_files(folder: Path, files: Mapping[str, Write]) -> WrittenFiles:
    """Write files, each by itself: one that can't be written takes no other with it.

    Args:
        folder: The folder to write into; it is made.
        files: What writes each file, by its name.
    """
    paths: list[Path] = []
    problems: dict[str, list[str]] = {}
    for name, write in files.items():
        try:
            folder.mkdir(exist_ok=True, parents=True)
            remark = write(folder / name)
        # whatever goes wrong in drawing, it is not worth what was found
        except Exception as error:
            reason = str(error) or type(error).__name__
            problems.setdefault(reason.replace(str(folder / name), "it"), []).append(name)
        else:
            paths.append(folder / name)
            if remark:
                problems.setdefault(remark, [])
    told = [
        f"{', '.join(names)} of {folder} can't be made: {reason}" if names else reason
        for reason, names in problems.items()
    ]
    return WrittenFiles(paths=paths, problems=told)
