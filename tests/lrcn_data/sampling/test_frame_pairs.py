"""Frames that come with a neighbour, in generated orders and in real videos of numbered frames."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.format.frame_kind import NEXT_IN_SOURCE, Neighbour
from lrcn_data.pixels import RGB
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import collect_clips
from lrcn_data.sampling.frame_pairs import FramePairs
from lrcn_data.sampling.windows import Windows
from lrcn_data.video.video_file import open_video

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30)


@given(pairs=PAIRS)
def test_every_pair_comes_once_with_both_its_frames_and_no_frame_is_held_too_long(
    pairs: list[tuple[int, int]],
) -> None:
    uses = Counter(pairs)
    taker = FramePairs(uses)
    assert set(taker.frames) == {frame for pair in pairs for frame in pair}
    given_out = {}
    pixels: dict[int, weakref.ref[RGB]] = {}
    for frame in sorted(taker.frames):
        rgb = np.full((1, 1, 3), frame, np.uint8)
        pixels[frame] = weakref.ref(rgb)
        for pair, one, other, count in taker.complete(frame, rgb):
            assert pair not in given_out
            given_out[pair] = (int(one[0, 0, 0]), int(other[0, 0, 0]), count)
            del one, other
        del rgb
        needed = {n for pair in pairs if max(pair) > frame >= min(pair) for n in pair}
        assert {n for n, held in pixels.items() if held() is not None} == needed & set(pixels)
    assert given_out == {pair: (*pair, count) for pair, count in uses.items()}


class Noting:
    """Keeps of each frame its number, what its pixels say, and what its neighbour's say."""

    def __init__(self, neighbour: Neighbour) -> None:
        self.neighbour = neighbour

    def begin(self) -> None:
        pass

    def keep(
        self, rgb: RGB, number: int, neighbour: RGB | None, uses: int
    ) -> tuple[int, int, int | None]:
        return number, int(rgb[0, 0, 0]), None if neighbour is None else int(neighbour[0, 0, 0])


WriteNumbered = Callable[..., Path]


def kept(path: Path, offset: int, options: ClipOptions) -> list[list[tuple[int, int, int | None]]]:
    with open_video(path) as file:
        return [clip.frames for clip in collect_clips(file, "v", options, Noting(offset)).clips]


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"])
@pytest.mark.parametrize("offset", [-3, -1, 1, 2])
def test_a_frames_neighbour_is_the_one_at_the_offset_and_stays_within_the_video(
    write_numbered: WriteNumbered, offset: int, decoder: str
) -> None:
    path = write_numbered(range(11))
    options = ClipOptions(fps=Fraction(10), sampling=Windows(seq_len=4, stride=3), decoder=decoder)
    found = kept(path, offset, options)
    assert [[number for number, _, _ in clip] for clip in found] == [
        [0, 1, 2, 3],
        [3, 4, 5, 6],
        [6, 7, 8, 9],
        [7, 8, 9, 10],
    ]
    for number, own, other in (frame for clip in found for frame in clip):
        assert (own, other) == (number, min(max(number + offset, 0), 10))


def test_a_frame_that_is_repeated_has_several_neighbours(
    write_numbered: WriteNumbered,
) -> None:
    path = write_numbered(range(3))
    [frames] = kept(path, 1, ClipOptions(fps=Fraction(20), sampling=Blocks(seq_len=6)))
    assert frames == [(0, 0, 0), (0, 0, 1), (1, 1, 1), (1, 1, 2), (2, 2, 2), (2, 2, 2)]


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"])
def test_the_next_frame_of_the_source_is_that_after_each_and_the_last_ones_own_predecessor(
    write_numbered: WriteNumbered, decoder: str
) -> None:
    path = write_numbered(range(8))
    # of 10 frames a second every third, the last one included
    options = ClipOptions(fps=Fraction(10, 3), sampling=Windows(seq_len=2), decoder=decoder)
    with open_video(path) as file:
        clips = collect_clips(file, "v", options, Noting(NEXT_IN_SOURCE)).clips
    assert [clip.frames for clip in clips] == [[(1, 1, 2), (4, 4, 5)], [(4, 4, 5), (6, 6, 7)]]
    assert [clip.frame_numbers for clip in clips] == [[1, 4], [4, 7]]
    assert [clip.frame_times for clip in clips] == [[0.1, 0.4], [0.4, 0.7]]
    assert [clip.neighbour_times for clip in clips] == [[0.2, 0.5], [0.5, 0.6]]


def test_the_only_frame_of_a_source_is_its_own_neighbour(write_numbered: WriteNumbered) -> None:
    with open_video(write_numbered([7])) as file:
        options = ClipOptions(fps=Fraction(10), sampling=Windows(seq_len=2), short="pad")
        [clip] = collect_clips(file, "v", options, Noting(NEXT_IN_SOURCE)).clips
    assert clip.frames == [(0, 7, 7), (0, 7, 7)]
    assert clip.neighbour_times == [0, 0]


def test_without_an_offset_no_frame_has_a_neighbour(write_numbered: WriteNumbered) -> None:
    path = write_numbered(range(8))
    [frames] = kept(path, 0, ClipOptions(fps=Fraction(10), sampling=Blocks(seq_len=8)))
    assert frames == [(number, number, None) for number in range(8)]
