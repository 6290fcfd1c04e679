"""Both decoders on real clips, against ffmpeg processes of their own."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lrcn_data.errors import VideoError
from lrcn_data.pixels import RGB
from lrcn_data.video import decode_ffmpeg, decode_planned
from lrcn_data.video.decoding import Decoded, DecodeOptions
from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.packets import packet_scan
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import Timeline
from tests.lrcn_data.read_path import by_av, by_ffmpeg

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

RATES = ("1", "5", "12.5", "25", "30")
VIDEOS = Path(os.environ.get("LRCN_REAL_VIDEOS", os.devnull))
ENDINGS = {".avi", ".mp4", ".mkv", ".webm", ".mov", ".mpg", ".flv", ".ts", ".3gp", ".gif"}
SIZE_CHANGES = "extradata-reload-multi-stsd.mp4"

needs_videos = pytest.mark.skipif(
    not VIDEOS.is_dir(), reason="LRCN_REAL_VIDEOS names no folder of real clips"
)


@pytest.fixture(autouse=True)
def _same_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels are compared with an ffmpeg of PyAV's generation.

    ffmpeg 5.1 and 9.0 themselves differ by up to 2 levels in a few pixels of XviD clips.
    """
    monkeypatch.setattr(decode_ffmpeg, "find_ffmpeg", imageio_ffmpeg.get_ffmpeg_exe)


def clips(*folders: str, every: int = 1) -> list[Path]:
    found = [
        path
        for folder in folders
        for path in sorted((VIDEOS / folder).rglob("*"))
        if path.suffix.lower() in ENDINGS
    ]
    return found[::every]


FEW = clips("actions", "odd", every=9)
FEWER = FEW[::2]
ALL = clips("actions", "weizmann", "arid", "fight", "hmdb51", "kinetics", "kth", "long", "odd")


@dataclass
class Wanted:
    """Asks for the fps stream's frames and keeps a hash of each."""

    fps: Fraction = Fraction(5)
    every: int = 1
    stream: list[int] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)

    def choose(self, timeline: Timeline) -> Collection[int]:
        self.hashes = {}
        self.stream = list(FpsStream(timeline, self.fps))
        return set(self.stream[:: self.every])

    def take(self, frame: int, rgb: RGB) -> None:
        assert frame not in self.hashes
        self.hashes[frame] = hashlib.sha256(f"{rgb.shape}".encode() + rgb.tobytes()).hexdigest()


