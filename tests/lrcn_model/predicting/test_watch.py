"""Sources watched while they go on: what is said of their frames, and what becomes of bad ones."""

from __future__ import annotations

import os
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.live_source import LiveSource, find_live_source
from lrcn_model import watch
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig, Part
from lrcn_model.predicting import live_connection
from lrcn_model.predicting import watch as watch_module
from lrcn_model.predicting.live_connection import MOST_WAITING, LiveConnection, LiveReading
from lrcn_model.predicting.live_events import Latencies, LiveFrame, Seen, SourceLost
from lrcn_model.predicting.predict import predict
from lrcn_model.predicting.segments import Segment
from lrcn_model.predicting.video_reading import frame_keeper
from lrcn_model.processor import choose_processor
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.trained_run import RunFacts, TrainedRun

WriteVideo = Callable[..., Path]
SIZE, CLASSES = (40, 32), ["a", "b", "c"]
CARRIED = {"labels_in_time": True, "window": 4, "carry_state": True}


def run_of(head: Part | str = "gru", *, frame_input: str = "frames", **facts: Any) -> TrainedRun:
    torch.manual_seed(3)
    config = NetConfig(
        classes=len(CLASSES), cnn="small", size=SIZE, head=head, frame_input=frame_input
    )
    of_run = {"seq_len": 4, "fps": Fraction(5), "average": "probs", "stored_size": None, **facts}
    return TrainedRun(
        net=LRCN(config).eval(),
        preprocess=Preprocess(SIZE, torch.tensor([90.0, 80.0, 70.0])),
        facts=RunFacts(classes=CLASSES, trained={}, **of_run),
        processor=choose_processor("cpu", "off"),
    )


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings come as fast as they can be read, and none of their frames is dropped."""
    monkeypatch.setattr(live_connection, "MOST_WAITING", 10_000)

    def find(named: Any) -> LiveSource:
        return replace(find_live_source(named), is_recording=False)

    monkeypatch.setattr(watch_module, "find_live_source", find)


def frames_of(seen: list[Seen]) -> list[LiveFrame]:
    return [one for one in seen if isinstance(one, LiveFrame)]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("head", "facts", "last_window"),
    [
        (Part("lstm", hidden=8), CARRIED, 0),
        (Part("gru", hidden=8, input="both"), {**CARRIED, "smooth": 5}, 0),
        (Part("lstm", hidden=8), {**CARRIED, "fps": Fraction(12)}, 0),
        ("none", {"labels_in_time": True, "window": 0}, 0),
        (Part("lstm", hidden=8), {"labels_in_time": True, "window": 6}, 6),
        (Part("gru", hidden=8), {"recipe": {"sampling": "windows", "stride": 3}}, 4),
        (Part("lstm", hidden=8), {**CARRIED, "multi_label": True}, 0),
    ],
    ids=str,
)
def test_every_frame_of_a_file_has_what_its_timeline_has(
    write_video: WriteVideo, head: Part | str, facts: dict[str, Any], last_window: int
) -> None:
    # 12 frames a second where there are 10 repeat some
    video, run = write_video("a.mkv", frames=73, fps=10), run_of(head, **facts)
    expected = predict(run, video, timeline=True, min_length=0.4)
    watching = watch(run, video, top=2, min_length=0.4)
    seen = list(watching)
    frames = frames_of(seen)
    assert [one.seconds for one in frames] == [one.seconds for one in expected.frames]
    # the last window of a video ends with it, and so begins earlier
    count = len(frames) - last_window
    assert count > 25
    for frame, known in list(zip(frames, expected.frames, strict=True))[:count]:
        assert frame.guesses[0].name == known.name
        assert frame.guesses[0].probability == pytest.approx(known.probability, abs=1e-5)
        assert len(frame.guesses) == 2
        assert frame.latency >= 0
    segments = [one for one in seen if isinstance(one, Segment)]
    assert segments[-1].end == expected.segments[-1].end == expected.duration
    if not last_window:
        for segment, other in zip(segments, expected.segments, strict=True):
            assert segment == replace(other, score=pytest.approx(other.score, abs=1e-5))
    summary = watching.summary
    assert (summary.dropped, summary.damaged, summary.reconnects) == (0, 0, 0)
    assert (summary.seconds, summary.segments) == (expected.duration, len(segments))


@pytest.mark.parametrize(
    ("head", "more", "said"),
    [
        (Part("lstm", hidden=8, bidirectional=True), CARRIED, "looks at frames to come, so a"),
        ("mean", {}, "its clips were drawn from whole videos; train on --sampling windows"),
        ("mean", {}, "predict whole videos, or train with a head that isn't"),
        ("gru", {}, "its clips were drawn from whole videos; train on --sampling windows"),
        ("gru", {"recipe": {"sampling": "windows"}, "average": "last"}, "by their last frames"),
        ("gru", {**CARRIED, "frame_input": "both"}, "train with --frame-input frames"),
    ],
    ids=str,
)
def test_a_net_that_needs_more_than_the_frames_so_far_is_refused(
    write_video: WriteVideo, head: Part | str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match="a stream can't be scored as it comes") as refused:
        watch(run_of(head, **more), write_video("a.mkv"))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_is_watched_at_its_own_speed(write_video: WriteVideo) -> None:
    video = write_video("a.mkv", frames=10, fps=10)
    began = time.monotonic()
    seen = list(watch(run_of(**CARRIED), video))
    assert 0.85 < time.monotonic() - began < 5
    assert len(frames_of(seen)) == 5


def reading_of(run: TrainedRun) -> LiveReading:
    keeper = frame_keeper(run.facts, ())
    assert keeper.kind.name == RGB_FRAMES
    return LiveReading(fps=run.facts.fps, keeper=keeper, decode=DecodeOptions(), patience=5)


def test_the_oldest_frames_are_dropped_where_the_net_is_slower(write_video: WriteVideo) -> None:
    source = find_live_source(write_video("a.mkv", frames=60, fps=10))
    connection = LiveConnection(replace(source, is_recording=False), reading_of(run_of()))
    connection._thread.join()
    assert connection.dropped == 30 - MOST_WAITING
    assert [one.position for one in connection.take()] == [*range(30 - MOST_WAITING, 30)]
    assert connection.ended


@contextmanager
def piped(*parts: bytes | float, ends: bool = True) -> Iterator[BinaryIO]:
    """A pipe into which a thread writes bytes, and waits for so many seconds between them."""
    out, into = os.pipe()

    def write() -> None:
        for part in parts:
            if isinstance(part, bytes):
                os.write(into, part)
            else:
                time.sleep(part)
        if ends:
            os.close(into)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(out, "rb", buffering=0) as file:
        yield file
        writer.join()
        if not ends:
            os.close(into)
            time.sleep(0.1)  # the reader's thread has to see that before the pipe is closed here


def test_a_pipe_that_stalls_goes_on_and_one_that_is_cut_ends(write_video: WriteVideo) -> None:
    content = write_video("a.ts", frames=20, fps=25, codec="mpeg2video").read_bytes()
    with piped(content[:6000], 0.7, content[6000:]) as pipe:
        watching = watch(run_of(**CARRIED), pipe, patience=30)
        seen = list(watching)
    assert len(frames_of(seen)) == 4
    assert watching.summary.source == "-"
    with piped(content[: len(content) // 2]) as pipe:
        watching = watch(run_of(**CARRIED), pipe)
        cut = list(watching)
    assert 1 <= len(frames_of(cut)) < 4
    assert isinstance(cut[-1], Segment)
    assert cut[-1].end == watching.summary.seconds


def test_a_pipe_that_sends_nothing_more_is_lost_after_a_while(write_video: WriteVideo) -> None:
    content = write_video("a.ts", frames=40, fps=25, codec="mpeg2video").read_bytes()
    with piped(content, ends=False) as pipe:
        watching = watch(run_of(**CARRIED), pipe, patience=0.6)
        seen: list[Seen] = []
        with pytest.raises(VideoError, match=r"timeout: nothing came of - for 0\.6 s"):
            seen.extend(watching)
        seen += watching.finish()
    assert len(frames_of(seen)) >= 5
    assert watching.summary.frames == len(frames_of(seen))


def test_a_pipe_whose_pictures_change_their_size_is_scored_on(write_video: WriteVideo) -> None:
    small = write_video("s.ts", frames=15, fps=25, codec="mpeg2video").read_bytes()
    large = write_video("l.ts", frames=15, fps=25, size=(96, 80), codec="mpeg2video").read_bytes()
    with piped(small, large) as pipe:
        watching = watch(run_of(**CARRIED), pipe)
        frames = frames_of(list(watching))
    assert len(frames) == 6
    assert watching.summary.seconds == pytest.approx(1.2)


@contextmanager
def served(answers: list[tuple[int, bytes]], *, sized: bool) -> Iterator[str]:
    """The address of a server that gives one answer after another, and the last one ever after."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            if sized:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://name:secret@127.0.0.1:{server.server_port}/camera"
        finally:
            server.shutdown()
            thread.join()


