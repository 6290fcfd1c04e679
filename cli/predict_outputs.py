"""The files that `lrcn-predict` writes of what it finds: CSV, WebVTT, rendered videos, strips."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.printable import show

if TYPE_CHECKING:
    from lrcn_model.predicting.prediction import Prediction

WriteFile = Callable[["Prediction", str, Path], None]
"""Writes a file of a video, given what was found of it, its path, and the file's own."""


class CsvOutput(AbstractContextManager["CsvOutput"]):
    """A list of all segments, to which those of a video are added as soon as it is done.

    Args:
        path: The file to write; None for nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        if self._path is not None:
            from lrcn_model.scoring.segments_csv import HEADER

            try:
                self._file = self._path.open(
                    "w", newline="", encoding="utf-8", errors="surrogateescape"
                )
            except OSError as error:
                message = f"--csv {self._path} can't be written: {error.strerror}; name another"
                raise LrcnError(message) from error
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(HEADER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, prediction: Prediction) -> None:
        """Add the segments of a video."""
        if self._file is None:
            return
        from lrcn_model.predicting.segment_files import csv_rows

        self._writer.writerows(csv_rows(prediction))
        self._file.flush()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOfEachVideo:
    """A kind of file, of which each video has one.

    Attributes:
        option: The option that asks for it.
        place: The file to write, or of several videos the folder for them.
        ending: The ending of the files in a folder.
        write: Writes one.
    """

    option: str
    place: Path
    ending: str
    write: WriteFile


def places(kind: FileOfEachVideo, names: Sequence[str]) -> dict[str, Path]:
    """Where the file of each video goes: of one video the place, of several a file in that folder.

    Files are called as their videos, with a number behind the name where several are called alike.

    Args:
        kind: The kind of file.
        names: What the videos are called.

    Raises:
        UsageError: There are several videos, and the place is a file.
    """
    if len(names) == 1 and not kind.place.is_dir():
        return {names[0]: kind.place}
    if kind.place.is_file() or kind.place.suffix.lower() == kind.ending:
        raise UsageError(
            f"{kind.option} {kind.place} is one file, and there are {len(names)} videos; name a"
            " folder"
        )
    found: dict[str, Path] = {}
    taken: set[str] = set()
    for name in names:
        stem = Path(name).stem if name != "-" else "piped"
        number, free = 1, stem
        while free in taken:
            number += 1
            free = f"{stem}-{number}"
        taken.add(free)
        found[name] = kind.place / f"{free}{kind.ending}"
    return found


def refuse_sources(
    kinds: Sequence[FileOfEachVideo],
    of_kinds: Sequence[dict[str, Path]],
    csv_path: Path | None,
    sources: Iterable[str],
) -> None:
    """Refuse to write over what is read: a video, or a list of them.

    Args:
        kinds: The kinds of files.
        of_kinds: Where they go; see `places`.
        csv_path: The list of all segments that is written; None for none.
        sources: The paths and URLs of all videos and lists.

    Raises:
        UsageError: A file to write is one of these, under whatever name.
    """
    read = {_identity(source) for source in sources} - {None}
    written = [("--csv", csv_path)] if csv_path else []
    for kind, found in zip(kinds, of_kinds, strict=True):
        written += [(kind.option, place) for place in found.values()]
    for option, place in written:
        if _identity(place) in read:
            raise UsageError(f"{option} would write over {place}, which is read; name another")


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What two names of a file have in common; None where there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - names of sources may be anything
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def write_all(
    kinds: Sequence[FileOfEachVideo],
    of_kinds: Sequence[dict[str, Path]],
    prediction: Prediction,
    path: str,
) -> Iterator[str]:
    """Write the files of a video, if it could be read.

    Args:
        kinds: The kinds of files.
        of_kinds: Where they go; see `places`.
        prediction: What was found of the video.
        path: The path of the video.

    Yields:
        What is wrong with each file that can't be written, which keeps no other from being so.
    """
    if prediction.error is not None:
        return
    for kind, found in zip(kinds, of_kinds, strict=True):
        place = found[prediction.video]
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            kind.write(prediction, path, place)
        except OSError as error:
            yield f"{kind.option} {place} can't be written: {error.strerror}; name another"
        except LrcnError as error:
            yield f"{kind.option} of {show(prediction.video)}: {error}"
