"""Pictures that carry an orientation of their own, or data that PyAV has no name for."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Collection
from functools import cache, partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from lrcn_data.pixels import RGB
from lrcn_data.sampling.clips import read_clips
from lrcn_data.video import decode_ffmpeg
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.picture_matrix import matrix_of
from lrcn_data.video.timeline import Timeline
from tests.lrcn_data.read_path import by_av, by_ffmpeg

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

FRAMES, SIZE = 5, (48, 64)


def jpeg(number: int, orientation: int) -> bytes:
    """A JPEG of a gradient, with the tag 0x0112 of EXIF (TIFF, Orientation)."""
    rows, columns = (np.linspace(0, 200, side) for side in SIZE)
    red = np.broadcast_to(columns, SIZE)
    green = np.broadcast_to(rows[:, None], SIZE)
    picture = np.stack([red, green, np.full(SIZE, 40 * number)], axis=2).astype(np.uint8)
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=95)
    tiff = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0" + tiff
    return bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])


@pytest.fixture(scope="module")
def write_exif_video(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Path]:
    """A function that writes a video of such pictures, once of each orientation and ending."""
    folder = tmp_path_factory.mktemp("exif")
    return cache(partial(exif_video, folder))


def exif_video(folder: Path, orientation: int, ending: str) -> Path:
    path = folder / f"{orientation}.{ending}"
    arguments = f"-y -loglevel error -f mjpeg -framerate 25 -i - -c copy {path}"
    pictures = b"".join(jpeg(number, orientation) for number in range(FRAMES))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *arguments.split()]
    subprocess.run(command, input=pictures, check=True)
    return path


class Everything:
    """Wants every frame, and keeps them."""

    def choose(self, timeline: Timeline) -> Collection[int]:
        self.frames: list[RGB] = []
        return range(len(timeline.times))

    def take(self, frame: int, rgb: RGB) -> None:
        self.frames.append(rgb)


@cache
def shown(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """All frames as ffmpeg's command line shows them, turned by itself; without their shape."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(path)]
    command += ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)


@pytest.mark.parametrize(
    ("read", "check_full"),
    [(by_av, False), (by_av, True), (by_ffmpeg, True)],
    ids=["av-auto", "av-full", "ffmpeg"],
)
@pytest.mark.parametrize("ending", ["avi", "mp4"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_and_mirrored_by_their_exif_as_ffmpeg_does(
    write_exif_video: Callable[[int, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    read: Any,
    orientation: int,
    ending: str,
    check_full: bool,
) -> None:
    # another ffmpeg on the PATH, such as 5.1, may tell only the angle
    monkeypatch.setattr(decode_ffmpeg, "find_ffmpeg", imageio_ffmpeg.get_ffmpeg_exe)
    path, sink = write_exif_video(orientation, ending), Everything()
    read(path, sink, DecodeOptions(check_full=check_full))
    found = np.stack(sink.frames)
    turned = orientation > 4
    assert found.shape == (FRAMES, *(SIZE[::-1] if turned else SIZE), 3)
    assert np.abs(found.astype(int) - shown(path).reshape(found.shape)).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_pictures_of_a_folder_are_turned_like_those_of_a_video(
    tmp_path: Path, write_exif_video: Callable[[int, str], Path], orientation: int
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(FRAMES):
        (folder / f"{number}.jpg").write_bytes(jpeg(number, orientation))
    values: dict[str, Any] = {"fps": 25, "seq_len": FRAMES}
    [expected] = read_clips(write_exif_video(orientation, "avi"), **values).clips
    [found] = read_clips(folder, picture_rate=25, **values).clips
    np.testing.assert_array_equal(found.frames, expected.frames)


def test_the_matrix_is_found_beside_data_that_pyav_has_no_name_for(
    write_exif_video: Callable[[int, str], Path],
) -> None:
    with av.open(str(write_exif_video(6, "mkv"))) as container:
        picture = next(container.decode(video=0))
    with pytest.raises(ValueError, match="is not a valid Type"):
        _ = picture.side_data
    assert matrix_of(picture) == (0, 65536, -65536, 0)


def test_a_picture_without_side_data_is_upright() -> None:
    assert matrix_of(av.VideoFrame(64, 48, "yuv420p")) is None
