"""Folders of numbered pictures as videos: which pictures, in what order, with which pixels."""

from __future__ import annotations

import hashlib
import io
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.reasons import Reason
from lrcn_data.sampling.clips import VideoClips, read_clips
from lrcn_data.video.picture_folder import PictureFolder, in_order


def picture(number: int, kind: str, size: tuple[int, int]) -> bytes:
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


def write_pictures(
    folder: Path,
    count: int,
    *,
    kind: str = "jpeg",
    pattern: str = "img_{:05d}.jpg",
    size: tuple[int, int] = (64, 48),
) -> list[bytes]:
    """Write numbered pictures, and give their bytes in the order of the numbers."""
    folder.mkdir(parents=True)
    data = [picture(number, kind, size) for number in range(count)]
    for number, one in enumerate(data, 1):
        (folder / pattern.format(number)).write_bytes(one)
    return data


def as_video(path: Path, data: list[bytes], rate: Fraction, codec: str) -> None:
    """Put pictures as they are into a video file of a frame rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = Image.open(io.BytesIO(data[0])).size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24"
        stream.time_base = 1 / rate
        for number, one in enumerate(data):
            packet = av.Packet(one)
            packet.stream = stream
            packet.time_base, packet.pts, packet.dts = 1 / rate, number, number
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)


def told(clips: VideoClips[np.ndarray]) -> tuple[object, ...]:
    return (
        clips.stream_length,
        clips.duration,
        clips.source_fps,
        [(clip.num_valid, clip.frame_times) for clip in clips.clips],
    )


@pytest.mark.parametrize(
    ("kind", "codec", "pattern"),
    [("jpeg", "mjpeg", "img_{:05d}.jpg"), ("png", "png", "{}.PNG")],
)
@pytest.mark.parametrize(
    ("rate", "fps", "sampling"),
    [("25", 5, "windows"), ("10", 12.5, "blocks"), ("12.5", 5, "center")],
)
def test_a_folder_of_pictures_gives_the_clips_of_the_video_that_they_make(
    tmp_path: Path, kind: str, codec: str, pattern: str, rate: str, fps: float, sampling: str
) -> None:
    data = write_pictures(tmp_path / "clip", 23, kind=kind, pattern=pattern)
    as_video(tmp_path / "clip.avi", data, Fraction(rate), codec)
    values = {"fps": fps, "seq_len": 3, "sampling": sampling, "short": "pad"}
    expected = read_clips(tmp_path / "clip.avi", "one name", **values)
    for more in ({}, {"check": "full"}, {"decoder": "ffmpeg"}):
        clips = read_clips(tmp_path / "clip", "one name", picture_rate=rate, **values, **more)
        assert told(clips) == told(expected)
        for one, other in zip(clips.clips, expected.clips, strict=True):
            np.testing.assert_array_equal(one.frames, other.frames)


@given(st.integers(0, 10**6), st.integers(1, 30), st.randoms())
def test_pictures_come_in_the_order_of_their_numbers(
    first: int, count: int, random: Random
) -> None:
    names = [f"frame-{number}.jpg" for number in range(first, first + count)]
    shuffled = [*names, "notes.txt", "thumb.jpg", "7.wav"]
    random.shuffle(shuffled)
    assert in_order(shuffled) == names


@pytest.mark.parametrize(
    ("names", "reason", "part"),
    [
        ([], Reason.MISSING, "a folder without numbered pictures"),
        (["a.jpg", "1.txt"], Reason.MISSING, "a folder without numbered pictures"),
        (["1.jpg", "2.jpg", "4.jpg"], Reason.DAMAGED, "missing between 2.jpg and 4.jpg"),
        (["1.jpg", "01.jpg"], Reason.UNSUPPORTED, "1.jpg and 01.jpg have one number"),
        (["img_1.jpg", "flow_x_1.jpg"], Reason.UNSUPPORTED, "with 'flow_x_' and 'img_' and"),
    ],
)
def test_pictures_that_are_no_single_series_are_refused(
    names: list[str], reason: Reason, part: str
) -> None:
    with pytest.raises(VideoError) as caught:
        in_order(names)
    assert caught.value.reason == reason
    assert part in caught.value.detail


def test_what_a_folder_is_known_by_are_the_bytes_of_its_pictures_in_order(tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "clip", 12, pattern="{}.jpg")
    (tmp_path / "clip/notes.txt").write_text("none of them")
    folder = PictureFolder(str(tmp_path / "clip"))
    assert folder.size == sum(map(len, data))
    assert folder.sha256() == hashlib.sha256(b"".join(data)).hexdigest()


def test_without_a_rate_a_folder_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path / "clip", 3)
    with pytest.raises(VideoError, match="--picture-rate says how many are shown in a second"):
        read_clips(tmp_path / "clip")


@pytest.mark.parametrize("rate", [0, -1, 10**6])
def test_a_rate_out_of_its_range_is_refused(tmp_path: Path, rate: int) -> None:
    write_pictures(tmp_path / "clip", 3)
    with pytest.raises(UsageError, match="--picture-rate must be above 0"):
        read_clips(tmp_path / "clip", picture_rate=rate)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_picture_that_is_cut_off_is_damage(tmp_path: Path, kind: str, share: float) -> None:
    data = write_pictures(tmp_path / "clip", 9, kind=kind)
    cut = tmp_path / "clip/img_00005.jpg"
    cut.write_bytes(data[4][: int(len(data[4]) * share)])
    with pytest.raises(VideoError, match=r"img_00005\.jpg") as caught:
        read_clips(tmp_path / "clip", fps=10, picture_rate=10, seq_len=9)
    assert caught.value.reason == Reason.DAMAGED


def test_a_file_that_only_its_name_makes_a_picture_is_damage(tmp_path: Path) -> None:
    write_pictures(tmp_path / "clip", 9)
    (tmp_path / "clip/img_00002.jpg").write_bytes(b"not a picture")
    with pytest.raises(VideoError, match=r"img_00002\.jpg is no JPEG and no PNG"):
        read_clips(tmp_path / "clip", fps=10, picture_rate=10, seq_len=9)


def test_pictures_of_another_size_are_scaled_to_the_first_ones(tmp_path: Path) -> None:
    write_pictures(tmp_path / "clip", 4)
    (tmp_path / "clip/img_00003.jpg").write_bytes(picture(3, "jpeg", (32, 40)))
    clips = read_clips(tmp_path / "clip", fps=10, picture_rate=10, seq_len=4)
    assert {frame.shape for frame in clips.clips[0].frames} == {(48, 64, 3)}