def ffmpeg(*arguments: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def frame_hashes(path: Path, rate: str | None) -> list[str]:
    """The MD5 of every frame, or of the frames that the fps filter gives: a real ffmpeg process."""
    filters = ["-vf", f"fps={rate}"] if rate else ["-fps_mode", "passthrough"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-threads", "1"]
    command += ["-i", f"file:{path}", *filters, "-an", "-sn", "-dn", "-f", "framemd5", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return [line.rsplit(",", 1)[1].strip() for line in lines]


def check_stream(path: Path) -> None:
    """Every rate's stream has the frames that the real filter gives, or the video is refused."""
    try:
        timeline = by_av(path, Wanted(), DecodeOptions()).timeline
    except VideoError as error:
        if error.reason != "damaged" and not {"damaged", "no-video"} & {*path.parts}:
            raise
        return
    frames = frame_hashes(path, None)
    assert len(timeline.times) == len(frames)
    for rate in RATES:
        stream = FpsStream(timeline, Fraction(rate))
        assert [frames[frame] for frame in stream] == frame_hashes(path, rate), rate


def check_same_frames(path: Path, fps: Fraction, every: int) -> None:
    """Planned decoding, full decoding and ffmpeg processes give the same RGB, or refuse alike."""
    results: dict[str, Decoded | VideoError] = {}
    hashes = {}
    for name, read, options in (
        ("planned", by_av, DecodeOptions()),
        ("full", by_av, DecodeOptions(check_full=True)),
        ("ffmpeg", by_ffmpeg, DecodeOptions(check_full=True)),
    ):
        wanted = Wanted(fps, every)
        try:
            results[name] = read(path, wanted, options)
        except VideoError as error:
            results[name] = error
        hashes[name] = (wanted.stream, wanted.hashes)
    if isinstance(results["full"], VideoError):
        assert isinstance(results["ffmpeg"], VideoError)
        return
    assert hashes["planned"] == hashes["full"] == hashes["ffmpeg"]
    assert len(hashes["full"][1]) == len(set(hashes["full"][0][::every]))
    times = [
        [decoded.timeline.seconds(frame) for frame in hashes["full"][0]]
        for decoded in results.values()
        if isinstance(decoded, Decoded)
    ]
    assert times[0] == times[1] == pytest.approx(times[2], abs=1e-9)


def without_size_changes(paths: list[Path]) -> list[Path]:
    """Where the frame size changes, ffmpeg starts its fps filter anew, which loses frames."""
    return [path for path in paths if path.name != SIZE_CHANGES]


@needs_videos
@pytest.mark.parametrize("path", without_size_changes(FEWER), ids=lambda path: path.name)
def test_the_fps_stream_is_that_of_ffmpegs_filter(path: Path) -> None:
    check_stream(path)


@pytest.mark.slow
@needs_videos
@pytest.mark.parametrize("path", without_size_changes(ALL), ids=lambda path: path.name)
def test_the_fps_stream_of_every_clip_is_that_of_ffmpegs_filter(path: Path) -> None:
    check_stream(path)


@needs_videos
@pytest.mark.parametrize("path", without_size_changes(FEWER), ids=lambda path: path.name)
def test_both_decoders_give_the_same_rgb(path: Path) -> None:
    check_same_frames(path, Fraction(5), 4)


@pytest.mark.slow
@needs_videos
@pytest.mark.parametrize("fps", ["5", "12.5"])
@pytest.mark.parametrize("path", without_size_changes(ALL), ids=lambda path: path.name)
def test_both_decoders_give_the_same_rgb_of_every_clip(path: Path, fps: str) -> None:
    check_same_frames(path, Fraction(fps), 1 if fps == "12.5" else 4)


@pytest.mark.usefixtures("only_new_objects")
def test_few_decoded_pictures_are_held_however_many_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one-group.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"g": "300"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
        for number in range(40):
            moved = np.roll(noise, 2 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved)))
        container.mux(stream.encode(None))
    one_by_one, together = Wanted(fps=Fraction(25)), Wanted(fps=Fraction(25))
    monkeypatch.setattr(decode_planned, "_HELD_PIXELS", 0)
    by_av(path, one_by_one, DecodeOptions())
    monkeypatch.setattr(decode_planned, "_HELD_PIXELS", 10 * 64 * 48)
    alive: list[int] = []
    converted = RgbConverter.convert

    def pictures() -> int:
        gc.collect()
        return sum(type(found) is av.VideoFrame for found in gc.get_objects())

    def convert(self: RgbConverter, picture: av.VideoFrame, **more: Any) -> RGB:
        alive.append(pictures())
        return converted(self, picture, **more)

    monkeypatch.setattr(RgbConverter, "convert", convert)
    assert by_av(path, together, DecodeOptions()).decoding == "planned"
    assert together.hashes == one_by_one.hashes
    assert len(together.hashes) == 40
    assert max(alive) < 20


@needs_videos
def test_frames_of_another_size_are_scaled_to_the_first_ones() -> None:
    class Shapes(Wanted):
        def take(self, frame: int, rgb: RGB) -> None:
            self.hashes[frame] = str(rgb.shape)

    for fps in (25, 5):  # of the latter the first frame is not wanted
        wanted = Shapes(Fraction(fps))
        by_av(VIDEOS / "odd/geometry" / SIZE_CHANGES, wanted, DecodeOptions())
        assert set(wanted.hashes.values()) == {"(128, 256, 3)"}
    with pytest.raises(VideoError, match="size, format or colours of its frames change on the way"):
        by_ffmpeg(VIDEOS / "odd/geometry" / SIZE_CHANGES, Wanted(), DecodeOptions())


@needs_videos
def test_a_rotated_video_comes_out_upright() -> None:
    shapes = {}
    for name in ("video_0.mov", "video_90.mov"):

        class First(Wanted):
            rgb: RGB

            def take(self, frame: int, rgb: RGB) -> None:
                self.rgb = rgb

        first = First(Fraction(30))
        by_av(VIDEOS / "odd/rotated" / name, first, DecodeOptions())
        shapes[name] = first.rgb.shape
    assert shapes == {"video_0.mov": (320, 568, 3), "video_90.mov": (568, 320, 3)}


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "turned",
    [
        "-display_hflip",
        "-display_vflip",
        "-display_rotation 90",
        "-display_rotation 180",
        "-display_rotation 90 -display_hflip",
        "-display_rotation 90 -display_vflip",
    ],
)
def test_a_turned_or_mirrored_video_comes_out_as_ffmpeg_shows_it(
    tmp_path: Path, turned: str, ending: str
) -> None:
    class First(Wanted):
        rgb: RGB

        def take(self, frame: int, rgb: RGB) -> None:
            self.rgb = rgb

    plain, video = str(tmp_path / "plain.mp4"), tmp_path / f"turned.{ending}"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:d=0.2:r=5", "-pix_fmt", "yuv420p", plain)
    ffmpeg(*turned.split(), "-i", plain, "-c", "copy", str(video))
    shown = ffmpeg("-i", str(video), "-pix_fmt", "rgb24", "-frames:v", "1", "-f", "rawvideo", "-")
    for read in (by_av, by_ffmpeg):
        first = First()
        read(video, first, DecodeOptions())
        expected = np.frombuffer(shown, np.uint8).reshape(first.rgb.shape)
        # it scales chroma otherwise
        assert np.abs(first.rgb.astype(int) - expected).mean() < 3, read


