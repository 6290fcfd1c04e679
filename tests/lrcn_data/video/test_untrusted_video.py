"""Files that are not what their names say: nothing but the named file is ever opened or shown."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lrcn_data.errors import VideoError
from lrcn_data.pixels import RGB
from lrcn_data.video import decode_ffmpeg
from lrcn_data.video.decoding import Decoded, DecodeOptions
from lrcn_data.video.limits import Limits
from lrcn_data.video.timeline import Timeline
from tests.lrcn_data.read_path import by_av, by_ffmpeg

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

READERS = [by_av, by_ffmpeg]


def read_by_a_threaded_ffmpeg(path: Path, sink: Any, options: DecodeOptions) -> Decoded:
    """By an ffmpeg of version 7 or later, whose threads talk into one another's lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode_ffmpeg, "find_ffmpeg", imageio_ffmpeg.get_ffmpeg_exe)
        return by_ffmpeg(path, sink, options)


ALL_READERS = [*READERS, read_by_a_threaded_ffmpeg]

HOSTILE = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{foreign}\n#EXT-X-ENDLIST\n",
    "hls with file url": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{foreign}\n",
    "hls master": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{foreign}\n",
    "hls over http": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n",
    "ffconcat": "ffconcat version 1.0\nfile '{foreign}'\n",
    "ffconcat relative": "ffconcat version 1.0\nfile foreign.mp4\n",
    "concat with duration": "ffconcat version 1.0\nfile {foreign}\nduration 5\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<Period><AdaptationSet><Representation id='1' bandwidth='1'><BaseURL>{foreign}</BaseURL>"
    "</Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{foreign}"/></svg>',
    "text": "just some words\n" * 200,
    "ans": "\x1b[31mcoloured text\x1b[0m\r\n" * 50,
    "json": '{{"video": "{foreign}"}}',
    "html": "<html><video src='{foreign}'></video></html>",
    "rtsp reference": "[Reference]\nRef1=http://127.0.0.1:9/x.asf\n",
    "asx": "<asx version='3.0'><entry><ref href='{foreign}'/></entry></asx>",
    "pls": "[playlist]\nFile1={foreign}\nNumberOfEntries=1\n",
    "subtitle": "1\n00:00:00,000 --> 00:00:09,000\nwords\n",
    "ffmetadata": ";FFMETADATA1\ntitle=x\n",
    "image pattern text": "%03d.png\n",
}


class Everything:
    """Wants every frame, and counts what comes."""

    frames = 0

    def choose(self, timeline: Timeline) -> Collection[int]:
        self.frames = 0
        return range(len(timeline.times))

    def take(self, frame: int, rgb: RGB) -> None:
        self.frames += 1


@pytest.mark.promise(
    1, "20 files that name others, 5 endings, both decoders; the file named is a watched FIFO"
)
@pytest.mark.parametrize(
    ("read", "ending"),
    [
        *((by_av, ending) for ending in ("avi", "mp4", "m3u8", "mkv", "txt")),
        *((by_ffmpeg, ending) for ending in ("avi", "m3u8")),
        # sixty processes more, which look at the same files
        *(
            pytest.param(by_ffmpeg, ending, marks=pytest.mark.slow)
            for ending in ("mp4", "mkv", "txt")
        ),
    ],
)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_names_others_is_refused_and_opens_none(
    tmp_path: Path,
    write_video: Callable[..., Path],
    read: Callable[..., Decoded],
    ending: str,
    kind: str,
) -> None:
    foreign = tmp_path / "foreign.mp4"
    os.mkfifo(foreign)
    seen = threading.Event()

    def watch() -> None:
        with foreign.open("wb"):  # returns as soon as somebody opens it for reading
            seen.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    path = tmp_path / f"video.{ending}"
    path.write_text(HOSTILE[kind].format(foreign=foreign))
    sink = Everything()
    with pytest.raises(VideoError) as caught:
        read(path, sink, DecodeOptions(timeout=10))
    assert caught.value.reason in ("not-a-video", "damaged", "unsupported")
    assert not seen.is_set()
    assert sink.frames == 0
    reader = os.open(foreign, os.O_RDONLY | os.O_NONBLOCK)  # lets the watcher go
    watcher.join(5)
    os.close(reader)


ODD_NAMES = [
    "a:b.avi",
    "http:x.avi",
    "concat:a|b.avi",
    "pipe:0.avi",
    "-x.avi",
    "--help.avi",
    "img%03d.avi",
    "%d.avi",
    "file:x.avi",
    "a b  c.avi",
    "quote'single.avi",
    'quote"double.avi',
    "back\\slash.avi",
    "new\nline.avi",
    "tab\tname.avi",
    "*.avi",
    "?.avi",
    "[0-9].avi",
    "{000..009}.avi",
    "$HOME.avi",
    "`ls`.avi",
    ";ls.avi",
    "a&b.avi",
    "a|b.avi",
    "#hash.avi",
    "~.avi",
    "ünïcödé.avi",
    "\u65e5\u672c.avi",
    "\U0001f3ac.avi",
    "e\u0301.avi",
    "\u202eiva.avi",
    "dot.dot.avi",
    "noending",
    ".hidden.avi",
    "=.avi",
    "@.avi",
    "!.avi",
    "(a).avi",
    "<b>.avi",
    "subfile,,start,1,end,2,,:x.avi",
    "crypto:x.avi",
    "data:text,x.avi",
    "cache:x.avi",
    "tcp:x.avi",
    "x" * 250 + ".avi",
    "bad\udcffbyte.avi",
]


