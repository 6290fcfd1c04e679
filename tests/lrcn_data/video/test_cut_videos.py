"""Videos cut anywhere, in containers that tell how much there is: never taken for short ones."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import av
import pytest

from lrcn_data.errors import VideoError
from lrcn_data.pixels import RGB
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.mp4_file import missing_of_mp4
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import open_video
from tests.lrcn_data.read_path import by_av, by_ffmpeg

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

FRAMES = 100

VIDEO, SOUND, TEXT, LONG_SOUND, COVER = "v.mp4", "s.m4a", "t.srt", "l.m4a", "c.jpg"

FRONT = "-c copy -movflags +faststart"
FRAGMENTS = "-movflags frag_keyframe+empty_moov"
VP8 = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 300k"

CAN_TELL: dict[str, tuple[list[str], str]] = {
    "plain.mp4": ([VIDEO], FRONT),
    "sound.mp4": ([VIDEO, SOUND], FRONT),
    "sound first.mp4": ([SOUND, VIDEO], FRONT),
    "pcm.mov": ([VIDEO, SOUND], f"{FRONT} -c:a pcm_s16le"),
    "timecode.mp4": ([VIDEO], f"{FRONT} -timecode 01:00:00:00"),
    "text.mp4": ([VIDEO, TEXT], f"{FRONT} -c:s mov_text"),
    "text first.mp4": ([TEXT, VIDEO], f"{FRONT} -c:s mov_text"),
    "sound and text.mp4": ([VIDEO, SOUND, TEXT], f"{FRONT} -c:s mov_text"),
    "longer sound.mp4": ([VIDEO, LONG_SOUND], FRONT),
    "cover.mp4": ([VIDEO, COVER], f"{FRONT} -disposition:v:1 attached_pic"),
    "starts late.mp4": ([VIDEO, TEXT], f"{FRONT} -c:s mov_text -output_ts_offset 2"),
    "raw.mov": ([VIDEO], f"{FRONT} -c:v rawvideo -pix_fmt rgb24"),
    "fragments.mp4": ([VIDEO, SOUND], f"-c copy {FRAGMENTS}"),
    "fragments and text.mp4": ([VIDEO, TEXT], f"-c copy -c:s mov_text {FRAGMENTS}"),
    "separate fragments.mp4": ([VIDEO, SOUND], f"-c copy {FRAGMENTS}+separate_moof"),
    "indexed fragments.mp4": ([VIDEO], "-c copy -movflags dash+global_sidx+frag_keyframe"),
    "plain.mkv": ([VIDEO], "-c copy"),
    "text.mkv": ([VIDEO, SOUND, TEXT], "-c copy"),
    "sound.webm": ([VIDEO, SOUND], f"{VP8} -c:a libopus"),
    "plain.avi": ([VIDEO], "-c:v mpeg4"),
    "sound.avi": ([VIDEO, SOUND], "-c:v mpeg4 -c:a libmp3lame"),
}
"""Videos that tell how much there is, each made of some parts by some options of ffmpeg."""


def run_ffmpeg(*arguments: str | Path) -> None:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-y", "-loglevel", "error", *arguments], check=True)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what videos are made of, and those that were made of it.

    That is 4 s of video and of sound, 7 s of sound, sparse text, a picture.
    """
    folder = tmp_path_factory.mktemp("parts")
    picture, tone = "testsrc2=s=96x64:r=25:d=4", "sine=d="
    h264 = f"-c:v libx264 -g 25 -pix_fmt yuv420p -b:v 200k -frames:v {FRAMES}".split()
    run_ffmpeg("-f", "lavfi", "-i", picture, *h264, folder / VIDEO)
    run_ffmpeg("-f", "lavfi", "-i", f"{tone}4", folder / SOUND)
    run_ffmpeg("-f", "lavfi", "-i", f"{tone}7", folder / LONG_SOUND)
    run_ffmpeg("-f", "lavfi", "-i", picture, "-frames:v", "1", folder / COVER)
    lines = "1\n00:00:00,200 --> 00:00:00,400\na\n\n2\n00:00:03,800 --> 00:00:03,900\nb\n"
    (folder / TEXT).write_text(lines)
    return folder


