"""Tables of figures as CSV files, for other programs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lrcn_data.storage.atomic_file import write_atomically
from lrcn_model.figures.class_table import ClassTable
from lrcn_model.figures.confused_pairs import ConfusedPair


def write_class_table(path: Path, table: ClassTable) -> None:
    """Write a line for each class: its name, how many there are of it, and its figures.

    Args:
        path: The file to write.
        table: The figures; nothing stands in place of nan.

    Raises:
        OSError: The file can't be written.
    """
    rows = (
        [name, count, *map(_shown, figures)]
        for name, count, *figures in zip(
            table.classes, table.counts, *table.figures.values(), strict=True
        )
    )
    _write(path, ["class", table.things, *table.figures], rows)


def write_confused_pairs(
    path: Path, pairs: Sequence[ConfusedPair], classes: Sequence[str], things: str
) -> None:
    """Write a line for each pair of classes that is confused.

    Args:
        path: The file to write.
        pairs: The pairs, in the order of the lines.
        classes: The class names.
        things: What is counted, in the plural.

    Raises:
        OSError: The file can't be written.
    """
    rows = (
        [classes[one.label], classes[one.recognized], one.times, _shown(one.share)] for one in pairs
    )
    _write(path, ["class", "recognized as", things, "share of the class"], rows)


def _shown(fraction: float) -> str:
    return "" if math.isnan(fraction) else f"{fraction:.6g}"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *rows])
    write_atomically(path, text.getvalue().encode("utf-8", errors="backslashreplace"))
