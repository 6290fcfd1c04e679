"""Windows in the order of their videos, several videos side by side."""

from __future__ import annotations

import random
from typing import cast

import numpy as np
import pytest

from lrcn_data.errors import UsageError
from lrcn_model.reading.recut_clips import RecutClips
from lrcn_model.reading.stream_sampler import StreamSampler
from lrcn_model.reading.windows import StoredVideos, Windows, cut_windows


class Cut:
    """Windows without the clips that they are cut from."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows


def cut(frames: list[int], length: int) -> RecutClips:
    videos = StoredVideos(
        positions=np.zeros(len(frames), np.int64), num_valid=np.array(frames, np.int64)
    )
    return cast(RecutClips, Cut(cut_windows(videos, length=length)))


def sampler_of(frames: list[int], *, batch_size: int = 3, seed: int = 0) -> StreamSampler:
    return StreamSampler(cut(frames, 5), batch_size=batch_size, seed=seed)


FRAMES = [23, 4, 11, 50, 1, 16, 5]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 20])
def test_an_epoch_takes_every_window_once_and_each_videos_in_their_order(batch_size: int) -> None:
    clips = cut(FRAMES, 5)
    for epoch in range(5):
        sampler = StreamSampler(clips, batch_size=batch_size)
        sampler.set_epoch(epoch)
        steps = list(sampler)
        assert len(steps) == len(sampler) == sampler.batches_left(epoch, 0)
        assert sorted(window for step in steps for window in step) == list(
            range(len(clips.windows))
        )
        last: dict[int, tuple[int, int]] = {}
        for number, step in enumerate(steps):
            videos = clips.windows.of_video[step].tolist()
            assert len(set(videos)) == len(videos) <= batch_size
            for window, video in zip(step, videos, strict=True):
                if clips.windows.starts[window]:
                    assert last[video] == (number - 1, window - 1)
                last[video] = (number, window)


def test_epochs_and_seeds_go_through_videos_in_other_orders() -> None:
    orders = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0)):
        sampler = sampler_of(FRAMES, seed=seed)
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[3]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


def test_without_shuffling_videos_come_as_they_are() -> None:
    sampler = StreamSampler(cut([10, 5, 15], 5), batch_size=2, shuffle=False)
    assert list(sampler) == [[0, 2], [1, 3], [4], [5]]


def test_an_iteration_goes_on_where_a_state_was_taken() -> None:
    whole = list(sampler_of(FRAMES))
    draw = random.Random(0)
    for _ in range(10):
        done, more = draw.randrange(len(whole)), draw.randrange(3)
        sampler = sampler_of(FRAMES)
        sampler.load_state_dict(sampler_of(FRAMES).state_dict(done))
        assert list(sampler) == whole[done:]
        taken = sum(map(len, whole[:done]))
        assert sampler.batches_left(0, taken) == len(whole) - done
        again = sampler_of(FRAMES)
        again.load_state_dict(sampler.state_dict(more))
        assert list(again) == whole[done + more :]


def test_a_state_of_another_batch_size_is_refused() -> None:
    state = sampler_of(FRAMES, batch_size=3).state_dict(1)
    with pytest.raises(UsageError, match="goes on with the same --batch-size"):
        sampler_of(FRAMES, batch_size=2).load_state_dict(state)
