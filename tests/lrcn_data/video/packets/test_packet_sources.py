"""The sources of packets, against one another and against what libavformat reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lrcn_data.errors import VideoError
from lrcn_data.video.avi_file import read_avi
from lrcn_data.video.container_av import OpenStream, VideoPacket, VideoSource, open_container
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import Limits
from lrcn_data.video.packets import packet_scan
from lrcn_data.video.packets.demuxed import DemuxedPackets
from lrcn_data.video.packets.indexed import IndexedPackets, indexed_packets
from lrcn_data.video.packets.kept import KeptPackets
from lrcn_data.video.packets.packet_plan import Group, PacketTable
from lrcn_data.video.packets.packet_scan import scan_packets
from lrcn_data.video.packets.packet_source import PacketSource
from lrcn_data.video.packets.stream_packets import StreamPackets
from lrcn_data.video.video_file import open_video

GROUPS = [Group(0, 1), Group(0, 40), Group(12, 20), Group(5, 5), Group(39, 40), Group(3, 4)]


@contextmanager
def opened(path: Path, *, frames: int = 1000, index: bool = True) -> Iterator[OpenStream]:
    options = DecodeOptions(limits=Limits(frames=frames))
    with open_video(path) as file:
        avi = read_avi(file)
        source = VideoSource(file, avi if index or not avi else replace(avi, chunks=None))
        with open_container(source, options) as container:
            yield OpenStream(source, container, options, [])


def seen(packets: Iterator[VideoPacket]) -> list[tuple[object, ...]]:
    return [(packet.pts, packet.dts, packet.duration, bytes(packet)) for packet in packets]


def scanned(stream: OpenStream) -> PacketSource:
    return scan_packets(stream, stream.demux())


@pytest.mark.parametrize("ending", ["avi", "mp4", "mkv"])
def test_packets_that_are_read_again_are_those_that_are_kept(
    write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path = write_video(f"v.{ending}", frames=40)
    with opened(path) as stream:
        kept = scanned(stream)
        assert isinstance(kept, KeptPackets)
        every = seen(kept.all())
        groups = [seen(kept.group(group)) for group in GROUPS]
    assert len(every) == 40
    assert groups == [every[group.start : group.stop] for group in GROUPS]
    monkeypatch.setattr(packet_scan, "_KEPT_BYTES", 500)
    with opened(path) as stream:
        demuxed = scanned(stream)
        assert isinstance(demuxed, DemuxedPackets)
        assert demuxed.table == kept.table
        assert seen(demuxed.all()) == every
        assert [seen(demuxed.group(group)) for group in GROUPS] == groups
        assert seen(demuxed.all()) == every


def test_indexed_packets_are_those_that_are_kept(write_video: Callable[..., Path]) -> None:
    path = write_video("v.avi", frames=40)
    with opened(path) as stream:
        indexed = indexed_packets(stream, next(stream.demux()))
        assert isinstance(indexed, IndexedPackets)
        with opened(path) as other:
            kept = scanned(other)
            assert indexed.table == kept.table
            assert seen(indexed.all()) == seen(kept.all())
            for group in GROUPS:
                assert seen(indexed.group(group)) == seen(kept.group(group))


def test_an_avi_whose_index_is_not_borne_out_has_its_packets_demuxed(
    write_video: Callable[..., Path],
) -> None:
    with opened(write_video("v.avi", frames=40), index=False) as stream:
        assert indexed_packets(stream, next(stream.demux())) is None


@pytest.mark.parametrize("kept_bytes", [0, 500, 1 << 30])
def test_a_table_is_the_same_whatever_is_kept(
    write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    path = write_video("v.mp4", frames=40, codec="libx264")
    with opened(path) as stream:
        expected = scanned(stream).table
    monkeypatch.setattr(packet_scan, "_KEPT_BYTES", kept_bytes)
    with opened(path) as stream:
        assert scanned(stream).table == expected
    assert len(expected) == 40


@pytest.mark.parametrize("kept_bytes", [0, 1 << 30])
@pytest.mark.parametrize("ending", ["avi", "mp4"])
def test_as_many_packets_as_are_allowed_are_read_and_no_more(
    write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, ending: str, kept_bytes: int
) -> None:
    monkeypatch.setattr(packet_scan, "_KEPT_BYTES", kept_bytes)
    path = write_video(f"v.{ending}", frames=40)
    with opened(path, frames=40, index=False) as stream:
        assert len(scanned(stream).table) == 40
    with opened(path, frames=39, index=False) as stream:
        packets = stream.demux()
        with pytest.raises(VideoError, match="more than 39 frames"):
            scan_packets(stream, packets)
        assert next(packets).size == 0  # only what flushes the decoder is left


def ffmpeg(*arguments: str) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *arguments]
    subprocess.run(command, check=True)


def table_of(path: Path, options: str) -> PacketTable:
    """The table of three seconds of a test picture, encoded with these options."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=3", "-pix_fmt", "yuv420p")
    ffmpeg(*source, *options.split(), str(path))
    with opened(path, index=False) as stream:
        return scanned(stream).table


def test_a_plain_stream_has_nothing_odd_about_it(tmp_path: Path) -> None:
    table = table_of(tmp_path / "v.mp4", "-c:v mpeg4 -g 25")
    assert table.entries == [0, 25, 50]
    assert (table.hidden, table.pictures) == (set(), [])
    assert not any((table.changes, table.corrupt, table.jumps, table.untimed))


def test_a_palette_changes_the_decoder(tmp_path: Path) -> None:
    assert table_of(tmp_path / "v.avi", "-pix_fmt pal8 -c:v rawvideo").changes


def test_pictures_that_an_edit_list_hides_are_known(tmp_path: Path) -> None:
    table_of(tmp_path / "v.mp4", "-c:v mpeg4 -g 20")
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "1.3", "-i", str(tmp_path / "v.mp4"), "-c", "copy", str(cut))
    with opened(cut) as stream:
        hidden = scanned(stream).table.hidden
    assert hidden == set(range(len(hidden)))
    assert hidden


def test_the_pictures_in_packets_without_pts_are_counted(tmp_path: Path) -> None:
    table = table_of(tmp_path / "v.avi", "-c:v mpeg4 -bf 2 -g 12 -tag:v XVID")
    assert table.pts[0] is None
    assert len(table.pictures) == len(table)
    assert {*table.pictures} == {1}


def test_a_bare_stream_has_no_times(tmp_path: Path) -> None:
    assert table_of(tmp_path / "v.m2v", "-c:v mpeg2video").untimed


def test_a_packet_that_the_container_marks_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "v.ts"
    assert not table_of(path, "-c:v mpeg2video").corrupt
    packets = path.read_bytes()
    middle = len(packets) // 2 // 188 * 188
    path.write_bytes(packets[:middle] + packets[middle + 188 :])
    with opened(path) as stream:
        assert scanned(stream).table.corrupt


def test_times_of_films_that_are_joined_are_put_right(tmp_path: Path) -> None:
    path = tmp_path / "v.ts"
    table = table_of(path, "-c:v mpeg2video")
    assert not table.jumps
    path.write_bytes(path.read_bytes() * 2)
    with opened(path) as stream:
        packets = StreamPackets(stream)
        assert packets.table.jumps
        assert len(packets.table) == 2 * len(table)
        handed_out = list(packets.all())
        assert [packet.pts for packet in handed_out] == packets.table.pts
        assert [packet.dts for packet in handed_out] == packets.table.dts
    assert packets.table.dts == sorted(packets.table.dts)  # type: ignore[type-var]