@needs_videos
@pytest.mark.parametrize("read", [by_av, by_ffmpeg])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("damaged/broken.mp4", "not-a-video"),
        ("damaged/result.webm", "not-a-video"),
        ("damaged/arnold.mp4", "not-a-video"),
        ("damaged/corrupted.mp4", "damaged"),
        ("damaged/1242-small.mkv", "damaged"),
        ("no-video/count-english-audio.mp4", "not-a-video"),
    ],
)
def test_what_is_no_sound_video_is_refused_with_its_reason(
    read: object, name: str, reason: str
) -> None:
    assert callable(read)
    with pytest.raises(VideoError) as caught:
        read(VIDEOS / "odd" / name, Wanted(), DecodeOptions())
    assert caught.value.reason == reason
    assert len(caught.value.detail) > 10


@pytest.mark.slow
@needs_videos
@pytest.mark.parametrize("check_full", [False, True])
def test_no_clean_video_is_refused(check_full: bool) -> None:
    options = DecodeOptions(check_full=check_full)
    folders = ("actions", "weizmann", "arid", "fight", "hmdb51", "kinetics", "kth", "long")
    refused = {}
    for path in clips(*folders):
        try:
            by_av(path, Wanted(), options)
        except VideoError as error:
            refused[path.name] = str(error)
    assert refused == {}


@needs_videos
@pytest.mark.parametrize("path", clips("actions/Archery", "hmdb51"), ids=lambda path: path.name)
def test_clips_without_timestamps_need_no_full_decoding(path: Path) -> None:
    decoded = by_av(path, Wanted(every=3), DecodeOptions())
    assert decoded.decoding in ("planned", "from-start")
    check_same_frames(path, Fraction(5), 3)


@needs_videos
@pytest.mark.parametrize("path", without_size_changes(FEW), ids=lambda path: path.name)
def test_packets_that_are_read_a_second_time_give_the_same_frames(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_scan, "_KEPT_BYTES", 0)
    check_same_frames(path, Fraction(5), 3)


