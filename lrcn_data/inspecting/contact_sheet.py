"""A contact sheet: pictures in rows, what they are on the left, a caption below each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from lrcn_data.fonts import Fonts
from lrcn_data.picture_text import Pen

FRAME_HEIGHT = 112
"""Height in pixels that frames are scaled to; they keep their proportions."""

INK, FAINT, WARNING = "#1c1c1a", "#77756f", "#b4462f"
"""The colours of text: what matters most, what matters less, and what is not as usual."""

_WIDEST = 3 * FRAME_HEIGHT
_LABEL_WIDTH = 232
_MARGIN = 20
_GAP = 6
_CAPTION = 20
_ROW_GAP = 14
_HEADER = 44
_INSTEAD = 5
"""The columns that the text in place of pictures takes."""

_PAPER, _LINE = "#fcfcfa", "#dedcd6"

TextLine = tuple[str, int, str]
"""A line of text, the height of its letters in pixels, and its colour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A picture of a sheet.

    Attributes:
        picture: The picture, at its size on the sheet; see `sheet_size`.
        captions: The lines below it.
    """

    picture: Image.Image
    captions: Sequence[TextLine]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of a sheet.

    Attributes:
        label: The lines to the left of the pictures.
        cells: The pictures, in the order of time.
        instead: What stands in their place where there are none.
    """

    label: Sequence[TextLine]
    cells: Sequence[Cell]
    instead: str = ""


def sheet_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) in pixels that a frame of a size has on a sheet."""
    return min(_WIDEST, max(1, round(width * FRAME_HEIGHT / height))), FRAME_HEIGHT


def draw_sheet(
    rows: Sequence[Row], *, title: str, subtitle: str = "", fonts: Fonts | None = None
) -> Image.Image:
    """Draw rows below one another.

    Args:
        rows: The rows.
        title: The head line.
        subtitle: A faint line to the right of the title.
        fonts: What the text is written with; it notes what it lacks.
    """
    cells = [cell for row in rows for cell in row.cells]
    columns = max((len(row.cells) or _INSTEAD for row in rows), default=0)
    cell_width = max((cell.picture.width for cell in cells), default=FRAME_HEIGHT)
    lines = max((len(cell.captions) for cell in cells), default=1)
    row_height = FRAME_HEIGHT + lines * _CAPTION + _ROW_GAP
    width = 2 * _MARGIN + _LABEL_WIDTH + columns * (cell_width + _GAP)
    sheet = Image.new("RGB", (width, _HEADER + _MARGIN + len(rows) * row_height), _PAPER)
    pen = Pen(sheet, fonts or Fonts())
    room = width - 2 * _MARGIN
    after = pen.write((_MARGIN, 14), title, 20, INK, room=room) + _MARGIN
    pen.write((_MARGIN + after, 20), subtitle, 14, FAINT, room=room - after)
    for number, row in enumerate(rows):
        line = _HEADER + number * row_height
        pen.line((_MARGIN, line), width - _MARGIN, _LINE)
        top = line + _ROW_GAP // 2
        _write_label(pen, row.label, top)
        left = _MARGIN + _LABEL_WIDTH
        if row.instead and not row.cells:
            place = left, top + FRAME_HEIGHT // 2
            pen.write(place, row.instead, 14, FAINT, room=width - _MARGIN - left)
        for cell in row.cells:
            corner = left + (cell_width - cell.picture.width) // 2
            sheet.paste(cell.picture, (corner, top))
            middle = corner + cell.picture.width / 2
            _write_captions(pen, cell.captions, middle, top + FRAME_HEIGHT + 3, cell_width)
            left += cell_width + _GAP
    return sheet


def _write_label(pen: Pen, lines: Sequence[TextLine], top: int) -> None:
    for text, size, colour in lines:
        pen.write((_MARGIN, top), text, size, colour, room=_LABEL_WIDTH - _MARGIN)
        top += round(size * 1.45)


def _write_captions(
    pen: Pen, lines: Sequence[TextLine], middle: float, top: int, room: int
) -> None:
    """Write lines below the middle of a picture."""
    for text, size, colour in lines:
        width = min(room, pen.width(text, size))
        pen.write((math.floor(middle - width / 2), top), text, size, colour, room=room)
        top += _CAPTION - 2
