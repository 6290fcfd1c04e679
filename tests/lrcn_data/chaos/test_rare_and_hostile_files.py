"""Rare containers and codecs, files that want too much, and names that are not what they seem."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lrcn_data.errors import VideoError
from lrcn_data.video.decoding import DecodeOptions
from tests.lrcn_data.read_path import by_av, by_ffmpeg
from tests.yardstick import within

READERS: dict[str, Any] = {"av": by_av, "ffmpeg": by_ffmpeg}

# containers that libavformat can write and nobody keeps videos in: (muxer, codec)
CONTAINERS = [
    ("dirac", "dirac"),
    ("filmstrip", "rawvideo"),
    ("fits", "fits"),
    ("h261", "h261"),
    ("h263", "h263"),
    ("image2pipe", "bmp"),
    ("image2pipe", "tiff"),
    ("image2pipe", "ppm"),
    ("image2pipe", "jpeg2000"),
    ("image2pipe", "sgi"),
    ("image2pipe", "qoi"),
    ("ismv", "wmv2"),
    ("mpjpeg", "mjpeg"),
    ("roq", "roqvideo"),
    ("smjpeg", "mjpeg"),
    ("webp", "libwebp_anim"),
    ("ico", "bmp"),
    ("gxf", "mpeg2video"),
    ("film_cpk", "cinepak"),
    ("amv", "amv"),
    ("rawvideo", "rawvideo"),
    ("ass", ""),
    ("ffmetadata", ""),
    ("hls", "mpeg2video"),
    ("dash", "libx264"),
]
# codecs in a container that is allowed; none that libav also reads with an allowed decoder
CODECS = [
    ("avi", codec)
    for codec in (
        *("snow", "asv1", "asv2", "flashsv", "flashsv2", "zmbv", "zlib", "magicyuv"),
        *("jpegls", "jpeg2000", "dirac", "v210", "y41p", "speedhq", "vbn", "dxv"),
        *("avrp", "r210", "r10k", "rpza", "smc", "msrle", "xface", "targa", "tiff", "bmp", "qoi"),
    )
]


class Frames:
    """Wants all frames and keeps one hash of them."""

    def choose(self, timeline: Any) -> Any:
        self.hash = hashlib.sha256()
        self.frames = len(timeline.times)
        return range(self.frames)

    def take(self, frame: int, rgb: Any) -> None:
        self.hash.update(rgb.tobytes())


def encode(path: Path, muxer: str, codec: str) -> bool:
    """Write a small video; whether this build of libav can."""
    try:
        with av.open(str(path), "w", format=muxer) as container:
            stream = container.add_stream(codec, rate=Fraction(25))
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = 352, 288
            formats = stream.codec_context.codec.video_formats
            stream.pix_fmt = formats[0].name if formats else "yuv420p"
            for number in range(4):
                picture = np.full((288, 352, 3), 40 * number, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture).reformat(format=stream.pix_fmt)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, ValueError, TypeError, AssertionError, RuntimeError):
        return False
    return path.is_file() and path.stat().st_size > 0


@pytest.mark.promise(3, "kinds of rare containers and codecs, by both decoders")
def test_rare_kinds_are_refused(
    tmp_path: Path, tally: Any, count: Callable[[int, int], int]
) -> None:
    kinds = count(6, 30)
    done: list[str] = []
    for muxer, codec in [*CONTAINERS[:: count(3, 1)], *CODECS[:: count(5, 1)]]:
        if len(done) == kinds:
            break
        path = tmp_path / f"{muxer}-{codec}" / "video.avi"
        path.parent.mkdir()
        if not codec or not encode(path, muxer, codec):
            continue
        accepted = []
        for name, read in READERS.items():
            try:
                read(path, Frames(), DecodeOptions(timeout=20))
            except VideoError as error:
                if error.reason not in ("not-a-video", "unsupported", "damaged"):
                    accepted.append(f"{name}: {error}")
            else:
                accepted.append(name)
        if len(accepted) == 2 and muxer in ("gxf", "ismv", "h263", "h261"):
            continue  # taken for a container that is allowed, as which it is harmless
        done.append(f"{codec} in {muxer}")
        tally.add(f"{done[-1]} is accepted by {accepted}" if accepted else None)
    tally.note(", ".join(done))
    tally.check(kinds)


MEASURE = """
import json, resource, sys
from pathlib import Path
from lrcn_data.video import decode_av, decode_ffmpeg
from lrcn_data.errors import VideoError
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.video_file import open_video

