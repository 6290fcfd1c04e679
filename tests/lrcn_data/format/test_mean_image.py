"""Pixel sums of frames, against naive sums in 64 bits and naive resizing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lrcn_data.format.mean_image import PixelSums, on_canvas

Frame = np.ndarray[Any, np.dtype[np.uint8]]
CANVAS = (5, 4)


def random_frames(seed: int, count: int, size: tuple[int, int] = CANVAS) -> list[Frame]:
    shape = (count, size[1], size[0], 3)
    return list(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def naive_sum(frames: list[Frame]) -> np.ndarray[Any, np.dtype[np.int64]]:
    total = np.zeros((CANVAS[1], CANVAS[0], 3), np.int64)
    for frame in frames:
        total += frame.astype(np.int64)
    return total


def summed(frames: list[Frame]) -> PixelSums:
    sums = PixelSums(CANVAS)
    for frame in frames:
        sums.add(frame)
    return sums


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 258, 511, 512, 513, 1000])
def test_sums_are_exact_for_any_number_of_frames(count: int) -> None:
    frames = random_frames(count, count)
    sums = summed(frames)
    assert sums.pixel_sum.dtype == np.int64
    assert np.array_equal(sums.pixel_sum, naive_sum(frames))
    assert (sums.frame_count, sums.exact_frames) == (count, count)


@pytest.mark.parametrize("count", [256, 257, 600])
def test_white_frames_do_not_overflow(count: int) -> None:
    sums = summed([np.full((4, 5, 3), 255, np.uint8)] * count)
    assert np.array_equal(sums.pixel_sum, np.full((4, 5, 3), 255 * count))


@pytest.mark.parametrize("uses", [0, 1, 3, 256, 257, 300])
def test_a_frame_counts_as_often_as_it_is_used(uses: int) -> None:
    [frame, other] = random_frames(0, 2)
    sums = PixelSums(CANVAS)
    sums.add(frame, uses)
    sums.add(other)
    assert np.array_equal(sums.pixel_sum, frame.astype(np.int64) * uses + other)
    assert (sums.frame_count, sums.exact_frames) == (uses + 1, uses + 1)


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), max_size=4), st.randoms(), st.data())
def test_merging_is_exact_in_any_order(counts: list[int], rng: Any, data: st.DataObject) -> None:
    parts = [random_frames(seed, count) for seed, count in enumerate(counts)]
    sums = [summed(part) for part in parts]
    for one in sums:
        if data.draw(st.booleans()):
            _ = one.pixel_sum  # which puts it into 64 bits
    whole = PixelSums(CANVAS)
    for one in rng.sample(sums, len(sums)):
        whole.merge(one)
    assert np.array_equal(whole.pixel_sum, naive_sum([frame for part in parts for frame in part]))
    assert whole.frame_count == whole.exact_frames == sum(counts)


def test_merging_changes_only_the_sum_that_it_is_merged_into() -> None:
    one, other = random_frames(1, 300), random_frames(2, 300)
    sums, more = summed(one), summed(other)
    _ = more.pixel_sum
    sums.merge(more)
    sums.add(one[0])
    assert np.array_equal(more.pixel_sum, naive_sum(other))
    assert more.frame_count == 300


def test_what_is_added_after_a_look_at_the_sum_counts_too() -> None:
    frames = random_frames(0, 10)
    sums = summed(frames[:5])
    first = sums.pixel_sum.copy()
    for frame in frames[5:]:
        sums.add(frame)
    assert np.array_equal(first, naive_sum(frames[:5]))
    assert np.array_equal(sums.pixel_sum, naive_sum(frames))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["frames", "total", "merge"]), max_size=6))
def test_totals_frames_and_other_sums_add_up_in_any_order(steps: list[str]) -> None:
    sums, everything, exact = PixelSums(CANVAS), [], 0
    for seed, step in enumerate(steps):
        frames = random_frames(seed, 130)
        everything += frames
        if step == "frames":
            for frame in frames:
                sums.add(frame)
            exact += 130
        elif step == "merge":
            sums.merge(summed(frames))
            exact += 130
        else:
            sums.add_total(naive_sum(frames), frame_count=130, exact_frames=7)
            exact += 7
    assert np.array_equal(sums.pixel_sum, naive_sum(everything))
    assert (sums.frame_count, sums.exact_frames) == (len(everything), exact)


def test_adding_a_total_does_not_change_it_later() -> None:
    total = naive_sum(random_frames(0, 3))
    before = total.copy()
    sums = PixelSums(CANVAS)
    sums.add_total(total, frame_count=3, exact_frames=3)
    for frame in random_frames(1, 300):
        sums.add(frame)
    _ = sums.pixel_sum
    assert np.array_equal(total, before)


def test_a_cleared_sum_is_as_new() -> None:
    sums = summed(random_frames(0, 300))
    _ = sums.pixel_sum
    sums.add(random_frames(1, 1)[0])
    sums.clear()
    assert (sums.frame_count, sums.exact_frames) == (0, 0)
    frames = random_frames(2, 3)
    for frame in frames:
        sums.add(frame)
    assert np.array_equal(sums.pixel_sum, naive_sum(frames))


def test_a_frame_of_the_canvass_size_is_taken_as_it_is() -> None:
    [frame] = random_frames(0, 1)
    assert on_canvas(frame, CANVAS) is frame


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_a_larger_frame_is_averaged_over_areas(factor: int) -> None:
    [frame] = random_frames(factor, 1, (CANVAS[0] * factor, CANVAS[1] * factor))
    areas = frame.reshape(CANVAS[1], factor, CANVAS[0], factor, 3).astype(float)
    fitted = on_canvas(frame, CANVAS)
    assert fitted.shape == (4, 5, 3)
    # the resizing rounds after each of the two axes
    assert np.abs(fitted - areas.mean(axis=(1, 3))).max() <= 1


@pytest.mark.parametrize("size", [(7, 3), (3, 9), (4, 5), (1, 1), (5, 8)])
def test_frames_of_other_sizes_are_summed_but_not_counted_as_exact(size: tuple[int, int]) -> None:
    exact, other = random_frames(0, 3), random_frames(1, 2, size)
    sums = summed([*other, *exact])
    fitted = [
        np.asarray(Image.fromarray(frame).resize(CANVAS, Image.Resampling.BOX)) for frame in other
    ]
    assert np.array_equal(sums.pixel_sum, naive_sum([*fitted, *exact]))
    assert (sums.frame_count, sums.exact_frames) == (5, 3)
