"""The fonts that pictures are written with: each letter in the first font that has it.

Pillow's own font has ASCII alone. DejaVu Sans, which lies beside this module, adds the letters of
Europe, Greek, Cyrillic, Vietnamese, Hebrew and Arabic; the extra `fonts` adds most other scripts,
Chinese, Japanese and Korean, and emoji; then come the fonts of the system, as fontconfig finds
them. What none of them has is written as its code, such as U+4E2D.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, groupby
from pathlib import Path

from PIL import ImageFont

from lrcn_data.printable import show

_DEJAVU = Path(__file__).parent / "dejavu" / "DejaVuSans.ttf"

_PACKAGES = ("manimgx_fonts", "noto_cjk_sans_otc")
"""What the extra `fonts` installs: Noto Sans for most scripts, and for those of East Asia."""

_ENDINGS = {".ttf", ".otf", ".ttc"}

_NO_CHARACTER = "\uffff"
"""What no font has, so that it is drawn as every character that a font lacks."""

_PROBE_SIZE = 24

_NON_JOINER, _JOINER = "\u200c", "\u200d"
"""What keeps two letters apart or puts them together; it has no look of its own."""

_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font, without a size.

    Attributes:
        path: Its file; None for the font that comes with Pillow.
        number: Its number in the file, of which collections have several.
    """

    path: Path | None
    number: int = 0

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font whose letters are as high as suits lines of `size` pixels."""
        return _open(self, size)

    def has(self, letter: str) -> bool:
        """Whether the font has all characters of a letter, its marks included."""
        return all(_covers(self, character) for character in letter if not _is_unseen(character))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line that is written in one font and one direction.

    Attributes:
        text: The characters, in the order in which they are read.
        typeface: The font that has them.
        leftwards: Whether they are read from right to left.
    """

    text: str
    typeface: Typeface
    leftwards: bool = False


class Fonts:
    """Finds the fonts of texts, and remembers what none of them has.

    Attributes:
        missing: The characters asked for so far that no font has, in the order of their first
            appearance.
    """

    def __init__(self) -> None:
        self.missing: dict[str, None] = {}

    def letters(self, text: str) -> list[str]:
        """Split a text into letters that can be drawn; the text can be cut between any two.

        Args:
            text: A text from outside. Control characters are escaped, and what no font has becomes
                its code.

        Returns:
            The letters, each a character with the marks that belong to it.
        """
        return [self._drawable(letter) for letter in _split(_composed(text))]

    def pieces(self, letters: list[str]) -> list[Piece]:
        """The parts of a line, from left to right.

        One font is taken for all of the line where one has all of it.

        Args:
            letters: The line, as `letters` gives it.
        """
        whole = _find("".join(letters))
        found: list[Piece] = []
        for leftwards, part in _directions(letters):
            typeface = whole or _find("".join(part))
            if typeface:
                pieces = [Piece("".join(part), typeface, leftwards)]
            else:
                by_font = groupby(part, lambda letter: _find(letter) or _typefaces()[0])
                pieces = [Piece("".join(group), font, leftwards) for font, group in by_font]
            found += reversed(pieces) if leftwards else pieces
        return found

    def remedy(self) -> str | None:
        """Say what is missing, and what helps; None where nothing is."""
        if not self.missing:
            return None
        # in one order, so that several pictures of the same names say the same
        scripts = ", ".join(sorted({_script(character) for character in self.missing}))
        first = _code(min(self.missing))
        return (
            f"no font here has letters of: {scripts}; they are written as their codes, such as"
            f" {first}; install fonts for them with `pip install 'lrcn[fonts]'`, or the system's"
            " own, such as Debian's fonts-noto"
        )

    def _drawable(self, letter: str) -> str:
        if _find(letter):
            return letter
        lacking = [c for c in letter if not _find(c)] or list(letter)
        self.missing.update(dict.fromkeys(lacking))
        return "".join(_code(c) if c in lacking else c for c in letter if not _is_unseen(c))


def _composed(text: str) -> str:
    """A text with its letters and marks in one character where there is one, fit to print."""
    parts = unicodedata.normalize("NFC", text).split(_JOINER)
    return _JOINER.join(
        _NON_JOINER.join(show(part) for part in joined.split(_NON_JOINER)) for joined in parts
    )


