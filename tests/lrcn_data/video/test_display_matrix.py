from __future__ import annotations

import numpy as np
import pytest

from lrcn_data.video.display_matrix import Matrix, rotation_matrix, upright

PICTURE = np.random.default_rng(0).integers(0, 256, (3, 5, 3), np.uint8)


def moved(matrix: Matrix) -> np.ndarray:
    """Every pixel moved by itself, as libavutil/display.h says; then everything to the corner."""
    a, b, c, d = matrix
    places = {
        (a * x + c * y, b * x + d * y): PICTURE[y, x]
        for y in range(PICTURE.shape[0])
        for x in range(PICTURE.shape[1])
    }
    left, top = min(x for x, _ in places), min(y for _, y in places)
    right, bottom = max(x for x, _ in places), max(y for _, y in places)
    turned = np.empty((bottom - top + 1, right - left + 1, 3), np.uint8)
    for (x, y), pixel in places.items():
        turned[y - top, x - left] = pixel
    return turned


@pytest.mark.parametrize(
    "matrix",
    [
        *((sign, 0, 0, other) for sign in (1, -1) for other in (1, -1)),
        *((0, sign, other, 0) for sign in (1, -1) for other in (1, -1)),
    ],
)
def test_every_turn_and_mirror_moves_pixels_as_the_matrix_says(matrix: Matrix) -> None:
    found = upright(PICTURE, matrix)
    assert np.array_equal(found, moved(matrix))
    assert found.flags.c_contiguous


def test_a_matrix_of_a_slight_turn_counts_as_the_nearest_one() -> None:
    fixed_point = 1 << 16
    slightly = (fixed_point, 300, -300, fixed_point)
    assert np.array_equal(upright(PICTURE, slightly), PICTURE)


def test_without_a_matrix_the_picture_is_the_same_one() -> None:
    assert upright(PICTURE, None) is PICTURE


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (-270, 1), (180, 2), (-90, 3), (359, 0)])
def test_a_rotation_is_counterclockwise(degrees: float, turns: int) -> None:
    assert np.array_equal(upright(PICTURE, rotation_matrix(degrees)), np.rot90(PICTURE, turns))
