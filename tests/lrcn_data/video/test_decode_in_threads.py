"""Several threads decode at once, each as if it were alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av.logging
import numpy as np
import pytest

from lrcn_data.errors import VideoError
from lrcn_data.sampling.clips import read_clips
from lrcn_data.video.libav_messages import logged


def test_a_thread_that_has_read_its_video_leaves_the_others_what_libav_says() -> None:
    before = av.logging.get_level()
    inside, may_leave, left = (threading.Event() for _ in range(3))

    def first() -> None:
        with logged():
            inside.set()
            may_leave.wait(10)
        left.set()

    def second() -> list[tuple[int, str, str]]:
        inside.wait(10)
        with logged() as messages:
            may_leave.set()
            left.wait(10)
            av.logging.log(av.logging.ERROR, "test", "damage")
        return messages

    with ThreadPoolExecutor(2) as threads:
        threads.submit(first)
        assert [text for _, _, text in threads.submit(second).result()] == ["damage"]
    assert av.logging.get_level() == before


def test_threads_give_the_pixels_and_the_verdicts_that_one_gives(
    write_video: Callable[..., Path],
) -> None:
    paths = [
        write_video(f"{n}.mp4", frames=30 + n, size=(64 + 16 * (n % 3), 48), codec="libx264")
        for n in range(6)
    ]
    whole = write_video("whole.avi", frames=60).read_bytes()
    cut = paths[0].with_name("cut.avi")
    cut.write_bytes(whole[: len(whole) // 2])
    alone = [read_clips(path, sampling="windows").clips for path in paths]
    with ThreadPoolExecutor(4) as threads:
        futures = [
            threads.submit(read_clips, path, sampling="windows") for path in [*paths, cut] * 4
        ]
        found = [future for n, future in enumerate(futures) if n % 7 < 6]
        for expected, future in zip(alone * 4, found, strict=True):
            for one, other in zip(expected, future.result().clips, strict=True):
                assert all(map(np.array_equal, one.frames, other.frames))
        for future in futures[6::7]:
            with pytest.raises(VideoError, match="damaged"):
                future.result()