def test_a_file_on_a_server_ends_with_its_last_frame(write_video: WriteVideo) -> None:
    content = write_video("a.mkv", frames=8, fps=10).read_bytes()
    with served([(200, content)], sized=True) as address:
        watching = watch(run_of(**CARRIED), address)
        seen = list(watching)
    assert len(frames_of(seen)) == 4
    assert watching.summary.reconnects == 0
    assert "secret" not in watching.summary.source


def test_an_address_that_breaks_off_is_opened_again(
    write_video: WriteVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_FIRST_PAUSE", 0.05)
    content = write_video("a.ts", frames=20, fps=25, codec="mpeg2video").read_bytes()
    answers = [(200, content), (503, b""), (200, content), (404, b"")]
    with served(answers, sized=False) as address:
        watching = watch(run_of(**CARRIED), address, reconnects=2)
        seen: list[Seen] = []
        with pytest.raises(VideoError, match="is lost after 2 attempts to open it again") as lost:
            seen.extend(watching)
    assert "secret" not in str(lost.value)
    breaks = [one for one in seen if isinstance(one, SourceLost)]
    assert [one.again_in for one in breaks] == [0.05, 0.1, 0.05, 0.1]
    assert "can't be opened (Server returned 5XX" in breaks[1].reason
    frames = frames_of(seen)
    assert len(frames) == 8
    assert watching.summary.reconnects == 1
    assert all(before.seconds < after.seconds for before, after in pairwise(frames))
    # the head began anew
    assert frames[4].guesses[0].probability == frames[0].guesses[0].probability


def test_an_address_that_was_never_there_is_said_to_be_so_at_once() -> None:
    missing = pytest.raises(VideoError, match=r"missing: http://127\.0\.0\.1.*can't be opened")
    with served([(404, b"")], sized=True) as address, missing:
        list(watch(run_of(**CARRIED), address))


class _Rtsp(socketserver.StreamRequestHandler):
    """As much of RTSP (RFC 2326) as it takes to send an MPEG transport stream over its own TCP."""

    content = b""

    def handle(self) -> None:
        number = 0
        while request := self.rfile.readline():
            lines = []
            while line := self.rfile.readline().strip():
                lines.append(line.decode())
            method = request.split()[0].decode()
            number = next(int(x.split(":")[1]) for x in lines if x.lower().startswith("cseq"))
            more, body = [], ""
            if method == "DESCRIBE":
                body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\n"
                more = ["Content-Type: application/sdp"]
            elif method == "SETUP":
                more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
            text = "\r\n".join(
                [
                    "RTSP/1.0 200 OK",
                    f"CSeq: {number}",
                    "Session: 1",
                    "Public: DESCRIBE, SETUP, PLAY",
                    *more,
                    f"Content-Length: {len(body)}",
                    "",
                    body,
                ]
            )
            self.wfile.write(text.encode())
            if method == "PLAY":
                self._play()
                return

    def _play(self) -> None:
        step = 7 * 188
        for number, start in enumerate(range(0, len(self.content), step)):
            head = b"\x80\x21" + number.to_bytes(2, "big") + bytes(4) + b"lrcn"
            packet = head + self.content[start : start + step]
            self.wfile.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)


def test_a_camera_that_speaks_rtsp_is_watched(
    write_video: WriteVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_FIRST_PAUSE", 0.05)
    path = write_video("a.ts", frames=50, fps=25, codec="mpeg2video")
    monkeypatch.setattr(_Rtsp, "content", path.read_bytes())
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Rtsp) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        address = f"rtsp://127.0.0.1:{server.server_address[1]}/stream"
        watching = watch(run_of(**CARRIED), address, reconnects=0, patience=5)
        seen: list[Seen] = []
        with pytest.raises(VideoError, match="is lost after 0 attempts"):
            seen.extend(watching)
        server.shutdown()
        thread.join()
    assert 8 <= len(frames_of(seen)) + watching.summary.dropped <= 10


def test_latencies_are_told_to_a_hundredth() -> None:
    times = np.random.default_rng(0).lognormal(-3, 1, 5000)
    latencies = Latencies()
    for seconds in times:
        latencies.add(seconds)
    for share in (0.5, 0.95):
        expected = float(np.quantile(times, share))
        assert latencies.quantile(share) == pytest.approx(expected, rel=0.02)
    assert latencies.longest == times.max()
    assert latencies.quantile(1.0) <= latencies.longest
    assert Latencies().quantile(0.5) is None