XVID = "-c:v mpeg4 -bf 2 -g 12 -tag:v XVID"
MADE = {
    "codec with another name than its decoder.flv": "-c:v flv",
    "the same.avi": "-c:v msmpeg4",
    "ticks finer than microseconds.wtv": "-c:v mpeg2video",
    "no times.m2v": "-c:v mpeg2video -bf 2",
    "no times.h264": "-c:v libx264 -bf 2",
    "times from before a wrap.flv": "-output_ts_offset -0.3 -c:v flv",
    "odd sides.avi": "-vf scale=97:63 -c:v mpeg4",
    "odd sides.mpg": "-vf scale=97:63 -c:v mpeg2video",
    "palette.avi": "-pix_fmt pal8 -c:v rawvideo",
    "a matrix that no scaler knows.mp4": "-c:v libx264 -x264-params colormatrix=YCgCo",
}
COPIED = {
    "decoding times only.mp4": (f"{XVID} first.avi", "-i first.avi -c copy"),
    "B-frames without what they need.avi": (f"{XVID} first.avi", "-ss 1.3 -i first.avi -c copy"),
    "some hidden by an edit list.mp4": (
        "-c:v mpeg4 -g 20 first.mp4",
        "-ss 1.3 -i first.mp4 -c copy",
    ),
    "sound first.ts": (
        "-c:v mpeg2video first.mpg",
        "-itsoffset 0.517 -i first.mpg -f lavfi -i sine=d=3 -map 0:v -map 1:a -c:v copy",
    ),
}
JOINED = ["ts", "mpg", "m2v"]


def check_everything(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_stream(path)
    check_same_frames(path, Fraction(5), 1)
    monkeypatch.setattr(packet_scan, "_KEPT_BYTES", 0)
    check_same_frames(path, Fraction(25), 7)


def make(path: Path, options: str, *, source: str = "testsrc2=s=96x64:r=25:d=3") -> None:
    ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", *options.split(), str(path))


@pytest.mark.parametrize("name", MADE)
def test_odd_streams_give_ffmpegs_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    make(path, MADE[name])
    check_everything(path, monkeypatch)


@pytest.mark.parametrize("name", COPIED)
def test_copied_streams_give_ffmpegs_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made, copied = COPIED[name]
    *options, first = made.split()
    monkeypatch.chdir(tmp_path)
    make(Path(first), " ".join(options))
    ffmpeg(*copied.split(), name)
    check_everything(tmp_path / name, monkeypatch)


def test_streams_without_pts_are_decoded_up_to_the_last_wanted_frame(tmp_path: Path) -> None:
    class Early(Wanted):
        def choose(self, timeline: Timeline) -> Collection[int]:
            super().choose(timeline)
            return {3, 4, 11, 12, 30}

    path = tmp_path / "packed.avi"
    make(path, XVID)
    wanted, every = Early(), Early()
    assert by_av(path, wanted, DecodeOptions()).decoding == "from-start"
    assert by_av(path, every, DecodeOptions(check_full=True)).decoding == "full"
    assert wanted.hashes == every.hashes
    assert len(wanted.hashes) == 5


@pytest.mark.parametrize("wanted", [[], [0], [74]])
def test_streams_without_pts_give_the_first_and_the_last_frame_and_none(
    tmp_path: Path, wanted: list[int]
) -> None:
    class These(Wanted):
        def choose(self, timeline: Timeline) -> Collection[int]:
            super().choose(timeline)
            assert len(timeline.times) == 75
            return wanted

    path = tmp_path / "packed.avi"
    make(path, XVID)
    found, every = These(), These()
    assert by_av(path, found, DecodeOptions()).decoding == "from-start"
    by_av(path, every, DecodeOptions(check_full=True))
    assert found.hashes == every.hashes
    assert [*found.hashes] == wanted


@pytest.mark.parametrize("options", ["-c:v mpeg4 -g 12", "-c:v libx265 -x265-params log-level=0"])
def test_keyframes_that_are_none_have_everything_decoded(tmp_path: Path, options: str) -> None:
    path = tmp_path / "all are keyframes.mp4"
    make(path, options)
    # without this table each packet is one
    path.write_bytes(path.read_bytes().replace(b"stss", b"free"))
    assert by_av(path, Wanted(every=7), DecodeOptions()).decoding == "full"
    check_same_frames(path, Fraction(5), 7)


@pytest.mark.parametrize("ending", JOINED)
def test_films_that_are_joined_file_to_file_give_ffmpegs_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path = tmp_path / f"joined.{ending}"
    make(path, "-c:v mpeg2video -bf 2")
    path.write_bytes(path.read_bytes() * 2)
    check_everything(path, monkeypatch)
