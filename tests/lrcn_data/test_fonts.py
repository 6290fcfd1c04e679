from __future__ import annotations

import importlib.util
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data import fonts
from lrcn_data.fonts import Fonts, Typeface

DEJAVU = Path(fonts.__file__).parent / "dejavu" / "DejaVuSans.ttf"
STIX_ONLY = "\u1d81"
"""A letter that STIX has and DejaVu lacks."""

names = st.text(
    st.sampled_from("ab_. éЖλשאمر走る달नथ🏀\u0301\u093e\u0e49\u200d\ufe0f\U0001f3fd\U00013000")
)


def forget() -> None:
    for cached in (fonts._typefaces, fonts._find):
        cached.cache_clear()


@pytest.fixture
def no_other_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without fonts of its own and without the extra."""
    monkeypatch.setattr(fonts, "_PACKAGES", ())
    monkeypatch.setenv("PATH", "")
    forget()
    yield
    forget()


def drawn(text: str) -> str:
    return "".join(Fonts().letters(text))


def test_a_font_has_the_characters_that_its_file_says() -> None:
    listed = set(TTFont(DEJAVU).getBestCmap())
    rng = random.Random(0)
    printable = [code for code in range(0x20, 0x30000) if chr(code).isprintable()]
    listed_printable = sorted(listed.intersection(printable))
    for code in [*rng.sample(printable, 2000), *rng.sample(listed_printable, 2000)]:
        if not fonts._is_unseen(chr(code)):
            assert Typeface(DEJAVU).has(chr(code)) == (code in listed), hex(code)


@pytest.mark.usefixtures("no_other_fonts")
@pytest.mark.parametrize(
    "name",
    ["café_Łódź_İğşß.mp4", "Ελληνικά", "Привет_їґ", "Tiếng Việt_đi bộ", "مرحبا بالعالم", "שלום"],
)
def test_letters_of_europe_and_the_near_east_need_no_other_font(name: str) -> None:
    for form in ("NFC", "NFD"):
        assert drawn(unicodedata.normalize(form, name)) == unicodedata.normalize("NFC", name)


@pytest.mark.usefixtures("no_other_fonts")
def test_what_no_font_has_is_written_as_its_code_and_said_with_the_remedy() -> None:
    found = Fonts()
    assert found.remedy() is None
    assert "".join(found.letters("walk_走る_달.avi")) == "walk_U+8D70U+308B_U+B2EC.avi"
    assert list(found.missing) == ["走", "る", "달"]
    remedy = found.remedy()
    assert remedy is not None
    assert "CJK, Hangul, Hiragana;" in remedy
    assert "such as U+308B; install" in remedy
    assert "pip install 'lrcn[fonts]'" in remedy
    again = Fonts()
    again.letters("달_る走")
    assert again.remedy() == remedy


def test_control_characters_and_stray_bytes_are_escaped() -> None:
    assert drawn("a\u202eb\n\udce9.avi") == r"a\u202eb\n\udce9.avi"


def test_a_letter_keeps_its_marks_and_an_emoji_its_parts() -> None:
    runner = "\U0001f3c3\u200d\u2640\ufe0f"
    assert fonts._split(f"x\u0323\u0301y{runner}z") == ["x\u0323\u0301", "y", runner, "z"]


@given(names)
def test_letters_can_be_put_together_again(name: str) -> None:
    letters = Fonts().letters(name)
    seen = "".join("".join(letters).split("\u200d"))
    for character in unicodedata.normalize("NFC", name).replace("\u200d", ""):
        assert character in seen or f"U+{ord(character):04X}" in seen or character == "\ufe0f"


@given(names)
def test_every_letter_of_a_line_is_written_once_in_a_font_that_has_it(name: str) -> None:
    found = Fonts()
    letters = found.letters(name)
    pieces = found.pieces(letters)
    assert sorted("".join(letters)) == sorted("".join(piece.text for piece in pieces))
    assert all(piece.typeface.has(piece.text) for piece in pieces)


def test_leftward_words_are_placed_from_right_to_left_between_the_others() -> None:
    found = Fonts()
    pieces = found.pieces(found.letters("a_אב גד_x"))
    assert [(piece.text, piece.leftwards) for piece in pieces] == [
        ("a_", False),
        ("אב גד", True),
        ("_x", False),
    ]


@pytest.mark.usefixtures("no_other_fonts")
def test_the_font_that_fontconfig_names_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    stix = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "STIXGeneral.ttf"
    assert drawn(STIX_ONLY) == "U+1D81"
    program = tmp_path / "fc-match"
    program.write_text(f"#!/bin/sh\n[ \"$3\" = :charset=1d81 ] && printf '65536 %s' '{stix}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    forget()
    found = Fonts()
    [piece] = found.pieces(found.letters(STIX_ONLY))
    assert piece.typeface == Typeface(stix)
