from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_model.pictures.confusion_picture import draw_confusion


def colours(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).reshape(-1, 3)


@pytest.mark.parametrize("classes", [1, 3, 14, 101, 200])
def test_the_picture_grows_with_the_classes_within_bounds(classes: int, tmp_path: Path) -> None:
    path = tmp_path / "confusion.png"
    draw_confusion(
        path, np.eye(classes, dtype=int).tolist(), [f"class {n}" for n in range(classes)]
    )
    with Image.open(path) as picture:
        assert min(picture.size) > 200
        assert max(picture.size) < 2000


def test_what_is_right_is_dark_and_what_is_confused_is_less_so(tmp_path: Path) -> None:
    dark = []
    for confusion in ([[4, 0], [0, 4]], [[2, 2], [2, 2]]):
        draw_confusion(tmp_path / "a.png", confusion, ["walk", "run"])
        rows = colours(tmp_path / "a.png").astype(int)
        # of the blues from white to dark blue, not of the black text
        blue = rows[rows[:, 2] - rows[:, 0] > 40]
        _, counts = np.unique(blue, axis=0, return_counts=True)
        dark.append(np.unique(blue, axis=0)[counts.argmax()].sum())
    assert dark[0] < dark[1]


def test_any_name_and_a_class_without_videos_can_be_drawn(tmp_path: Path) -> None:
    names = ["$x^", "走る שלום", "a_{b}", "\\frac"]
    # warnings of glyphs that are missing would be errors
    draw_confusion(tmp_path / "a.png", [[1, 0, 0, 2], [0] * 4, [0] * 4, [0, 0, 0, 3]], names)
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_picture_that_cant_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(LrcnError, match=r"no/a\.png can't be written"):
        draw_confusion(tmp_path / "no" / "a.png", [[1]], ["walk"])


def test_letters_that_no_font_has_are_told(tmp_path: Path) -> None:
    told = draw_confusion(tmp_path / "a.png", [[1]], ["walk \U00013000"])
    assert told is None or "U+13000" in told
    assert draw_confusion(tmp_path / "a.png", [[1]], ["бег, café"]) is None
