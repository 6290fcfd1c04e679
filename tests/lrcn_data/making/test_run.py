"""Whole runs of `lrcn-data shard` on real, small videos: same bytes, resume, refusals."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.format.whole_sum import load_whole_sum
from lrcn_data.inspecting.verify import verify
from tests.commands import call
from tests.lrcn_data.conftest import encoded

SHARD = ["shard", "--classes", "classes.txt"]


def shard(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Make shards in this process."""
    return call("data", *SHARD, "--workers", "0", *arguments, folder=folder, code=code)


def shard_in_processes(
    folder: Path, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Make shards in a process of its own, which has workers."""
    done = subprocess.run(
        [sys.executable, "-m", "lrcn_cli.data", *SHARD, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done


def tree_hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest(folder: Path) -> Manifest:
    return Manifest.from_json((folder / "dataset.json").read_bytes())


def tar_hashes(folder: Path) -> list[str]:
    return [entry.sha256 for entry in manifest(folder).shards]


def test_one_and_three_workers_write_the_same_tree(video_lists: Path) -> None:
    shard_in_processes(video_lists, "--out", "one", "--workers", "1")
    shard_in_processes(video_lists, "--out", "three", "--workers", "3")
    shard(video_lists, "--out", "none")
    assert tree_hashes(video_lists / "one") == tree_hashes(video_lists / "none")
    assert tree_hashes(video_lists / "one") == tree_hashes(video_lists / "three")


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"])
def test_a_video_above_four_hours_is_read_where_it_may_last_as_long(
    video_lists: Path, write_video: Callable[..., Path], decoder: str
) -> None:
    write_video("class0/day.mp4", frames=12, fps=Fraction(1, 1800))
    (video_lists / "train.txt").write_text("class0/day.mp4 class0\nclass1/clip 1.mp4 class1\n")
    (video_lists / "test.txt").unlink()
    options = ["--decoder", decoder, "--max-bad-fraction", "1"]
    shard(video_lists, *options)
    refused = (video_lists / "shards/rejected.jsonl").read_text()
    assert "lasts 21600 s by its timestamps, the limit is 14400; --max-hours sets it" in refused
    shard(video_lists, *options, "--max-hours", "6", "--overwrite")
    assert not (video_lists / "shards/rejected.jsonl").read_text()
    assert manifest(video_lists / "shards").options["max_hours"] == "6"


def test_both_decoders_write_the_same_tars(video_lists: Path) -> None:
    for split in ("train", "test"):
        lines = (video_lists / f"{split}.txt").read_text().splitlines(keepends=True)
        (video_lists / f"{split}.txt").write_text("".join(lines[:6]))
    shard(video_lists, "--out", "av")
    shard(video_lists, "--out", "ffmpeg", "--decoder", "ffmpeg")
    assert tar_hashes(video_lists / "av") == tar_hashes(video_lists / "ffmpeg")


def test_ucf101s_official_files_are_taken_as_they_are(video_lists: Path) -> None:
    official = video_lists / "ucfTrainTestlist"
    official.mkdir()
    (official / "classInd.txt").write_bytes(b"1 class0\r\n2 class1\r\n")
    lines = (video_lists / "train.txt").read_text().splitlines()
    numbered = [f"{line.rpartition(' ')[0]} {int(line[-1]) + 1}\r\n" for line in lines]
    (official / "trainlist01.txt").write_text("".join(numbered), newline="")
    lines = (video_lists / "test.txt").read_text().splitlines()
    unlabelled = [f"{line.rpartition(' ')[0]}\r\n" for line in lines]
    (official / "testlist01.txt").write_text("".join(unlabelled), newline="")
    shard(video_lists, "--out", "own")
    lists = ["--train", "ucfTrainTestlist/trainlist01.txt"]
    lists += ["--test", "ucfTrainTestlist/testlist01.txt"]
    made = ["shard", *lists, "--out", "official", "--workers", "0"]
    call("data", *made, folder=video_lists)
    assert tar_hashes(video_lists / "official") == tar_hashes(video_lists / "own")


def test_the_order_of_a_list_does_not_matter(video_lists: Path) -> None:
    shard(video_lists, "--out", "first")
    lines = (video_lists / "train.txt").read_text().splitlines(keepends=True)
    (video_lists / "train.txt").write_text("".join(reversed(lines)))
    shard(video_lists, "--out", "second")
    assert tree_hashes(video_lists / "first") == tree_hashes(video_lists / "second")


def test_the_result_counts_everything(video_lists: Path) -> None:
    done = shard(video_lists, "--json")
    result = json.loads(done.stdout)
    assert (result["videos"], result["clips"], result["skipped"], result["failed"]) == (
        30,
        29,
        1,
        0,
    )
    entries = manifest(video_lists / "shards").shards
    assert [entry.file for entry in entries] == [
        "train-000.tar",
        "train-001.tar",
        "train-002.tar",
        "test-000.tar",
        "test-001.tar",
    ]
    assert sum(entry.bytes for entry in entries) == result["bytes"]
    [rejected] = (video_lists / "shards/rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected) == {
        "path": "class0/clip 4.mp4",
        "split": "train",
        "reason": "short",
        "detail": "3 frames at 5 fps (0.60 s), 8 are needed",
    }


def test_the_pixel_sums_are_those_of_the_frames(video_lists: Path) -> None:
    shard(video_lists, "--mean-size", "64x48", "--quality", "100")
    import tarfile

    import simplejpeg

    folder = video_lists / "shards"
    frames = []
    for entry in manifest(folder).shards:
        if entry.split == "train":
            with tarfile.open(folder / entry.file) as tar:
                for member in tar:
                    data = tar.extractfile(member)
                    if member.name.endswith(".jpg") and data is not None:
                        frames.append(simplejpeg.decode_jpeg(data.read()))
    pixel_sum, count = load_whole_sum(DataSetFolder(folder), canvas=(64, 48), channels=3)
    assert count == len(frames)
    mean = np.mean(frames, axis=0)
    assert np.abs(pixel_sum / len(frames) - mean).mean() < 1
    assert manifest(folder).mean_exact
    assert not list((folder / ".meta").glob("t*.npz"))


def test_a_second_run_has_nothing_to_do_and_changes_nothing(video_lists: Path) -> None:
    shard(video_lists)
    before = {path: path.stat().st_mtime_ns for path in (video_lists / "shards").glob("*.tar")}
    hashes = tree_hashes(video_lists / "shards")
    done = shard(video_lists)
    assert "30 of 30 videos were done before" in done.stderr
    assert tree_hashes(video_lists / "shards") == hashes
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of a train and a test video, beside them and their lists."""
    folder = tmp_path_factory.mktemp("small")
    for number, split in enumerate(("train", "test")):
        video = encoded(f"{split}.avi", frames=20, fps=Fraction(10), size=(64, 48), codec="mpeg4")
        (folder / f"{split}.avi").write_bytes(video)
        (folder / f"{split}.txt").write_text(f"{split}.avi class{number}\n")
    (folder / "classes.txt").write_text("class0\nclass1\n")
    shard(folder)
    return folder


@pytest.fixture
def small_set(made_once: Path, tmp_path: Path) -> Path:
    """A copy of that data set and what it was made of."""
    return Path(shutil.copytree(made_once, tmp_path / "small"))


def refused(folder: Path, *arguments: str, code: int = 1) -> str:
    """What is said of a run that doesn't come to its first video."""
    return shard(folder, *arguments, code=code).stderr


@pytest.mark.promise(13, "an option or a list changed between two runs into one folder")
@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--fps", "4"], "--fps was 5, is 4"),
        (["--seq-len", "6"], "--seq-len was 8, is 6"),
        (["--sampling", "center"], "--sampling was blocks, is center"),
        (["--clips", "2"], "--clips was 1, is 2"),
        (["--short", "pad"], "--short was skip, is pad"),
        (["--size", "32x24"], "--size was not given, is 32x24"),
        (["--mean-size", "32x24"], "the canvas of the pixel sums was 320x240, is 32x24"),
        (["--quality", "80"], "--quality was 90, is 80"),
        (["--seed", "1"], "--seed was 0, is 1"),
        (["--videos-per-shard", "5"], "--videos-per-shard was not given, is 5"),
        (["--check", "full"], "--check was auto, is full"),
        (["--max-hours", "0.5"], "--max-hours was not given, is 1/2"),
        (["--salvage"], "--salvage was not given, is given"),
        (["--allow-decoder", "asv1"], "--allow-decoder was not given, is asv1"),
        (["--allow-demuxer", "ea"], "--allow-demuxer was not given, is ea"),
        (["--decoder", "ffmpeg"], "decoder was av, is ffmpeg"),
        (["--sampling", "windows", "--stride", "3"], "--stride was not given, is 3"),
        (["--classes", "other.txt"], "the class names differ (2 before, 3 now)"),
        (["--train", "test.txt", "--test", "train.txt"], "the train list has other entries"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_changed_options_are_refused_by_name(small_set: Path, option: list[str], said: str) -> None:
    (small_set / "other.txt").write_text("class0\nclass1\nclass2\n")
    before = tree_hashes(small_set)
    error = refused(small_set, *option)
    assert said in error
    assert "--overwrite" in error
    assert tree_hashes(small_set) == before


@pytest.mark.promise(13, "another version of a tool between two runs into one folder")
@pytest.mark.parametrize("tool", ["av", "numpy", "pillow", "simplejpeg"])
def test_changed_tools_are_refused_by_name(small_set: Path, tool: str) -> None:
    path = small_set / "shards/dataset.json"
    written = json.loads(path.read_text())
    written["tools"][tool] = "0.1"
    path.write_text(json.dumps({**written, "fingerprint": "0" * 64}))
    assert f"{tool} was 0.1, is " in refused(small_set)


def test_overwrite_replaces_the_data_set_and_leaves_foreign_files(video_lists: Path) -> None:
    shard(video_lists)
    mine = ("mine.txt", "mine.tar", ".meta/mine.json", "train-777.tar", ".meta/train-777.json")
    for name in mine:
        (video_lists / "shards" / name).write_text("{}")
    shard(video_lists, "--videos-per-shard", "40", "--overwrite")
    names = {path.name for path in (video_lists / "shards").glob("*.t*")}
    assert names == {"mine.txt", "mine.tar", "train-777.tar", "test-000.tar", "train-000.tar"}
    assert all((video_lists / "shards" / name).read_text() == "{}" for name in mine)


@pytest.mark.parametrize("name", ["README.md", "train-000.tar", "rejected.jsonl"])
def test_files_that_no_manifest_names_are_not_replaced(small_set: Path, name: str) -> None:
    shutil.rmtree(small_set / "shards")
    (small_set / "shards").mkdir()
    (small_set / "shards" / name).write_text("mine")
    said = refused(small_set)
    assert f"shards has no dataset.json, but {name}, which would be replaced" in said
    assert (small_set / "shards" / name).read_text() == "mine"
    shard(small_set, "--overwrite")


def test_a_name_that_is_no_utf8_can_be_read_by_anybody(video_lists: Path) -> None:
    old = video_lists / "class0/clip 0.avi"
    old.rename(old.with_name(os.fsdecode(b"caf\xe9 0.avi")))
    lists = (video_lists / "train.txt").read_bytes().replace(b"clip 0.avi", b"caf\xe9 0.avi")
    (video_lists / "train.txt").write_bytes(lists)
    shard(video_lists)
    videos = set()
    for path in (video_lists / "shards").glob("train-*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    file = tar.extractfile(member)
                    assert file is not None
                    videos.add(json.loads(file.read())["video"])
    assert "class0/caf\\xe9 0.avi" in videos
    for video in videos:
        video.encode()


def test_a_limit_that_is_no_number_is_refused(video_lists: Path) -> None:
    said = refused(video_lists, "--max-bad-fraction", "nan", code=2)
    assert "--max-bad-fraction must be from 0 to 1, got nan" in said


def test_a_bad_video_is_rejected_with_its_reason_and_the_rest_is_kept(video_lists: Path) -> None:
    (video_lists / "class0/clip 0.avi").write_bytes(b"no video at all")
    whole = (video_lists / "class1/clip 1.mp4").read_bytes()
    (video_lists / "class1/clip 1.mp4").write_bytes(whole[: len(whole) // 2])
    done = shard_in_processes(video_lists, "--max-bad-fraction", "0.05", code=1)
    assert "2 of 30 videos failed (6.7%), above --max-bad-fraction 0.05" in done.stderr
    done = shard_in_processes(video_lists, "--json")
    result = json.loads(done.stdout)
    assert (result["clips"], result["skipped"], result["failed"]) == (27, 1, 2)
    lines = (video_lists / "shards/rejected.jsonl").read_text().splitlines()
    reasons = {record["path"]: record["reason"] for record in map(json.loads, lines)}
    assert reasons["class0/clip 0.avi"] == "not-a-video"


def test_retry_failed_reads_only_what_failed_again(video_lists: Path) -> None:
    video = video_lists / "class0/clip 0.avi"
    good = video.read_bytes()
    shard(video_lists, "--out", "good")
    video.write_bytes(b"no video")
    shard(video_lists)
    video.write_bytes(good)
    dry = json.loads(shard(video_lists, "--retry-failed", "--dry-run", "--json").stdout)
    assert (dry["shards_left"], dry["videos_left"]) == (1, 1)
    result = json.loads(shard_in_processes(video_lists, "--retry-failed", "--json").stdout)
    assert (result["shards_done"], result["videos_done"], result["failed"]) == (1, 1, 0)
    assert tree_hashes(video_lists / "good") == tree_hashes(video_lists / "shards")


def test_retry_failed_reads_a_whole_shard_again_that_is_no_longer_what_was_written(
    video_lists: Path,
) -> None:
    video = video_lists / "class0/clip 0.avi"
    good = video.read_bytes()
    video.write_bytes(b"no video")
    shard(video_lists)
    video.write_bytes(good)
    for tar in (video_lists / "shards").glob("train-*.tar"):
        data = bytearray(tar.read_bytes())
        data[len(data) // 2] ^= 1
        tar.write_bytes(data)
    result = json.loads(shard(video_lists, "--retry-failed", "--json").stdout)
    assert result["videos_done"] > 1
    assert result["failed"] == 0


def test_a_split_without_a_clip_is_an_error(video_lists: Path) -> None:
    (video_lists / "test.txt").write_text("class0/clip 4.mp4 class0\n")
    (video_lists / "train.txt").write_text("class0/clip 0.avi class0\n")
    done = shard(video_lists, code=1)
    assert "no video of the test list gave a clip" in done.stderr
    assert not manifest(video_lists / "shards").complete


def test_samples_that_do_not_fit_into_a_tar_go_into_another_one(video_lists: Path) -> None:
    most = 60_000
    options = ("--sampling", "windows", "--seq-len", "4", "--stride", "2")
    shard(video_lists, *options, "--out", "whole")
    shard(video_lists, *options, "--out", "one", "--shard-bytes", str(most))
    three = ("--out", "three", "--shard-bytes", "60KB", "--workers", "3")
    shard_in_processes(video_lists, *options, *three)
    assert tree_hashes(video_lists / "one") == tree_hashes(video_lists / "three")
    made = manifest(video_lists / "one")
    assert made.requires == ["parts"]
    assert made.options["shard_bytes"] == most
    files = [entry.file for entry in made.shards]
    assert files[:3] == ["train-000.tar", "train-000-1.tar", "train-000-2.tar"]
    assert all(entry.bytes <= most or entry.samples == 1 for entry in made.shards)
    assert max(entry.samples for entry in made.shards) > 1
    assert list(verify(str(video_lists / "one"), deep=True, inputs=video_lists)) == []

    whole, parts = open_data_set(video_lists / "whole"), open_data_set(video_lists / "one")
    assert len(whole) == len(parts)
    for number in range(len(whole)):
        one, other = whole.read_sample(number), parts.read_sample(number)
        assert (one.record, one.source) == (other.record, other.source)
        assert one.frames == other.frames
    (one_sum,), (other_sum,) = whole.pixel_sums().values(), parts.pixel_sums().values()
    assert np.array_equal(one_sum[0], other_sum[0])


def test_failed_videos_of_a_shard_of_several_tars_are_tried_again(video_lists: Path) -> None:
    options = ("--sampling", "windows", "--seq-len", "4", "--shard-bytes", "60KB")
    shard(video_lists, *options, "--out", "good")
    videos = [video_lists / "class0/clip 0.avi", video_lists / "class1/clip 7.mp4"]
    good = [video.read_bytes() for video in videos]
    for video in videos:
        video.write_bytes(b"no video")
    shard(video_lists, *options)
    for video, data in zip(videos, good, strict=True):
        video.write_bytes(data)
    result = json.loads(shard(video_lists, *options, "--retry-failed", "--json").stdout)
    assert result["videos_done"] == len(videos)
    assert tree_hashes(video_lists / "good") == tree_hashes(video_lists / "shards")
