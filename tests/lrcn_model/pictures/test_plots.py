from __future__ import annotations

import colorsys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_data.fonts import Fonts
from lrcn_model.figures.class_table import ClassTable
from lrcn_model.pictures.class_bars import draw_class_bars
from lrcn_model.pictures.class_colours import class_colour
from lrcn_model.pictures.clip_sheet import ShownClip, clip_sheet, write_sheet
from lrcn_model.pictures.curves_picture import Curve, Panel, draw_curves
from lrcn_model.pictures.plot import shortened
from lrcn_model.pictures.timelines_picture import Stretch, Timeline, draw_timelines
from lrcn_model.pictures.written_files import write_files


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def share_of(picture: np.ndarray, colour: tuple[int, int, int]) -> float:
    """The share of a picture that has a colour."""
    return float((np.abs(picture.astype(int) - colour).max(axis=2) < 8).mean())


def test_neighbouring_classes_have_colours_that_are_far_apart() -> None:
    hues = [colorsys.rgb_to_hsv(*(c / 255 for c in class_colour(n)))[0] for n in range(40)]
    assert all(abs((a - b + 0.5) % 1 - 0.5) > 0.3 for a, b in pairwise(hues))


def test_a_bar_is_as_long_as_its_class_is_right_in_the_colour_of_the_class(tmp_path: Path) -> None:
    figures = {"precision": [0.8, 0.4], "recall": [0.8, 0.4], "F1": [0.8, 0.4]}
    table = ClassTable(classes=["a", "b"], things="videos", counts=[3, 4], figures=figures)
    draw_class_bars(tmp_path / "a.png", table)
    long, short = (share_of(pixels(tmp_path / "a.png"), class_colour(n)) for n in (0, 1))
    assert long / short == pytest.approx(2, rel=0.1)


def test_curves_of_one_step_and_of_a_missing_value_can_be_drawn(tmp_path: Path) -> None:
    panels = [
        Panel(scale="loss", curves=[Curve(name="step", steps=[1], values=[2.0], faint=True)]),
        Panel(
            scale="accuracy",
            curves=[Curve(name="val", steps=[1, 2], values=[float("nan"), 0.5])],
            fractions=True,
        ),
    ]
    draw_curves(tmp_path / "a.png", panels, epoch_ends=[1, 2], kept=2)
    draw_curves(tmp_path / "none.png", panels[:1], epoch_ends=[], kept=None)
    assert pixels(tmp_path / "a.png").shape[0] > pixels(tmp_path / "none.png").shape[0]


def test_the_truth_lies_over_the_prediction_in_the_colours_of_the_classes(tmp_path: Path) -> None:
    timeline = Timeline(
        video="a.avi", accuracy=0.5, truth=[Stretch(0, 4, 1)], predicted=[Stretch(0, 4, 7)]
    )
    draw_timelines(tmp_path / "a.png", [timeline], [f"class {number}" for number in range(8)])
    picture = pixels(tmp_path / "a.png")[:, :900].astype(int)
    rows = [
        np.flatnonzero((np.abs(picture - class_colour(n)).max(axis=2) < 8).sum(axis=1) > 200)
        for n in (1, 7)
    ]
    assert 0 < rows[0].max() < rows[1].min()


def test_a_sheet_has_the_frames_and_the_colours_of_truth_and_answer(tmp_path: Path) -> None:
    frame = np.full((30, 40, 3), (10, 200, 90), np.uint8)
    wrong = ShownClip(
        video="v/a.avi", frames=[frame] * 3, label=0, truth="walk", predicted=1, probability=0.9
    )
    assert not wrong.right
    sheet = clip_sheet([("wrong", [wrong]), ("right", [])], ["walk", "бег"], Fonts())
    write_sheet(tmp_path / "a.jpg", sheet)
    picture = np.asarray(sheet)
    assert share_of(picture, (10, 200, 90)) == pytest.approx(3 * 84 * 112 / picture[..., 0].size)
    for label in (0, 1):
        assert share_of(picture, class_colour(label)) * picture[..., 0].size >= 100
    assert np.abs(pixels(tmp_path / "a.jpg").astype(int) - picture).mean() < 3
    with pytest.raises(LrcnError, match=r"no/a\.jpg can't be written"):
        write_sheet(tmp_path / "no" / "a.jpg", sheet)


def test_a_file_that_cant_be_made_takes_no_other_with_it_and_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError("no such renderer")

    def write(path: Path) -> None:
        path.write_text("1")

    made = write_files(tmp_path / "in", {"a.png": fail, "b.csv": write, "c.png": fail})
    assert made.paths == [tmp_path / "in" / "b.csv"]
    assert made.problems == [f"a.png, c.png of {tmp_path / 'in'} can't be made: no such renderer"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["b.csv"]
    (tmp_path / "file").write_text("")
    assert write_files(tmp_path / "file" / "in", {"b.csv": write}).paths == []


def test_a_long_name_keeps_its_ends() -> None:
    assert shortened("a" * 40) == "a" * 40
    assert shortened("abcdefghij", 5) == "ab…ij"
