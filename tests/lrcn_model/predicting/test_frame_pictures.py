"""Pictures of frames are those of the run's rate, at the times that they are said to have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import VideoError
from lrcn_data.video.decoding import DecodeOptions
from lrcn_model.predicting.frame_pictures import write_frame_pictures


def pictures(video: Path, folder: Path, fps: int, **most: int) -> list[float]:
    folder.mkdir(exist_ok=True)
    return write_frame_pictures(
        str(video), folder, fps=Fraction(fps), decoder="av", decode=DecodeOptions(), **most
    )


@pytest.mark.parametrize(("fps", "expected"), [(5, 10), (10, 20), (30, 20)])
def test_each_shows_the_frame_of_its_time_and_none_is_there_twice(
    write_numbered: Callable[[Iterable[int]], Path], tmp_path: Path, fps: int, expected: int
) -> None:
    video = write_numbered(range(0, 200, 10))
    seconds = pictures(video, tmp_path / "pictures", fps)
    assert len(seconds) == len(list((tmp_path / "pictures").iterdir())) == expected
    for number, time in enumerate(seconds):
        with Image.open(tmp_path / f"pictures/{number}.jpg") as picture:
            grey = np.asarray(picture).mean()
        # the frame at that time, of ten a second, is ten greys lighter than the one before
        assert grey == pytest.approx(time * 100, abs=2)


def test_there_are_no_more_than_are_allowed_and_they_go_to_the_end(
    write_numbered: Callable[[Iterable[int]], Path], tmp_path: Path
) -> None:
    seconds = pictures(write_numbered(range(30)), tmp_path / "pictures", 10, most=8)
    assert seconds == [0, 0.4, 0.8, 1.2, 1.6, 2, 2.4, 2.8]


def test_large_frames_are_made_smaller_in_proportion(
    write_video: Callable[..., Path], tmp_path: Path
) -> None:
    pictures(write_video("wide.mp4", frames=3, size=(1280, 320)), tmp_path / "pictures", 5)
    with Image.open(tmp_path / "pictures/0.jpg") as picture:
        assert picture.size == (640, 160)


def test_a_damaged_video_is_refused(write_video: Callable[..., Path], tmp_path: Path) -> None:
    video = write_video("cut.avi", frames=30)
    video.write_bytes(video.read_bytes()[:-2000])
    with pytest.raises(VideoError, match="damaged"):
        pictures(video, tmp_path / "pictures", 5)
