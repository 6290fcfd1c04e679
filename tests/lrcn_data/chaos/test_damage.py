"""Cut and mutated videos: never silently short, never the end of the run, the same every time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# reads videos as named on stdin and prints what it finds; it may die of one
READ = """
import hashlib, json, sys
from fractions import Fraction
from pathlib import Path

import av

from lrcn_data.video import decode_av, decode_ffmpeg
from lrcn_data.errors import VideoError
from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.video_file import open_video

decoder, check, repeats = sys.argv[1:]
read = {"av": decode_av, "ffmpeg": decode_ffmpeg}[decoder].read_video
options = DecodeOptions(check_full=check == "full", timeout=20)


class Wanted:
    def choose(self, timeline):
        self.hash = hashlib.sha256()
        self.frames = len(timeline.times)
        self.stream = list(FpsStream(timeline, Fraction(5)))
        return set(self.stream[::4])

    def take(self, frame, rgb):
        self.hash.update(f"{frame} {rgb.shape}".encode() + rgb.tobytes())


def hidden(path):  # pictures that an edit list hides, by the packets alone
    try:
        with av.open(path) as container:
            return sum(packet.is_discard for packet in container.demux(video=0))
    except av.FFmpegError:
        return -1  # another version of the library than the program that opened it


for line in sys.stdin:
    verdicts = []
    for _ in range(int(repeats)):
        wanted = Wanted()
        try:
            with open_video(Path(line.rstrip())) as file:
                read(file, wanted, options)
            verdicts.append([wanted.frames, len(wanted.stream), wanted.hash.hexdigest()])
            if wanted.frames < 40:
                verdicts[-1].append(hidden(line.rstrip()))
        except VideoError as error:
            verdicts.append(error.reason)
    print(json.dumps(verdicts), flush=True)