@pytest.mark.promise(2, "names chosen to be misread, by both decoders")
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_regular_file_works_whatever_its_name(
    tmp_path: Path, write_video: Callable[..., Path], read: Any, name: str
) -> None:
    plain = write_video("plain.avi", frames=3)
    odd = tmp_path / "odd" / name
    odd.parent.mkdir()
    odd.write_bytes(plain.read_bytes())
    sink = Everything()
    read(odd, sink, DecodeOptions())
    assert sink.frames == 3


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, read: Any) -> None:
    os.mkfifo(tmp_path / "fifo.avi")
    (tmp_path / "folder.avi").mkdir()
    (tmp_path / "zero.avi").symlink_to("/dev/zero")
    (tmp_path / "gone.avi").symlink_to(tmp_path / "nothing")
    for name in ("fifo.avi", "folder.avi", "zero.avi", "gone.avi", "missing.avi"):
        with pytest.raises(VideoError) as caught:
            read(tmp_path / name, Everything(), DecodeOptions())
        assert caught.value.reason == "missing"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(pixels=1000), "pixel"),
        (Limits(seconds=1), "lasts 4 s by its timestamps, the limit is 1; --max-hours sets it"),
        (Limits(frames=10), "more than 10 frames"),
    ],
)
def test_a_video_above_a_limit_is_refused(
    write_video: Callable[..., Path], read: Any, limits: Limits, said: str
) -> None:
    path = write_video("large.mp4", frames=40, fps=10)
    with pytest.raises(VideoError) as caught:
        read(path, Everything(), DecodeOptions(limits=limits))
    assert caught.value.reason == "too-large"
    assert said in caught.value.detail


@pytest.mark.parametrize("read", READERS)
def test_a_codec_that_is_not_allowed_is_refused_and_can_be_allowed(
    write_video: Callable[..., Path], read: Any
) -> None:
    path = write_video("rare.avi", frames=5, codec="snow")
    with pytest.raises(VideoError) as caught:
        read(path, Everything(), DecodeOptions())
    assert caught.value.reason == "unsupported"
    assert "--allow-decoder snow" in caught.value.detail
    sink = Everything()
    read(path, sink, DecodeOptions(decoders=("snow",)))
    assert sink.frames == 5


@pytest.mark.parametrize("read", ALL_READERS)
@pytest.mark.parametrize("name", ["cut.avi", "cut.mp4", "cut.mkv"])
@pytest.mark.parametrize("percent", [10, 35, 50, 80, 95, 99])
def test_a_cut_video_is_never_silently_short(
    write_video: Callable[..., Path], read: Any, name: str, percent: int
) -> None:
    path = write_video(name, frames=40)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * percent // 100])
    sink = Everything()
    try:
        read(path, sink, DecodeOptions())
    except VideoError:
        return
    assert sink.frames == 40


def test_salvage_takes_what_comes_before_the_damage(write_video: Callable[..., Path]) -> None:
    path = write_video("half.avi", frames=40)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 8 // 10])
    sink = Everything()
    decoded = by_av(path, sink, DecodeOptions(salvage=True))
    assert 3 < sink.frames < 40
    assert decoded.damage is not None
    assert "cut" in decoded.damage.detail


@pytest.mark.parametrize(
    ("read", "salvage"),
    [
        (by_av, False),
        (by_av, True),
        (by_ffmpeg, False),
    ],
)
def test_an_avi_whose_index_names_a_picture_that_is_lost_is_refused(
    write_video: Callable[..., Path], read: Any, salvage: bool
) -> None:
    path = write_video("lost.avi", frames=40)
    whole = path.read_bytes()
    first = whole.index(b"movi") + 4
    lost = whole.index(b"00dc", first + 1000)
    path.write_bytes(whole[:lost] + b"00xx" + whole[lost + 4 :])
    with pytest.raises(VideoError) as caught:
        read(path, Everything(), DecodeOptions(salvage=salvage))
    assert caught.value.reason == "damaged"
    assert "1 of 40 pictures are not where the index says" in caught.value.detail


def test_what_ffmpeg_says_of_a_damaged_video_is_the_same_every_time(
    write_video: Callable[..., Path],
) -> None:
    path = write_video("cut.mkv", frames=40)
    path.write_bytes(path.read_bytes()[:-500])
    said = set()
    for _ in range(20):
        with pytest.raises(VideoError) as caught:
            read_by_a_threaded_ffmpeg(path, Everything(), DecodeOptions())
        said.add(caught.value.detail)
    assert len(said) == 1, said


