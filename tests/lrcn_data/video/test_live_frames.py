"""Sources that are read while they go on, against the same as stored files; what may be opened."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import pytest

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.pixels import RGB
from lrcn_data.video.decoders import read_frames
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.libav_messages import logged
from lrcn_data.video.limits import Limits
from lrcn_data.video.live_frames import LiveFrames
from lrcn_data.video.live_source import Named, find_live_source, open_live
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import open_video

WriteVideo = Callable[..., Path]
FPS = Fraction(5)
OPTIONS = DecodeOptions()


def live(named: Named, options: DecodeOptions = OPTIONS) -> tuple[list[tuple[float, RGB]], Any]:
    """All frames of the fps stream, and what was read."""
    source = find_live_source(named)
    with logged() as messages, open_live(source, options, messages, patience=5) as opened:
        frames = LiveFrames(opened, FPS, lambda stretch, seconds: 0.0)
        found = []
        for shown in frames:
            assert shown.position == len(found) or shown.stretch
            found += [(shown.seconds, shown.rgb)] * shown.times
    return found, frames


class Stored:
    """The fps stream of a file that is known as a whole."""

    def __init__(self, path: Path) -> None:
        self.rgb: dict[int, RGB] = {}
        with open_video(path) as file:
            read_frames(file, self, OPTIONS, decoder="av")

    def choose(self, timeline: Timeline) -> set[int]:
        self.timeline = timeline
        self.numbers = list(FpsStream(timeline, FPS))
        return set(self.numbers)

    def take(self, frame: int, rgb: RGB) -> None:
        self.rgb[frame] = rgb

    @property
    def frames(self) -> list[tuple[float, RGB]]:
        return [(round(self.timeline.seconds(n), 6), self.rgb[n]) for n in self.numbers]


@contextmanager
def piped(*parts: bytes) -> Iterator[BinaryIO]:
    """A pipe into which a thread writes some bytes."""
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb", buffering=0) as file:
            for part in parts:
                file.write(part)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(out, "rb") as file:
        yield file
    writer.join()


def assert_equal(found: list[tuple[float, RGB]], expected: list[tuple[float, RGB]]) -> None:
    assert [seconds for seconds, _ in found] == [seconds for seconds, _ in expected]
    assert all(
        np.array_equal(one, other) for (_, one), (_, other) in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.ts", "mpeg2video", 25),
        ("a.mkv", "mpeg4", 12),
        ("a.avi", "mpeg4", 4),
        ("a.mp4", "h264", 30),
    ],
)
def test_the_frames_of_a_pipe_are_those_of_the_fps_stream_of_the_stored_file(
    write_video: WriteVideo, name: str, codec: str, rate: int
) -> None:
    path = write_video(name, frames=40, fps=rate, codec=codec)
    stored = Stored(path)
    found, frames = live(path)
    assert_equal(found, stored.frames)
    assert frames.end == stored.timeline.duration
    if name == "a.mp4":
        path = path.with_name("fragments.mp4")
        repack(stored_at=path.with_name(name), to=path)
    with piped(path.read_bytes()) as pipe:
        found, frames = live(pipe)
    assert_equal(found, stored.frames)
    assert (frames.end, frames.damaged) == (stored.timeline.duration, 0)


def repack(*, stored_at: Path, to: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(stored_at)) as source, av.open(str(to), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)


def test_an_mp4_with_its_index_at_the_end_is_refused_of_a_pipe(write_video: WriteVideo) -> None:
    content = write_video("a.mov", frames=30, codec="rawvideo").read_bytes()
    assert len(content) > 100_000
    with piped(content) as pipe, pytest.raises(VideoError, match="must be fragmented, or have"):
        live(pipe)


def test_frames_of_another_size_midway_have_that_of_the_first(write_video: WriteVideo) -> None:
    small = write_video("small.ts", frames=25, fps=25, codec="mpeg2video")
    large = write_video("large.ts", frames=25, fps=25, size=(128, 96), codec="mpeg2video")
    with piped(small.read_bytes(), large.read_bytes()) as pipe:
        found, frames = live(pipe)
    assert {rgb.shape for _, rgb in found} == {(48, 64, 3)}
    assert len(found) == 10
    assert frames.end == pytest.approx(2.0)


def test_a_pipe_that_is_cut_has_the_frames_before_the_cut(write_video: WriteVideo) -> None:
    path = write_video("a.ts", frames=100, fps=25, codec="mpeg2video")
    stored = Stored(path)
    with piped(path.read_bytes()[:30_000]) as pipe:
        found, _ = live(pipe)
    assert 5 < len(found) < len(stored.frames)
    assert_equal(found[:-1], stored.frames[: len(found) - 1])


def test_damaged_pictures_are_left_out_and_counted(write_video: WriteVideo) -> None:
    content = bytearray(write_video("a.ts", frames=100, fps=25, codec="mpeg2video").read_bytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(30_000, len(content), 40):
        content[place] ^= 255
    with piped(bytes(content)) as pipe:
        found, frames = live(pipe)
    assert frames.damaged
    assert len(found) > 10


def test_a_clock_that_is_set_anew_begins_another_stretch(tmp_path: Path) -> None:
    path = tmp_path / "jump.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8))
            frame.pts, frame.time_base = number + 36_000 * (number > 19), Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source = find_live_source(path)
    with logged() as messages, open_live(source, OPTIONS, messages, patience=5) as opened:
        shown = list(LiveFrames(opened, FPS, lambda stretch, seconds: 0.0))
    assert [one.stretch for one in shown] == [0] * 10 + [1] * 5
    assert [one.position for one in shown] == [*range(10), *range(5)]
    assert {one.times for one in shown} == {1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n", "not-a-video"),
        (b"ffconcat version 1.0\nfile 'a.mp4'\n", "not-a-video"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "not-a-video"),
        (b"words " * 2000, "not-a-video"),
        (b"", "not-a-video"),
    ],
)
def test_what_is_piped_in_opens_nothing_else(content: bytes, reason: str) -> None:
    with piped(content) as pipe, pytest.raises(VideoError, match=f"{reason}: no container"):
        live(pipe)


def test_limits_and_decoders_are_those_of_files(write_video: WriteVideo) -> None:
    path = write_video("a.mkv", frames=10)
    with pytest.raises(VideoError, match="too-large: 64x48 pixels, the limit is 100"):
        live(path, DecodeOptions(limits=Limits(pixels=100)))
    odd = write_video("odd.avi", frames=10, codec="snow")
    with pytest.raises(VideoError, match="--allow-decoder snow allows it"):
        live(odd)


@pytest.mark.parametrize(
    "name", ["ftp://host/a.mp4", "udp://0.0.0.0:9", "concat://a|b", "data://x"]
)
def test_no_other_protocol_is_opened(name: str) -> None:
    with pytest.raises(UsageError, match=r"name a file, a device, - or http://, https://, rtsp"):
        find_live_source(name)


def test_what_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="missing: there is no file or device"):
        find_live_source(tmp_path / "no.mp4")
    with pytest.raises(VideoError, match="but a folder without numbered pictures"):
        find_live_source(tmp_path)
    with pytest.raises(VideoError, match="missing: /dev/null can't be opened"):
        live("/dev/null")


def test_a_server_leads_to_no_file(write_video: WriteVideo) -> None:
    path = write_video("a.mkv", frames=10)

    class Redirect(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", path.as_uri())
            else:
                self.send_response(200)
            self.end_headers()
            if self.path == "/list.m3u8":
                listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path.as_uri()}\n"
                self.wfile.write(listed.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Redirect) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        for place in ("away", "list.m3u8"):
            with pytest.raises(VideoError, match=re.compile("can't be opened|no container")):
                live(f"http://127.0.0.1:{server.server_port}/{place}")
        server.shutdown()
        thread.join()


def test_bytes_in_memory_are_a_source_too(write_video: WriteVideo) -> None:
    path = write_video("a.avi", frames=20)
    found, _ = live(BytesIO(path.read_bytes()))
    assert_equal(found, Stored(path).frames)