"""


def verdicts(paths: list[Path], decoder: str, check: str, repeats: int) -> list[list[Any]]:
    """What a decoder finds in each file, so many times; ["died", ...] where its process died."""
    found: list[list[Any]] = []
    while len(found) < len(paths):
        names = "".join(f"{path}\n" for path in paths[len(found) :])
        done = subprocess.run(
            [sys.executable, "-c", READ, decoder, check, str(repeats)],
            input=names,
            capture_output=True,
            text=True,
        )
        found += [json.loads(line) for line in done.stdout.splitlines()]
        if len(found) < len(paths):
            found.append([f"died with {done.returncode}: {done.stderr[-500:]}"])
    return found


def damaged(folder: Path, whole: dict[str, bytes], cuts: int, mutants: int) -> list[Path]:
    """Files cut at every so many percent, and files with some bytes changed."""
    rng = random.Random(6)
    paths = []

    def add(name: str, data: bytes) -> None:
        paths.append(folder / name)
        paths[-1].write_bytes(data)

    for ending, data in whole.items():
        for percent in range(1, 100, cuts):
            add(f"cut{percent}.{ending}", data[: len(data) * percent // 100])
    for number in range(mutants):
        ending = rng.choice(list(whole))
        data = bytearray(whole[ending])
        for _ in range(rng.choice([1, 1, 2, 4, 16, 64])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        add(f"mutant{number}.{ending}", bytes(data))
    return paths


MADE: dict[str, bytes] = {}
"""The undamaged files, made once: x264 does not give the same bytes on a busy machine."""


@pytest.fixture
def damaged_videos(
    tmp_path: Path, write_video: Callable[..., Path], count: Callable[[int, int], int]
) -> tuple[list[Path], dict[str, Any]]:
    """Damaged files of three containers, and what an undamaged one gives."""
    codecs = {"avi": "mpeg4", "mp4": "libx264", "mkv": "libx264"}
    paths = []
    for ending, codec in codecs.items():
        path = write_video(f"whole.{ending}", frames=40, codec=codec)
        path.write_bytes(MADE.setdefault(ending, path.read_bytes()))
        paths.append(path)
    whole = {
        path.suffix[1:]: verdict
        for path, (verdict,) in zip(paths, verdicts(paths, "av", "full", 1), strict=True)
    }
    assert all(verdict[:2] == [40, 20] for verdict in whole.values()), whole
    (tmp_path / "damaged").mkdir()
    return damaged(tmp_path / "damaged", MADE, count(9, 1), count(40, 2000)), whole


KNOWN: dict[tuple[str, str, str], Any] = {}
"""Verdicts of the test before, on the same files: the ffmpeg processes take minutes."""


def judge(
    tally: Any,
    paths: list[Path],
    found: list[list[Any]],
    whole: dict[str, Any],
    *,
    sees_packets: bool = True,
) -> dict[str, int]:
    """Count faults: deaths, differing repeats, accepted videos with frames missing.

    What limits.md says can't be mended is counted but doesn't fail the test: hidden frames, and
    skipped packets where a decoder doesn't tell how many there were.
    """
    seen = dict.fromkeys(
        (
            "refused",
            "accepted as the undamaged",
            "accepted, altered",
            "accepted, with frames hidden by a changed edit list or time table",
            "accepted, with packets that the decoder skipped",
        ),
        0,
    )
    for path, verdict in zip(paths, found, strict=True):
        first, sound = verdict[0], whole[path.suffix[1:]]
        fault = None
        if isinstance(first, str) and first.startswith("died"):
            fault = f"{path.name}: {first}"
        elif any(other != first for other in verdict):
            fault = f"{path.name}: three verdicts: {verdict}"
        elif isinstance(first, str):
            seen["refused"] += 1
        elif first[0] < sound[0] and (first[3] < 0 or first[0] + first[3] == sound[0]):
            seen["accepted, with frames hidden by a changed edit list or time table"] += 1
            tally.add(f"{path.name}: {first[3]} frames are hidden", known=True)
            continue
        elif first[0] < sound[0] and not sees_packets:
            seen["accepted, with packets that the decoder skipped"] += 1
            tally.add(f"{path.name}: {first[0]} frames", known=True)
            continue
        elif first[0] < sound[0]:
            fault = f"{path.name}: accepted with {first[0]} of {sound[0]} frames"
        else:
            seen["accepted as the undamaged" if first == sound else "accepted, altered"] += 1
        tally.add(fault)
    return seen


CASES = [
    pytest.param(
        decoder,
        check,
        marks=pytest.mark.promise(
            6,
            f"cuts of avi, mp4, mkv at every percent, and mutants; --decoder {decoder}"
            f" --check {check}, each {'three times' if decoder == 'av' else 'once'}",
        ),
        id=f"{decoder}-{check}",
    )
    for decoder, check in [("av", "auto"), ("av", "full"), ("ffmpeg", "full")]
]


@pytest.mark.slow
@pytest.mark.parametrize(("decoder", "check"), CASES)
def test_a_damaged_video_is_refused_or_whole_and_always_the_same(
    tally: Any,
    each: Callable[..., None],
    damaged_videos: tuple[list[Path], dict[str, Any]],
    decoder: str,
    check: str,
) -> None:
    paths, whole = damaged_videos
    repeats = 3 if decoder == "av" else 1
    halves = [paths[::2], paths[1::2]]
    seen: list[dict[str, int]] = []

    def half(number: int) -> None:
        found = verdicts(halves[number], decoder, check, repeats)
        KNOWN.update(
            ((decoder, check, path.name), verdict[0])
            for path, verdict in zip(halves[number], found, strict=True)
        )
        sees_packets = decoder == "av"
        seen.append(judge(tally, halves[number], found, whole, sees_packets=sees_packets))

    each(half, range(2))
    tally.note(", ".join(f"{sum(part[name] for part in seen)} {name}" for name in seen[0]))
    tally.check(len(paths))


@pytest.mark.slow
@pytest.mark.promise(6, "the same files: av and ffmpeg give the same verdict with --check full")
def test_both_decoders_give_the_same_verdict_of_damaged_videos(
    tally: Any,
    each: Callable[..., None],
    damaged_videos: tuple[list[Path], dict[str, Any]],
) -> None:
    paths, _ = damaged_videos

    def read(decoder: str) -> None:
        if (decoder, "full", paths[0].name) not in KNOWN:
            found = verdicts(paths, decoder, "full", 1)
            for path, verdict in zip(paths, found, strict=True):
                KNOWN[decoder, "full", path.name] = verdict[0]

    each(read, ["av", "ffmpeg"])
    for path in paths:
        ours, theirs = (KNOWN[decoder, "full", path.name] for decoder in ("av", "ffmpeg"))
        same = isinstance(ours, str) == isinstance(theirs, str)
        tally.add(None if same else f"{path.name}: av: {ours}, ffmpeg: {theirs}", known=True)
    assert tally.known < max(3, 0.03 * len(paths))
    tally.check(len(paths))


@pytest.mark.slow
@pytest.mark.promise(6, "the same files in runs of lrcn-data shard, which none of them ends")
@pytest.mark.parametrize("options", [[], ["--check", "full"], ["--salvage"]], ids=str)
def test_damaged_videos_do_not_end_a_run(
    runs: Any, tally: Any, damaged_videos: tuple[list[Path], dict[str, Any]], options: list[str]
) -> None:
    paths, _ = damaged_videos
    (runs.folder / "test.txt").unlink()
    lines = [f"{path.relative_to(runs.folder)} 0\n" for path in paths]
    (runs.folder / "train.txt").write_text("".join(lines))
    runs.arguments = ["--allow-one-class", "--workers", "2", "--max-bad-fraction", "1", *options]
    trees = []
    for out in ("first", "second"):
        code, said = runs.run("--out", out)
        assert code == 0, said
        trees.append(runs.tree(out))
    faults = [] if trees[0] == trees[1] else ["two runs differ"]
    rejected = (runs.folder / "first/rejected.jsonl").read_text().splitlines()
    for line in map(json.loads, rejected):
        if line["reason"] == "crashed" or not line["detail"]:
            faults.append(str(line))
    for number in range(len(paths)):
        tally.add(faults[number] if number < len(faults) else None)
    tally.check(len(paths))
