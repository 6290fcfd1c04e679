"""Text on pictures: lines in any script, cut to the room there is."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from lrcn_data.fonts import Fonts, Piece, Typeface


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a line as Pillow is asked to draw it."""

    text: str
    font: ImageFont.FreeTypeFont
    direction: str | None

    @classmethod
    def of(cls, piece: Piece, size: int) -> _Part:
        font = piece.typeface.at(size)
        if font.layout_engine == ImageFont.Layout.RAQM:
            # joins letters, and writes leftward ones in their order
            return cls(piece.text, font, "rtl" if piece.leftwards else "ltr")
        return cls(piece.text[::-1] if piece.leftwards else piece.text, font, None)

    @property
    def width(self) -> float:
        return self.font.getlength(self.text, direction=self.direction)


class Pen:
    """Writes on a picture.

    Args:
        picture: The picture.
        fonts: Where the fonts are taken from, and what they lack is noted.
    """

    def __init__(self, picture: Image.Image, fonts: Fonts) -> None:
        self._draw = ImageDraw.Draw(picture)
        self._fonts = fonts

    def write(
        self, corner: tuple[int, int], text: str, size: int, colour: str, *, room: int | None = None
    ) -> int:
        """Write a line.

        Args:
            corner: The upper left corner, in pixels.
            text: The line; control characters are escaped.
            size: The height of the letters in pixels.
            colour: The colour, as Pillow takes it.
            room: The pixels that the line may take; of a longer one the beginning and the end are
                written. None for no limit.

        Returns:
            The pixels that the line takes.
        """
        letters = self._fonts.letters(text)
        if room is not None:
            letters = self._fit(letters, size, room)
        left, top = corner
        # as high as plain text would be, whatever the font
        baseline = top + Typeface(None).at(size).getmetrics()[0]
        position = float(left)
        for part in self._parts(letters, size):
            place = position, baseline
            self._draw.text(
                place, part.text, colour, part.font, anchor="ls", direction=part.direction
            )
            position += part.width
        return round(position) - left

    def width(self, text: str, size: int) -> int:
        """The width of a line in pixels."""
        return self._width(self._fonts.letters(text), size)

    def line(self, start: tuple[int, int], right: int, colour: str) -> None:
        """Draw a thin horizontal line from a point to the x coordinate `right`."""
        self._draw.line((*start, right, start[1]), fill=colour)

    def _width(self, letters: list[str], size: int) -> int:
        return round(sum(part.width for part in self._parts(letters, size)))

    def _parts(self, letters: list[str], size: int) -> list[_Part]:
        """The parts of a line, from left to right."""
        return [_Part.of(piece, size) for piece in self._fonts.pieces(letters)]

    def _fit(self, letters: list[str], size: int, room: int) -> list[str]:
        """The letters, or as many of the first and the last as fit into `room` pixels."""
        if self._width(letters, size) <= room:
            return letters

        def shorter(kept: int) -> list[str]:
            head = -(-kept // 2)
            return [*letters[:head], "…", *letters[len(letters) - (kept - head) :]]

        too_long = bisect.bisect_right(
            range(len(letters)), room, key=lambda kept: self._width(shorter(kept), size)
        )
        return shorter(too_long - 1) if too_long else []