class Wanted:
    def choose(self, timeline):
        return range(0, len(timeline.times), 5)
    def take(self, frame, rgb):
        pass

read = {"av": decode_av, "ffmpeg": decode_ffmpeg}[sys.argv[1]].read_video
try:
    with open_video(Path(sys.argv[2])) as file:
        read(file, Wanted(), DecodeOptions())
    reason = ""
except VideoError as error:
    reason = error.reason
status = Path("/proc/self/status").read_text()
own = int(status.partition("VmHWM:")[2].split()[0])  # ru_maxrss would be the starter's
uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
peak = max(own, uses[1].ru_maxrss)
seconds = sum(use.ru_utime + use.ru_stime for use in uses)
print(json.dumps([reason, seconds, peak / (1 << 20)]))
"""


def bomb(path: Path, kind: str) -> None:
    """A small file that wants much: pixels, hours, or frames to fill a gap with."""
    size = (8192, 8192) if kind == "pixels" else (64, 48)
    times = {"pixels": [0, 1], "hours": range(0, 36_001, 60), "gap": [0, 1, 2, 36_000]}[kind]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=Fraction(25))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p"
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8))
            frame.pts = time
            frame.time_base = Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.slow
@pytest.mark.promise(
    4, "pixel bomb, 10 h video, timestamp gap: refused in 10 s of processor time with 1 GiB"
)
@pytest.mark.parametrize("decoder", READERS)
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
@pytest.mark.parametrize("kind", ["pixels", "hours", "gap"])
def test_a_file_that_wants_too_much_is_refused_soon_and_cheaply(
    tmp_path: Path, tally: Any, decoder: str, ending: str, kind: str
) -> None:
    path = tmp_path / f"{kind}.{ending}"
    bomb(path, kind)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, decoder, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    reason, seconds, memory = json.loads(done.stdout)
    tally.note(f"{kind}.{ending} by {decoder}: {seconds:.1f} s of processor time, {memory:.2f} GiB")
    assert reason == "too-large"
    assert within(seconds, limit=10)
    assert memory < 1


LETTERS = ["a", "B", " ", "%", "%d", ":", "|", "'", '"', "\\", "\n", "*", "?", "[", "{", "$", ";"]
LETTERS += ["-", "--", ".", "..", ",", "=", "@", "é", "\u0301", "日", "\U0001f3ac", "\u202e", "&"]
LETTERS += [
    "http:",
    "concat:",
    "pipe:",
    "file:",
    "data:",
    "%03d",
    "\t",
    "~",
    "#",
    "\udcff",
    "(",
    "<",
]


@pytest.mark.promise(2, "generated names, by both decoders: the hash of the frames under any name")
def test_a_generated_name_changes_nothing(
    tmp_path: Path,
    write_video: Callable[..., Path],
    tally: Any,
    count: Callable[[int, int], int],
    each: Callable[..., None],
) -> None:
    names = count(8, 500)
    rng = random.Random(2)
    plain = write_video("plain.avi", frames=3)
    expected = {}
    for decoder, read in READERS.items():
        frames = Frames()
        read(plain, frames, DecodeOptions())
        expected[decoder] = frames.hash.hexdigest()
    (tmp_path / "odd").mkdir()
    paths: set[Path] = set()
    while len(paths) < names:
        name = "".join(rng.choices(LETTERS, k=rng.randint(1, 12)))
        path = tmp_path / "odd" / f"{name}{rng.choice(['.avi', '', '.mp4', '.mkv', '.m3u8'])}"
        if path.name not in (".", ".."):
            paths.add(path)

    def one(path: Path) -> None:
        path.write_bytes(plain.read_bytes())
        found = {}
        for decoder, read in READERS.items():
            frames = Frames()
            try:
                read(path, frames, DecodeOptions())
                found[decoder] = frames.hash.hexdigest()
            except VideoError as error:
                found[decoder] = str(error)
        path.unlink()
        tally.add(None if found == expected else f"{path.name!r}: {found}")

    each(one, sorted(paths), at_once=1)  # libav's log is one for the process
    tally.check(names)