@pytest.fixture
def make(parts: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A function that makes the video of a name in `CAN_TELL`, for all tests once."""

    def write(name: str) -> Path:
        inputs, options = CAN_TELL[name]
        whole = parts / name
        if not whole.exists():
            given = [word for part in inputs for word in ("-i", str(parts / part))]
            mapped = [word for number in range(len(inputs)) for word in ("-map", str(number))]
            run_ffmpeg(*given, *mapped, *options.split(), whole)
        return Path(shutil.copy(whole, tmp_path))

    return write


class Counted:
    """Wants every tenth frame, and counts all."""

    frames = 0

    def choose(self, timeline: Timeline) -> Collection[int]:
        self.frames = len(timeline.times)
        return range(0, self.frames, 10)

    def take(self, frame: int, rgb: RGB) -> None:
        pass


def frames_of(read: Any, path: Path, options: DecodeOptions) -> int | None:
    """The number of frames; None if the video is refused."""
    sink = Counted()
    try:
        read(path, sink, options)
    except VideoError:
        return None
    return sink.frames


@pytest.mark.promise(6, "21 kinds of containers and tracks, each cut at 19 places, both decoders")
@pytest.mark.parametrize(
    ("read", "check_full"),
    [
        pytest.param(by_av, False, id="av-auto"),
        pytest.param(by_av, True, id="av-full"),
        # twenty processes for each video; the same cuts are read by the other decoder
        pytest.param(by_ffmpeg, True, id="ffmpeg", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", CAN_TELL)
def test_a_video_cut_at_any_of_19_places_is_refused_or_whole(
    make: Callable[[str], Path], read: Any, name: str, check_full: bool
) -> None:
    whole, options = make(name), DecodeOptions(check_full=check_full)
    data = whole.read_bytes()
    assert frames_of(read, whole, options) == FRAMES
    cut = whole.with_stem("cut")
    for percent in range(5, 100, 5):
        cut.write_bytes(data[: len(data) * percent // 100])
        assert frames_of(read, cut, options) in (None, FRAMES), f"cut at {percent} %"


@pytest.mark.parametrize("read", [by_av, by_ffmpeg])
def test_a_file_whose_sound_alone_is_cut_is_whole(make: Callable[[str], Path], read: Any) -> None:
    path = make("longer sound.mp4")
    path.write_bytes(path.read_bytes()[:-5000])
    assert frames_of(read, path, DecodeOptions(check_full=True)) == FRAMES


def test_salvage_keeps_what_comes_before_a_cut_behind_a_sparse_track(
    make: Callable[[str], Path],
) -> None:
    path = make("text.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    sink = Counted()
    decoded = by_av(path, sink, DecodeOptions(salvage=True))
    assert 25 < sink.frames < FRAMES
    assert decoded.damage is not None
    assert f"{len(data) // 2} bytes of the" in decoded.damage.detail


WITH_TABLES = [name for name in CAN_TELL if name.endswith((".mp4", ".mov")) and "frag" not in name]


@pytest.mark.parametrize("name", WITH_TABLES)
def test_an_mp4_is_whole_up_to_the_last_byte_of_its_last_picture(
    make: Callable[[str], Path], name: str
) -> None:
    path = make(name)
    data = path.read_bytes()
    with av.open(str(path)) as container:
        ends = [
            entry.pos + entry.size
            for stream in container.streams.video
            for entry in stream.index_entries
        ]
    for size, missing in ((len(data), False), (max(ends), False), (max(ends) - 1, True)):
        path.write_bytes(data[:size])
        with open_video(path) as file:
            said = missing_of_mp4(file)
        assert (said is not None) == missing
        assert said is None or f"{size} bytes of the {max(ends)}" in said


def test_a_recording_that_was_broken_off_is_told_from_what_is_no_video(
    write_video: Callable[..., Path],
) -> None:
    path = write_video("recording.mp4", frames=20)
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    path.write_bytes(data[: data.index(b"moov") - 100])
    with pytest.raises(VideoError, match=r"no index \(moov\).*broken off"):
        by_av(path, Counted(), DecodeOptions())
    path.write_bytes(b"no video at all")
    with pytest.raises(VideoError, match="no container that is allowed"):
        by_av(path, Counted(), DecodeOptions())


def test_tables_that_make_no_sense_are_not_believed_and_not_fatal(
    make: Callable[[str], Path],
) -> None:
    path = make("sound and text.mp4")
    data = path.read_bytes()
    header = data.index(b"mdat")
    rng = random.Random(16)
    for _ in range(300):
        mutant = bytearray(data[: header + 5000])
        for _ in range(rng.choice([1, 2, 8])):
            mutant[rng.randrange(8, header)] = rng.choice([0, 1, 127, 255, rng.randrange(256)])
        path.write_bytes(mutant)
        with open_video(path) as file:
            missing_of_mp4(file)  # neither an error nor a warning, which pytest makes one of


def with_box(data: bytes, name: bytes, content: bytes) -> bytes:
    """A file, the first box of a name in which holds other content of the same length."""
    start = data.index(name) + 4
    return data[:start] + content + data[start + len(content) :]


def test_a_count_that_no_file_can_hold_is_not_believed(make: Callable[[str], Path]) -> None:
    path = make("text.mp4")
    data = path.read_bytes()
    path.write_bytes(with_box(data[:-5000], b"stsz", b"\0" * 8 + b"\xff" * 4))
    with open_video(path) as file:
        assert missing_of_mp4(file) is None


def test_pictures_of_one_size_are_counted_too(make: Callable[[str], Path]) -> None:
    path = make("raw.mov")
    data = path.read_bytes()
    picture = 96 * 64 * 3
    for size, missing in ((len(data), False), (len(data) - 1, True), (len(data) - picture, True)):
        path.write_bytes(data[:size])
        for read in (by_av, by_ffmpeg):
            assert frames_of(read, path, DecodeOptions()) == (None if missing else FRAMES)


def test_a_fragment_index_that_names_more_than_there_is_refuses_the_file(
    make: Callable[[str], Path],
) -> None:
    path = make("indexed fragments.mp4")
    data = path.read_bytes()
    boundary = data.rindex(b"moof") - 4
    path.write_bytes(data[:boundary])
    for read in (by_av, by_ffmpeg):
        with pytest.raises(VideoError, match="the file is cut") as caught:
            read(path, Counted(), DecodeOptions())
        assert caught.value.reason == "damaged"


def test_a_fragmented_file_may_have_a_damaged_end_behind_its_pictures(
    make: Callable[[str], Path],
) -> None:
    path = make("fragments.mp4")
    data = path.read_bytes()
    end = data.rindex(b"mfra") - 4
    for size in (end, end + 20):
        path.write_bytes(data[:size])
        for read in (by_av, by_ffmpeg):
            assert frames_of(read, path, DecodeOptions()) == FRAMES


def test_an_mp4_of_64_bit_sizes_and_offsets_is_read(make: Callable[[str], Path]) -> None:
    path = make("plain.mp4")
    data = path.read_bytes()
    table = data.index(b"stco") - 4
    size, count = (int.from_bytes(data[at : at + 4], "big") for at in (table, table + 12))
    # moov is in front: wider offsets move what they point to, as does a longer header of mdat
    moved = 4 * count + 8
    offsets = [
        int.from_bytes(data[at : at + 4], "big") for at in range(table + 16, table + size, 4)
    ]
    wide = b"".join((offset + moved).to_bytes(8, "big") for offset in offsets)
    box = (size + 4 * count).to_bytes(4, "big") + b"co64" + data[table + 8 : table + 16] + wide
    head = bytearray(data[:table] + box + data[table + size :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = head.index(name) - 4
        grown = int.from_bytes(head[at : at + 4], "big") + 4 * count
        head[at : at + 4] = grown.to_bytes(4, "big")
    mdat = head.index(b"mdat") - 4
    long = (int.from_bytes(head[mdat : mdat + 4], "big") + 8).to_bytes(8, "big")
    path.write_bytes(head[:mdat] + b"\0\0\0\1mdat" + long + head[mdat + 8 :])
    for read in (by_av, by_ffmpeg):
        assert frames_of(read, path, DecodeOptions()) == FRAMES
    path.write_bytes(path.read_bytes()[:-1])
    with open_video(path) as file:
        assert "bytes of the" in (missing_of_mp4(file) or "")