def _split(text: str) -> list[str]:
    """Split a text into letters, a simple form of Unicode's grapheme clusters (UAX #29)."""
    letters: list[str] = []
    for character in text:
        if letters and (_is_mark(character) or letters[-1].endswith(_JOINER)):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _is_mark(character: str) -> bool:
    return (
        unicodedata.category(character).startswith("M")
        or character in (_NON_JOINER, _JOINER)
        or ord(character) in _SKIN_TONES
    )


def _is_unseen(character: str) -> bool:
    return character in (_NON_JOINER, _JOINER) or ord(character) in _VARIATION_SELECTORS


def _directions(letters: list[str]) -> list[tuple[bool, list[str]]]:
    """Split a line where its direction changes; whether each part is read from right to left.

    A line is read from left to right as a whole, as paths are. What is between two letters of a
    leftward script belongs to them, unless it has a letter of another: the Unicode bidirectional
    algorithm (UAX #9) without its numbers and brackets.
    """
    kinds = [unicodedata.bidirectional(letter[0]) for letter in letters]
    leftwards = [False] * len(letters)
    last: int | None = None
    for place, kind in enumerate(kinds):
        if kind in ("R", "AL"):
            begin = place if last is None else last
            leftwards[begin : place + 1] = [True] * (place + 1 - begin)
            last = place
        elif kind == "L":
            last = None
    grouped = groupby(zip(leftwards, letters, strict=True), lambda pair: pair[0])
    return [(direction, [letter for _, letter in pairs]) for direction, pairs in grouped]


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _script(character: str) -> str:
    """The script of a character in a word, such as Thai, or what kind of sign it is."""
    name = unicodedata.name(character, "")
    if not unicodedata.category(character).startswith(("L", "M")) or not name:
        return "symbols and emoji"
    script = name.split()[0].split("-")[0]
    return script if script == "CJK" else script.title()


@lru_cache(4096)
def _find(text: str) -> Typeface | None:
    """The first font that has all of a text; of the system's, those asked for its letters."""
    for typeface in chain(_typefaces(), _of_system(text)):
        if typeface.has(text):
            return typeface
    return None


@cache
def _typefaces() -> tuple[Typeface, ...]:
    """The fonts that are looked through, in order, before the system is asked."""
    return (Typeface(None), Typeface(_DEJAVU), *map(Typeface, _packaged()))


def _packaged() -> Iterator[Path]:
    """The upright fonts in the packages of the extra."""
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            files = sorted(file for file in Path(folder).iterdir() if file.suffix in _ENDINGS)
            yield from (file for file in files if "Italic" not in file.name)


def _of_system(text: str) -> Iterator[Typeface]:
    """The font that fontconfig suggests for a text, if there is such a program and such a font."""
    if not shutil.which("fc-match"):
        return
    charset = " ".join(sorted({f"{ord(c):x}" for c in text if not _is_unseen(c)}))
    command = ["fc-match", "--format", "%{index} %{file}", f":charset={charset}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    number, _, file = said.stdout.partition(" ")
    # beyond 16 bits fontconfig says which variation of the font it means
    if file and number.isdecimal():
        yield Typeface(Path(file), int(number) & 0xFFFF)


@lru_cache(256)
def _open(
    typeface: Typeface, size: int, layout: ImageFont.Layout | None = None
) -> ImageFont.FreeTypeFont:
    if typeface.path is not None:
        return ImageFont.truetype(typeface.path, size, index=typeface.number, layout_engine=layout)
    default = ImageFont.load_default(size)
    assert isinstance(default, ImageFont.FreeTypeFont)
    return default


@cache
def _covers(typeface: Typeface, character: str) -> bool:
    """Whether a font has a character: whether it looks otherwise than what no font has."""
    look = _look(typeface, character)
    return look is not None and look != _look(typeface, _NO_CHARACTER)


def _look(typeface: Typeface, character: str) -> tuple[object, ...] | None:
    """A character as a font draws it, without regard to others; None where it can't."""
    try:
        font = _open(typeface, _PROBE_SIZE, ImageFont.Layout.BASIC)
        mask, offset = font.getmask2(character)
    except OSError:
        # a font that is only of pictures in sizes of their own, as of coloured emoji
        return None
    return (mask.size, offset, bytes(mask))
