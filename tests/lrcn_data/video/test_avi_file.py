"""What an AVI's index says, against what libavformat reads from start to end."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lrcn_data.errors import VideoError
from lrcn_data.pixels import RGB
from lrcn_data.video import decode_av
from lrcn_data.video.avi_file import AviFile, read_avi
from lrcn_data.video.container_av import OpenStream, VideoSource, open_container
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import Limits
from lrcn_data.video.packets import stream_packets
from lrcn_data.video.packets.indexed import IndexedPictures, find_pictures
from lrcn_data.video.packets.stream_packets import StreamPackets
from lrcn_data.video.video_file import VideoFile, open_video
from tests.lrcn_data.read_path import by_av

VIDEOS = Path(os.environ.get("LRCN_REAL_VIDEOS", os.devnull))
CLIPS = sorted(VIDEOS.rglob("*.avi"))

# start codes of MPEG-4: vop, video_object_layer, group_of_vop, user_data
PICTURE = b"\0\0\1\xb6"
LAYER = b"\0\0\1\x20"
GROUP = b"\0\0\1\xb3"
USER_DATA = b"\0\0\1\xb2"


@pytest.fixture
def write_avi(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes an AVI of noise: (keyframe interval, B-frames, codec of the sound)."""

    def write(g: int = 12, bf: int = 0, sound: str | None = None, frames: int = 40) -> Path:
        path = tmp_path / "made.avi"
        rng = np.random.default_rng(3)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=10, options={"g": str(g), "bf": str(bf)})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            audio: Any = container.add_stream(sound, rate=44100) if sound else None
            picture = rng.integers(0, 256, (48, 64, 3), np.uint8)
            for number in range(frames):
                moved = np.roll(picture, 2 * number, axis=1)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(moved)))
                if audio:
                    noise = rng.integers(-999, 999, (1, 2 * 4410), np.int16)
                    heard = av.AudioFrame.from_ndarray(noise, format="s16", layout="stereo")
                    heard.rate, heard.pts = 44100, 4410 * number
                    container.mux(audio.encode(heard))
            container.mux(stream.encode(None))
            if audio:
                container.mux(audio.encode(None))
        return path

    return write


class Frames:
    """Wants every seventh frame, and keeps a hash of each."""

    def choose(self, timeline: Any) -> range:
        self.times = list(timeline.times)
        self.hashes: list[str] = []
        return range(3, len(timeline.times), 7)

    def take(self, frame: int, rgb: RGB) -> None:
        self.hashes.append(f"{frame} {hashlib.sha256(rgb.tobytes()).hexdigest()}")


def look(path: Path) -> AviFile:
    with open_video(path) as file:
        avi = read_avi(file)
    assert avi is not None
    return avi


def pictures(path: Path) -> IndexedPictures | None:
    with open_video(path) as file:
        avi = read_avi(file)
        assert avi is not None
        return find_pictures(file, avi.chunks) if avi.chunks else None


def packets(path: Path, *, indexed: bool) -> list[Any]:
    """All that is known of each packet of a video, and its bytes."""
    with open_video(path) as file:
        avi = read_avi(file)
        assert avi is not None
        source = VideoSource(file, avi if indexed else replace(avi, chunks=None))
        with open_container(source, DecodeOptions()) as container:
            found = StreamPackets(OpenStream(source, container, DecodeOptions(), []))
            table = found.table
            columns = [table.pts, table.dts, table.durations, table.sizes, table.entries]
            rest = (table.hidden, table.pictures, table.changes, table.corrupt, found.suspicion())
            every = [
                (packet.pts, packet.dts, packet.duration, bytes(packet)) for packet in found.all()
            ]
            return [*columns, rest, every]


def frames(path: Path, options: DecodeOptions) -> Frames:
    found = Frames()
    by_av(path, found, options)
    return found


def without_demuxing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(opened: OpenStream, packets: Any) -> None:
        raise AssertionError("all packets are demuxed")

    monkeypatch.setattr(stream_packets, "scan_packets", refuse)


