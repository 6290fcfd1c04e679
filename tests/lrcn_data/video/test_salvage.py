"""What --salvage keeps of recordings that begin between keyframes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path

import pytest

from lrcn_data.errors import VideoError
from lrcn_data.making.make_shards import make_shards
from lrcn_data.pixels import RGB
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.timeline import Timeline
from tests.lrcn_data.read_path import by_av

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

FRAMES, KEYFRAME = 50, 20
"""The number of frames of a whole video, and the number of its second keyframe."""

TS_PACKET = 188
"""The number of bytes of a packet of MPEG-TS."""

CODECS = {
    "h264": "-c:v libx264 -bf 2 -x264-params keyint=20:min-keyint=20:scenecut=0",
    "h264 with open groups": "-c:v libx264 -bf 2 -x264-params "
    "keyint=20:min-keyint=20:scenecut=0:open-gop=1:bframes=3:b-adapt=0",
    "hevc": "-c:v libx265 -x265-params log-level=none:keyint=20:min-keyint=20:scenecut=0",
    "vp9": "-c:v libvpx-vp9 -g 20 -deadline realtime -cpu-used 8",
}


class Everything:
    """Wants every frame, and keeps its time in seconds and a hash of its pixels."""

    def choose(self, timeline: Timeline) -> Collection[int]:
        self.times = [round(timeline.seconds(i), 3) for i in range(len(timeline.times))]
        self.hashes: list[str] = []
        return range(len(timeline.times))

    def take(self, frame: int, rgb: RGB) -> None:
        self.hashes.append(hashlib.sha256(rgb.tobytes()).hexdigest())


def run_ffmpeg(*arguments: str | Path) -> None:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-y", "-loglevel", "error", *arguments], check=True)


def write_whole(path: Path, codec: str) -> Path:
    source = f"testsrc2=s=96x64:r=25:d={FRAMES / 25}"
    run_ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", *CODECS[codec].split(), path)
    return path


def drop(whole: Path, which: str) -> Path:
    """Copy a video without some packets, chosen by an expression of their numbers n."""
    begun = whole.with_stem("begun")
    run_ffmpeg("-i", whole, "-c", "copy", "-copyinkf", "-bsf:v", f"noise=drop='{which}'", begun)
    return begun


@pytest.mark.parametrize(
    ("codec", "ending"),
    [
        ("h264", "ts"),
        ("h264 with open groups", "ts"),
        ("hevc", "ts"),
        ("hevc", "mp4"),
        ("vp9", "webm"),
    ],
)
def test_salvage_keeps_a_recording_from_its_first_keyframe_on(
    tmp_path: Path, codec: str, ending: str
) -> None:
    whole = write_whole(tmp_path / f"whole.{ending}", codec)
    begun = drop(whole, "lt(n,5)")
    expected, found = Everything(), Everything()
    by_av(whole, expected, DecodeOptions())
    with pytest.raises(VideoError) as caught:
        by_av(begun, Everything(), DecodeOptions())
    assert caught.value.reason == "damaged"
    decoded = by_av(begun, found, DecodeOptions(salvage=True))
    assert found.hashes == expected.hashes[KEYFRAME:]
    assert found.times == expected.times[: FRAMES - KEYFRAME]
    assert decoded.damage is not None
    assert decoded.damage.detail == caught.value.detail


@pytest.mark.parametrize("salvage", [False, True])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_pictures_that_the_decoder_itself_leaves_out_are_no_damage(
    tmp_path: Path, ending: str, salvage: bool
) -> None:
    whole = write_whole(tmp_path / f"whole.{ending}", "h264")
    expected, found = Everything(), Everything()
    by_av(whole, expected, DecodeOptions())
    decoded = by_av(drop(whole, "lt(n,5)"), found, DecodeOptions(salvage=salvage))
    assert found.hashes == expected.hashes[KEYFRAME:]
    assert decoded.damage is None


def test_what_is_damaged_later_on_is_left_out_as_well(tmp_path: Path) -> None:
    whole = write_whole(tmp_path / "whole.ts", "h264")
    begun, expected, found = drop(whole, "lt(n,5)"), Everything(), Everything()
    by_av(whole, expected, DecodeOptions())
    data = begun.read_bytes()
    offsets = range(0, len(data), TS_PACKET)
    # those of the first stream that don't begin a picture
    inside = [at for at in offsets if data[at + 1] == 1 and data[at + 2] == 0]
    gap = inside[len(inside) * 3 // 4]
    begun.write_bytes(data[:gap] + data[gap + TS_PACKET :])
    by_av(begun, found, DecodeOptions(salvage=True))
    assert 5 < len(found.hashes) < FRAMES - KEYFRAME
    assert found.hashes == expected.hashes[KEYFRAME:][: len(found.hashes)]


def test_the_clips_of_such_a_recording_are_marked_and_its_damage_is_recorded(
    tmp_path: Path,
) -> None:
    whole = write_whole(tmp_path / "whole.ts", "h264")
    (tmp_path / "train.txt").write_text(f"{whole.name} a\n{drop(whole, 'lt(n,5)').name} b\n")
    out = tmp_path / "shards"
    result = make_shards(
        out,
        train=tmp_path / "train.txt",
        root=tmp_path,
        seq_len=4,
        salvage=True,
        max_bad_fraction=1,
        workers=1,
    )
    assert (result.failed, result.partial) == (0, 1)
    with tarfile.open(next(out.glob("*.tar"))) as tar:
        members = [tar.extractfile(name) for name in tar.getnames() if name.endswith(".json")]
        records = [json.loads(member.read()) for member in members if member]
    assert {record["video"]: record["salvaged"] for record in records} == {
        "whole.ts": False,
        "begun.ts": True,
    }
    [rejected] = map(json.loads, (out / "rejected.jsonl").read_text().splitlines())
    assert (rejected["path"], rejected["reason"]) == ("begun.ts", "partial")


def test_without_a_keyframe_nothing_is_salvaged(tmp_path: Path) -> None:
    begun = drop(write_whole(tmp_path / "whole.ts", "h264"), "lt(n,5)+gte(n,18)")
    with pytest.raises(VideoError) as caught:
        by_av(begun, Everything(), DecodeOptions(salvage=True))
    assert caught.value.reason == "damaged"
