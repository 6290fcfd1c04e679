from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, features

from lrcn_data.fonts import Fonts
from lrcn_data.picture_text import Pen

SIZE = 40


def written(text: str, *, room: int | None = None) -> tuple[np.ndarray, int]:
    """The columns with ink, and the width that was told."""
    picture = Image.new("L", (2000, 80), "white")
    width = Pen(picture, Fonts()).write((10, 10), text, SIZE, "black", room=room)
    return np.asarray(picture) < 200, width


@pytest.mark.parametrize(
    "name", ["walk.avi", "Привет.avi", "مرحبا بالعالم.avi", "שלום_走る_🏀_ж.avi", "e\u0301" * 20]
)
def test_a_line_is_as_wide_as_told_and_a_long_one_keeps_to_its_room(name: str) -> None:
    ink, width = written(name)
    assert width == Pen(Image.new("L", (1, 1)), Fonts()).width(name, SIZE)
    assert abs(10 + width - np.flatnonzero(ink.any(axis=0)).max()) < SIZE / 4
    ink, width = written(name * 9, room=300)
    assert 200 < width <= 300
    assert np.flatnonzero(ink.any(axis=0)).max() <= 10 + 300 + 2


def test_a_line_for_which_there_is_no_room_is_left_out() -> None:
    ink, width = written("walk", room=3)
    assert not ink.any()
    assert width == 0


def test_hebrew_is_written_from_right_to_left() -> None:
    picture = Image.new("L", (2000, 80), "white")
    pen = Pen(picture, Fonts())
    # letter by letter, the first one rightmost
    left = 10
    for letter in "דגבא":
        left += pen.write((left, 10), letter, SIZE, "black")
    by_hand = np.asarray(picture) < 200
    ink, _ = written("אבגד")
    assert np.mean(ink ^ by_hand) < 0.1 * by_hand.mean()


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow doesn't join letters")
def test_arabic_letters_are_joined() -> None:
    # of three letters that join, there is no empty column between
    columns = np.flatnonzero(written("سبل")[0].any(axis=0))
    assert (np.diff(columns) == 1).all()


def test_composed_and_decomposed_names_look_the_same() -> None:
    assert np.array_equal(written("café_각")[0], written("cafe\u0301_\u1100\u1161\u11a8")[0])


def test_plain_text_looks_as_pillow_writes_it() -> None:
    from PIL import ImageFont

    picture = Image.new("L", (2000, 80), "white")
    font = ImageFont.load_default(SIZE)
    ImageDraw.Draw(picture).text((10, 10), "walk_01.avi", "black", font)
    assert np.array_equal(np.asarray(picture) < 200, written("walk_01.avi")[0])