@pytest.mark.parametrize("sound", [None, "pcm_s16le", "mp2"])
@pytest.mark.parametrize("g", [1, 12, 250])
def test_the_index_has_the_packets_that_demuxing_finds(
    write_avi: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, g: int, sound: str | None
) -> None:
    path = write_avi(g=g, sound=sound)
    demuxed = packets(path, indexed=False)
    assert len(demuxed[-1]) == 40
    every = frames(path, DecodeOptions(check_full=True))
    without_demuxing(monkeypatch)
    assert packets(path, indexed=True) == demuxed
    wanted = frames(path, DecodeOptions())
    assert (wanted.times, wanted.hashes) == (every.times, every.hashes)


@pytest.mark.parametrize("path", CLIPS[::11], ids=lambda path: path.name)
def test_the_index_of_a_real_clip_has_the_packets_that_demuxing_finds(path: Path) -> None:
    if look(path).lost is None:
        assert packets(path, indexed=True) == packets(path, indexed=False)


@pytest.mark.skipif(not CLIPS, reason="LRCN_REAL_VIDEOS names no folder of real clips")
def test_the_index_of_most_real_clips_can_be_believed() -> None:
    clips = sorted((VIDEOS / "actions").rglob("*.avi"))
    believed = [pictures(path) is not None for path in clips]
    assert sum(believed) > 0.5 * len(believed)


