"""Small real videos, encoded on the spot, and data sets made of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

WriteVideo = Callable[..., Path]


@cache
def encoded(name: str, *, frames: int, fps: Fraction, size: tuple[int, int], codec: str) -> bytes:
    """A small video of moving grey blocks, in the container that its name ends with.

    It is encoded once: most tests want the same videos as others.
    """
    rng = np.random.default_rng(list(name.encode()))
    coarse = rng.integers(0, 256, (-(-size[1] // 8), -(-size[0] // 8), 1), np.uint8)
    picture = coarse.repeat(8, axis=0).repeat(8, axis=1)[: size[1], : size[0]]
    picture = picture.repeat(3, axis=2)
    file = io.BytesIO()
    file.name = name
    with av.open(file, "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for frame in range(frames):
            image = av.VideoFrame.from_ndarray(np.roll(picture, 2 * frame, axis=1))
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """A function that writes a small video of moving grey blocks."""

    def write(
        name: str,
        *,
        frames: int = 20,
        fps: Fraction | int = 10,
        size: tuple[int, int] = (64, 48),
        codec: str = "mpeg4",
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(name, frames=frames, fps=Fraction(fps), size=size, codec=codec))
        return path

    return write


@pytest.fixture
def write_numbered(tmp_path: Path) -> Callable[[Iterable[int]], Path]:
    """A function that encodes, without losses, a video whose frames are each of one grey."""

    def write(greys: Iterable[int]) -> Path:
        path = tmp_path / "numbered.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=10)
            stream.width, stream.height = 32, 16
            stream.pix_fmt = "bgr0"
            for grey in greys:
                picture = np.full((16, 32, 3), grey, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def video_lists(tmp_path: Path, write_video: WriteVideo) -> Path:
    """A folder with 20 train and 10 test videos of two classes, one of them short, and lists."""
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(30):
        split = "train" if number < 20 else "test"
        name = f"class{number % 2}/clip {number}.{'mp4' if number % 3 else 'avi'}"
        write_video(name, frames=6 if number == 4 else 20 + number)
        lines[split].append(f"{name} class{number % 2}\n")
    (tmp_path / "classes.txt").write_text("class0\nclass1\n")
    for split, text in lines.items():
        (tmp_path / f"{split}.txt").write_text("".join(text))
    return tmp_path
