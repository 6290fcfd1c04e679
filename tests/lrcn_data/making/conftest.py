"""Data sets to append to."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from tests.lrcn_data.making.append_videos import FIRST, LATER, VIDEOS, Videos


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The videos, which are encoded once."""
    root = tmp_path_factory.mktemp("videos")
    rng = np.random.default_rng(0)
    for number, name in enumerate([*VIDEOS, "class0/short.mp4", "class2/new.mp4", "a/new.mp4"]):
        (root / name).parent.mkdir(exist_ok=True)
        picture = rng.integers(0, 256, (6, 8, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        with av.open(str(root / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for frame in range(4 if "short" in name else 10 + number):
                image = av.VideoFrame.from_ndarray(np.roll(picture, 2 * frame, axis=1))
                container.mux(stream.encode(image))
            container.mux(stream.encode(None))
    return root


@pytest.fixture(scope="module")
def first(files: Path) -> Path:
    """A data set of the first videos, which is made once."""
    videos = Videos(files)
    videos.list(FIRST)
    videos.make("first")
    return files / "first"


@pytest.fixture
def videos(files: Path, first: Path, tmp_path: Path) -> Videos:
    """A folder with the videos, a data set of the first ones, and lists with some more."""
    for path in files.glob("*/*.mp4"):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / path.parent.name)
    shutil.copytree(first, tmp_path / "shards")
    videos = Videos(tmp_path)
    videos.list(LATER)
    return videos
