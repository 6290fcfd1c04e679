"""The picks of each sampling, against their definitions."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.sampling.choose_clips import ClipPicks, choose_clips


def choose(length: int, **changes: Any) -> list[ClipPicks]:
    options: dict[str, Any] = {
        "seq_len": 8,
        "sampling": "blocks",
        "stride": 4,
        "clips": 1,
        "short": "skip",
        "seed": 0,
        "path": "a/b.avi",
    }
    return choose_clips(length, **{**options, **changes})


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
    chosen = choose(length, seq_len=seq_len, seed=seed, path="x y/ü.avi", clips=3)
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
    [clip] = choose(length, sampling="center")
    assert list(clip.positions) == [b[len(b) // 2] for b in naive_blocks(length, 8)]


@given(length=st.integers(16, 300), stride=st.integers(1, 20))
def test_windows_cover_every_frame_to_the_last(length: int, stride: int) -> None:
    chosen = choose(length, sampling="windows", seq_len=16, stride=stride)
    starts = [clip.positions[0] for clip in chosen]
    assert all(list(clip.positions) == list(range(s, s + 16)) for clip, s in zip(chosen, starts))  # noqa: B905
    assert starts == sorted(set(starts))
    assert starts[-1] + 16 == length
    assert all(start % stride == 0 for start in starts[:-1])


@pytest.mark.parametrize("sampling", ["blocks", "center", "windows"])
@pytest.mark.parametrize("length", range(1, 8))
def test_a_short_video_is_skipped_looped_or_padded(sampling: str, length: int) -> None:
    assert choose(length, sampling=sampling, short="skip") == []
    [looped] = choose(length, sampling=sampling, short="loop")
    [padded] = choose(length, sampling=sampling, short="pad")
    frames = list(range(length))
    assert (list(looped.positions), looped.num_valid) == ((frames * 8)[:8], 8)
    assert (list(padded.positions), padded.num_valid) == (
        (frames + [length - 1] * 8)[:8],
        length,
    )


def test_a_video_without_frames_gives_no_clip_whatever_short_says() -> None:
    assert [choose(0, short=short) for short in ("skip", "loop", "pad")] == [[], [], []]


def test_draws_depend_on_seed_and_path() -> None:
    base = choose(80)
    assert choose(80) == base
    assert choose(80, seed=1) != base
    assert choose(80, path="a/c.avi") != base
