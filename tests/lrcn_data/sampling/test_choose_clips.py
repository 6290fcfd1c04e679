"""The picks of each sampling, against their definitions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import LrcnError
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.choose_clips import choose_clips
from lrcn_data.sampling.sampling import Draw, Sampling
from lrcn_data.sampling.samplings import name_of
from lrcn_data.sampling.short_videos import SHORT, ClipPicks
from lrcn_data.sampling.windows import Windows

BUILT_IN = [Blocks(), Center(), Windows()]


def choose(
    length: int,
    sampling: Sampling = Blocks(),  # noqa: B008 - it never changes
    *,
    short: str = "skip",
    seed: int = 0,
    path: str = "a/b.avi",
) -> list[ClipPicks]:
    return choose_clips(length, sampling=sampling, short=short, seed=seed, path=path)


def naive_blocks(length: int, count: int) -> list[list[int]]:
    blocks: list[list[int]] = []
    rest = list(range(length))
    for block in range(count):
        size = length // count + (1 if block < length % count else 0)
        blocks.append(rest[:size])
        rest = rest[size:]
    return blocks


@given(length=st.integers(1, 300), seq_len=st.integers(1, 40), seed=st.integers(0, 2**40))
def test_blocks_picks_one_frame_of_each_block_by_the_documented_hash(
    length: int, seq_len: int, seed: int
) -> None:
    chosen = choose(length, Blocks(seq_len=seq_len, clips=3), seed=seed, path="x y/ü.avi")
    if length < seq_len:
        assert chosen == []
        return
    assert [clip.number for clip in chosen] == [0, 1, 2]
    for clip in chosen:
        for block, (frames, picked) in enumerate(
            zip(naive_blocks(length, seq_len), clip.positions, strict=True)
        ):
            text = f"{seed}\0x y/ü.avi\0{clip.number}\0{block}".encode()
            number = int(hashlib.sha256(text).hexdigest()[:16], 16)
            assert picked == frames[number % len(frames)]


@given(length=st.integers(8, 300))
def test_center_takes_each_blocks_middle_frame(length: int) -> None:
    [clip] = choose(length, Center())
    assert list(clip.positions) == [b[len(b) // 2] for b in naive_blocks(length, 8)]


@given(length=st.integers(16, 300), stride=st.integers(1, 20))
def test_windows_cover_every_frame_to_the_last(length: int, stride: int) -> None:
    chosen = choose(length, Windows(seq_len=16, stride=stride))
    starts = [clip.positions[0] for clip in chosen]
    assert all(list(clip.positions) == list(range(s, s + 16)) for clip, s in zip(chosen, starts))  # noqa: B905
    assert starts == sorted(set(starts))
    assert starts[-1] + 16 == length
    assert all(start % stride == 0 for start in starts[:-1])


@pytest.mark.parametrize("sampling", BUILT_IN, ids=name_of)
@pytest.mark.parametrize("length", range(1, 8))
def test_a_short_video_is_skipped_looped_or_padded(sampling: Sampling, length: int) -> None:
    assert choose(length, sampling, short="skip") == []
    [looped] = choose(length, sampling, short="loop")
    [padded] = choose(length, sampling, short="pad")
    frames = list(range(length))
    assert (list(looped.positions), looped.num_valid) == ((frames * 8)[:8], 8)
    assert (list(padded.positions), padded.num_valid) == (
        (frames + [length - 1] * 8)[:8],
        length,
    )


@pytest.mark.parametrize("sampling", [*BUILT_IN, Blocks(clips=3)])
@given(length=st.integers(1, 40))
def test_a_short_video_may_be_taken_whole_and_a_longer_one_as_always(
    sampling: Sampling, length: int
) -> None:
    chosen = choose(length, sampling, short="whole")
    if length >= 8:
        assert chosen == choose(length, sampling)
        return
    [clip] = chosen
    assert (list(clip.positions), clip.num_valid) == (list(range(length)), length)


def test_a_video_without_frames_gives_no_clip_whatever_short_says() -> None:
    assert [choose(0, short=short) for short in SHORT] == [[]] * 4


def test_draws_depend_on_seed_and_path() -> None:
    base = choose(80)
    assert choose(80) == base
    assert choose(80, seed=1) != base
    assert choose(80, path="a/c.avi") != base


@pytest.mark.parametrize("sampling", BUILT_IN, ids=name_of)
@given(start=st.integers(0, 50), length=st.integers(8, 100))
def test_a_part_of_a_video_is_sampled_as_a_video_of_that_length(
    sampling: Sampling, start: int, length: int
) -> None:
    def draw(clip: int, block: int) -> int:
        return 7919 * clip + 31 * block

    whole = sampling.choose(range(length), draw)
    part = sampling.choose(range(start, start + length), draw)
    assert part == [tuple(start + position for position in clip) for clip in whole]


@pytest.mark.parametrize("sampling", [*BUILT_IN, Blocks(clips=5)])
@given(length=st.integers(8, 100))
def test_no_video_gives_more_clips_than_its_sampling_says(sampling: Sampling, length: int) -> None:
    assert len(choose(length, sampling)) <= (sampling.most_clips or length)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed(Sampling):
    """Always the same positions."""

    chosen: tuple[int, ...]

    def choose(self, positions: range, draw: Draw) -> list[tuple[int, ...]]:
        return [self.chosen]


@pytest.mark.parametrize("chosen", [(0, 1), (), (0, 1, 2, 10), (-1, 0, 1, 2)])
def test_a_sampling_that_gives_no_clip_is_refused_by_its_name(chosen: tuple[int, ...]) -> None:
    with pytest.raises(LrcnError, match=r"test_choose_clips:Fixed chose the positions \["):
        choose(10, Fixed(seq_len=4, chosen=chosen))
    assert choose(10, Fixed(seq_len=4, chosen=(2, 3, 5, 9)))[0].positions == (2, 3, 5, 9)