class Hashes(Everything):
    """Wants every frame, and keeps all that is seen of them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = hashlib.sha256()

    def take(self, frame: int, rgb: RGB) -> None:
        super().take(frame, rgb)
        self.seen.update(rgb.tobytes())


@pytest.fixture
def torn_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that has ffmpeg's messages go through a sed script."""

    def tear(script: str) -> None:
        program = tmp_path / "ffmpeg"
        program.write_text(
            "#!/bin/sh\nexec 3>&1\n"
            f"{{ {imageio_ffmpeg.get_ffmpeg_exe()} \"$@\" 2>&1 1>&3; }} | sed -E '{script}' >&2\n"
        )
        program.chmod(0o755)
        monkeypatch.setattr(decode_ffmpeg, "find_ffmpeg", lambda: str(program))

    return tear


# lines as ffmpeg 9's threads were seen to leave them
TORN_COLORS = r"s/(color_range:\S+)(.*)/\1Error at MB: 2\n[Parsed_showinfo_0 @ 0x1] [info] \2/"
TORN_FRAMES = r"s/(.* n: +[0-9]+ pts:.*)/\1Invalid track number 3/"
TORN_BY_ERROR = r"s/.* n: +0 pts:/[mpeg4 @ 0x1] [error] header damaged&/"
LOST_FRAME = r"/ n: +5 pts:/d"


@pytest.mark.parametrize("script", [TORN_COLORS, TORN_FRAMES])
def test_torn_lines_of_ffmpeg_change_no_frame(
    tmp_path: Path, torn_ffmpeg: Callable[[str], None], script: str
) -> None:
    path = tmp_path / "colours.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuv420p"
        stream.codec_context.color_range, stream.codec_context.colorspace = 2, 1
        rng = np.random.default_rng(6)
        for _ in range(10):
            picture = rng.integers(0, 256, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    seen = []
    for message in ("", script):
        torn_ffmpeg(message)
        sink = Hashes()
        by_ffmpeg(path, sink, DecodeOptions())
        assert sink.frames == 10
        seen.append(sink.seen.hexdigest())
    sink = Hashes()
    by_av(path, sink, DecodeOptions())
    assert seen == [sink.seen.hexdigest()] * 2


@pytest.mark.parametrize(
    ("script", "reason", "said"),
    [
        (TORN_BY_ERROR, "damaged", "header damaged"),
        (LOST_FRAME, "unsupported", "use --decoder av"),
    ],
)
def test_a_line_of_ffmpeg_that_is_lost_refuses_the_video(
    write_video: Callable[..., Path],
    torn_ffmpeg: Callable[[str], None],
    script: str,
    reason: str,
    said: str,
) -> None:
    torn_ffmpeg(script)
    with pytest.raises(VideoError, match=said) as caught:
        by_ffmpeg(write_video("v.avi"), Everything(), DecodeOptions())
    assert caught.value.reason == reason


def test_a_packet_that_the_decoder_skips_is_missed(write_video: Callable[..., Path]) -> None:
    path = write_video("skipped.avi", frames=40)
    data = bytearray(path.read_bytes())
    kind = data.rindex(b"\0\0\1\xb6") + 4
    data[kind] = data[kind] & 0x3F | 0x80  # a B picture, where there can be none
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match="40 packets give only 39 frames"):
        by_av(path, Everything(), DecodeOptions(check_full=True))


@pytest.mark.parametrize("read", READERS)
def test_an_avi_without_an_index_is_read(write_video: Callable[..., Path], read: Any) -> None:
    path = write_video("plain.avi", frames=40)
    whole = path.read_bytes()
    index = whole.rindex(b"idx1")
    path.write_bytes(whole[:index] + b"JUNK" + whole[index + 4 :])
    sink = Everything()
    read(path, sink, DecodeOptions(check_full=True))
    assert sink.frames == 40


@pytest.mark.parametrize("read", ALL_READERS)
def test_a_codec_that_no_decoder_knows_is_refused(
    write_video: Callable[..., Path], read: Any
) -> None:
    path = write_video("unknown.mkv", frames=5)
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4", b"V_XXXX4"))
    with pytest.raises(VideoError) as caught:
        read(path, Everything(), DecodeOptions())
    assert caught.value.reason == "unsupported"


def test_times_that_run_backwards_give_the_same_frames_by_both_decoders(
    write_video: Callable[..., Path],
) -> None:
    path = write_video("backwards.mp4", frames=10, codec="libx264")
    data = bytearray(path.read_bytes())
    offsets = data.index(b"ctts") + 12
    data[offsets + 4 : offsets + 8] = (9000).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    counts = []
    for read in READERS:
        sink = Everything()
        read(path, sink, DecodeOptions(check_full=True))
        counts.append(sink.frames)
    assert counts == [10, 10]