def test_a_long_files_packets_are_read_where_they_lie(
    write_avi: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_avi()
    short = frames(path, DecodeOptions())
    monkeypatch.setattr("lrcn_data.video.video_file._SHORT", 0)
    without_demuxing(monkeypatch)
    assert frames(path, DecodeOptions()).hashes == short.hashes


def test_a_file_that_is_cut_while_it_is_read_is_refused(
    write_avi: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_avi()
    monkeypatch.setattr("lrcn_data.video.video_file._SHORT", 0)

    class Cuts(Frames):
        def choose(self, timeline: Any) -> range:
            os.truncate(path, 2000)
            return super().choose(timeline)

    with pytest.raises(VideoError, match="shorter") as caught:
        by_av(path, Cuts(), DecodeOptions())
    assert caught.value.reason == "damaged"


def test_keyframes_are_what_the_pictures_are_not_what_the_index_calls_so(
    write_avi: Callable[..., Path],
) -> None:
    path = write_avi()
    expected = frames(path, DecodeOptions(check_full=True))
    data = bytearray(path.read_bytes())
    for place in range(data.rindex(b"idx1") + 8, len(data) - 15, 16):
        data[place + 4] = 0x10  # AVIIF_KEYFRAME
    path.write_bytes(data)
    assert pictures(path) is not None
    assert frames(path, DecodeOptions()).hashes == expected.hashes


def test_too_many_indexed_pictures_are_refused(write_avi: Callable[..., Path]) -> None:
    path = write_avi()
    frames(path, DecodeOptions(limits=Limits(frames=40)))
    with pytest.raises(VideoError, match="more than 39 frames") as caught:
        frames(path, DecodeOptions(limits=Limits(frames=39)))
    assert caught.value.reason == "too-large"


def entry(data: bytearray, number: int) -> int:
    """Where the index has so many-th picture."""
    return data.rindex(b"idx1") + 8 + 16 * number


def renamed_stream(data: bytearray) -> None:
    """All chunks as those of the second stream, in the index too."""
    data[:] = data.replace(b"00dc", b"01dc")


def other_size(data: bytearray) -> None:
    (size,) = struct.unpack_from("<I", data, entry(data, 5) + 12)
    struct.pack_into("<I", data, entry(data, 5) + 12, size - 2)


def swapped(data: bytearray) -> None:
    one, two = entry(data, 5), entry(data, 6)
    data[one : one + 16], data[two : two + 16] = data[two : two + 16], data[one : one + 16]


def left_out(data: bytearray) -> None:
    """The index without its last picture."""
    index = data.rindex(b"idx1")
    (size,) = struct.unpack_from("<I", data, index + 4)
    struct.pack_into("<I", data, index + 4, size - 16)
    del data[-16:]


def left_out_in_between(data: bytearray) -> None:
    index = data.rindex(b"idx1")
    (size,) = struct.unpack_from("<I", data, index + 4)
    struct.pack_into("<I", data, index + 4, size - 16)
    del data[entry(data, 5) : entry(data, 6)]


def more_after_the_index(data: bytearray) -> None:
    data += b"JUNK" + struct.pack("<I", 4) + bytes(4)


def counted_from_the_start(data: bytearray) -> None:
    movie = data.index(b"movi")
    for number in range(40):
        (offset,) = struct.unpack_from("<I", data, entry(data, number) + 8)
        struct.pack_into("<I", data, entry(data, number) + 8, offset + movie)


def other_header(data: bytearray) -> None:
    """Other settings of the decoder, from the second keyframe on."""
    second = data.index(LAYER, data.index(LAYER) + 4)
    data[second + 5] ^= 1


def no_picture(data: bytearray) -> None:
    place = data.rindex(PICTURE)
    data[place + 3] = 0xB5


def bidirectional(data: bytearray) -> None:
    place = data.rindex(PICTURE) + 4
    data[place] = data[place] & 0x3F | 0x80


def renamed_picture(data: bytearray, name: bytes = b"00wb") -> None:
    """A picture as sound, in the index too."""
    place = data.index(b"movi") + struct.unpack_from("<I", data, entry(data, 5) + 8)[0]
    data[entry(data, 5) : entry(data, 5) + 4] = data[place : place + 4] = name


def more_after_the_time_of_day(data: bytearray) -> None:
    """What the encoder says of itself, moved behind the start of each group."""
    said = -1
    while (said := data.find(USER_DATA, said + 1)) >= 0:
        group = data.index(GROUP, said)
        picture = data.index(PICTURE, group)
        data[said:picture] = data[group:picture] + data[said:group]
        said = picture


def too_many_chunks(data: bytearray) -> None:
    """Empty ones before the pictures, more than a file is looked through."""
    movie = data.index(b"LIST", data.index(b"movi") - 8)
    data[movie:movie] = (b"JUNK" + bytes(4)) * 1000


CHANGES: list[Callable[[bytearray], None]] = [
    renamed_stream,
    other_size,
    swapped,
    left_out,
    left_out_in_between,
    more_after_the_index,
    counted_from_the_start,
    other_header,
    no_picture,
    bidirectional,
    renamed_picture,
    more_after_the_time_of_day,
    too_many_chunks,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_an_index_that_the_file_does_not_bear_out_is_not_believed(
    write_avi: Callable[..., Path], change: Callable[[bytearray], None]
) -> None:
    path = write_avi()
    assert pictures(path) is not None
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    assert pictures(path) is None


def test_sound_of_a_stream_that_is_not_there_has_all_packets_demuxed(
    write_avi: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_avi()
    data = bytearray(path.read_bytes())
    renamed_picture(data, b"01wb")
    path.write_bytes(data)
    assert pictures(path) is not None
    assert packets(path, indexed=True) == packets(path, indexed=False)
    without_demuxing(monkeypatch)
    with pytest.raises(AssertionError, match="demuxed"):
        frames(path, DecodeOptions())


def test_pictures_that_are_shown_in_another_order_are_not_taken_from_the_index(
    write_avi: Callable[..., Path],
) -> None:
    assert pictures(write_avi(bf=2)) is None


def test_a_first_picture_that_is_not_shown_at_0_has_all_of_them_demuxed(
    write_avi: Callable[..., Path],
) -> None:
    path = write_avi()
    data = bytearray(path.read_bytes())
    header = data.index(b"strh") + 8
    struct.pack_into("<I", data, header + 28, 7)  # dwStart
    path.write_bytes(data)
    assert pictures(path) is not None
    found = packets(path, indexed=True)
    assert found == packets(path, indexed=False)
    assert found[0][0] == 7


def test_hash_and_size_are_those_of_the_file(
    write_avi: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_avi()
    expected = hashlib.sha256(path.read_bytes()).hexdigest()

    def hashed(file: VideoFile) -> str:
        decode_av.read_video(file, Frames(), DecodeOptions())
        return file.sha256()

    with open_video(path) as file:
        assert (hashed(file), file.size) == (expected, path.stat().st_size)
    monkeypatch.setattr("lrcn_data.video.video_file._SHORT", 0)
    with open_video(path) as file:
        assert hashed(file) == expected


def test_the_times_are_those_of_the_rate(write_avi: Callable[..., Path]) -> None:
    found = Frames()
    decoded = by_av(write_avi(), found, DecodeOptions())
    assert decoded.decoding == "planned"
    assert decoded.timeline.time_base == Fraction(1, 10)
    assert list(decoded.timeline.times) == list(range(40))
