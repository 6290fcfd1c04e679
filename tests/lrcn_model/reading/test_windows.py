"""Windows cut from stored ones, against a plain search frame by frame."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lrcn_data.errors import UsageError
from lrcn_data.sampling.windows import Windows as StoredSampling
from lrcn_model.reading.windows import StoredVideos, Windows, cut_windows


def stored(frames: list[int], seq_len: int, stride: int) -> StoredVideos:
    """Videos of so many frames, as sharding stores them; short ones are padded."""
    positions, num_valid = [], []
    for count in frames:
        if count < seq_len:
            positions.append(0)
            num_valid.append(count)
            continue
        sampling = StoredSampling(seq_len=seq_len, stride=stride)
        for clip in sampling.choose(range(count), lambda clip, block: 0):
            positions.append(clip[0])
            num_valid.append(seq_len)
    return StoredVideos(positions=np.array(positions), num_valid=np.array(num_valid))


def frames_of(windows: Windows, number: int) -> list[tuple[int, int]]:
    """The frames of a window, as (first stored window of the video, frame of the video)."""
    videos = windows.videos
    first = int(videos.firsts[windows.of_video[number]])
    found = []
    for piece in windows.pieces(number):
        assert 0 <= piece.start < piece.stop <= videos.num_valid[piece.sample]
        position = int(videos.positions[piece.sample])
        found += [(first, position + frame) for frame in range(piece.start, piece.stop)]
    return found


@pytest.mark.parametrize("seed", range(25))
def test_windows_cover_every_frame_of_every_video_in_order(seed: int) -> None:
    draw = random.Random(seed)
    frames = [draw.randrange(1, 60) for _ in range(draw.randrange(1, 6))]
    seq_len = draw.randrange(1, 12)
    videos = stored(frames, seq_len, draw.randrange(1, seq_len + 1))
    length, stride = draw.randrange(1, 40), draw.randrange(1, 40)

    windows = cut_windows(videos, length=length, stride=stride)

    number = 0
    for video, count in enumerate(frames):
        starts = [start for start in range(0, count, stride) if start + length <= count] or [0]
        if starts[-1] + length < count:
            starts.append(count - length)
        for start in starts:
            first = int(videos.firsts[video])
            wanted = [(first, frame) for frame in range(start, min(start + length, count))]
            assert frames_of(windows, number) == wanted
            assert windows.of_video[number] == video
            number += 1
    assert number == len(windows)


def test_a_whole_video_is_one_window() -> None:
    windows = cut_windows(stored([3, 20], 8, 4), length=None)

    assert windows.lengths.tolist() == [3, 20]
    assert [frame for _, frame in frames_of(windows, 1)] == list(range(20))


def test_windows_that_follow_one_another_share_no_frame() -> None:
    windows = cut_windows(stored([3, 20], 8, 4), length=8)

    assert windows.starts.tolist() == [0, 0, 8, 16]
    assert windows.lengths.tolist() == [3, 8, 8, 4]
    assert windows.of_video.tolist() == [0, 1, 1, 1]


def test_stored_windows_with_gaps_between_them_are_refused() -> None:
    videos = StoredVideos(positions=np.array([0, 12, 0]), num_valid=np.array([8, 8, 8]))

    with pytest.raises(UsageError, match="8 frames at every 12th one, so frames between"):
        cut_windows(videos, length=8, stride=8)


def test_lengths_and_strides_of_no_frame_are_refused() -> None:
    for length, stride in ((0, 1), (1, 0)):
        with pytest.raises(UsageError, match="at least 1"):
            cut_windows(stored([5], 2, 2), length=length, stride=stride)


def test_no_video_makes_no_window() -> None:
    nothing = np.zeros(0, np.int64)
    assert len(cut_windows(StoredVideos(positions=nothing, num_valid=nothing), length=4)) == 0
