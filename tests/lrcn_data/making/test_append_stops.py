"""Appends that fail or are killed at every single change that they make, and what readers see."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.verify import verify
from lrcn_data.storage.folder import Folder
from tests.lrcn_data.making.append_videos import FIRST, LATER, Videos, samples_of


@dataclass
class Left:
    """How many more changes succeed; shared by a folder and what is inside it."""

    changes: int

    def count(self) -> None:
        if self.changes <= 0:
            raise OSError(5, "the disk has gone")
        self.changes -= 1


class FailingFolder(DataSetFolder):
    """A folder in which a number of changes succeed, and all later ones fail."""

    def __init__(self, location: str | Path, left: Left) -> None:
        super().__init__(location)
        self.left = left

    @property
    def staged(self) -> DataSetFolder:
        return FailingFolder(super().staged.location, self.left)

    def put(self, name: str, temporary: Path) -> None:
        self.left.count()
        super().put(name, temporary)

    def write(self, name: str, data: bytes) -> None:
        self.left.count()
        super().write(name, data)

    def move(self, name: str, to: Folder) -> None:
        self.left.count()
        super().move(name, to)

    def remove(self) -> None:
        self.left.count()
        super().remove()

    def delete(self, name: str) -> None:
        self.left.count()
        super().delete(name)

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        self.left.count()
        with super().create(name) as file:
            yield file


@pytest.fixture(scope="module")
def stopped(files: Path, first: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A data set for each change at which an append to it can be stopped, in order."""
    videos = Videos(files)
    videos.list(LATER)
    folder, found = tmp_path_factory.mktemp("stopped"), []
    for changes in range(1000):
        out = folder / f"at {changes}"
        shutil.copytree(first, out)
        try:
            videos.append(FailingFolder(out, Left(changes)))
        except LrcnError:
            found.append(out)
        else:
            break
    assert len(found) > 30
    return found


@pytest.fixture
def whole(videos: Videos) -> dict[str, str]:
    """The tree of the data set `whole`, an append to which was never stopped."""
    shutil.copytree(videos.root / "shards", videos.root / "whole")
    videos.append("whole")
    return videos.tree("whole")


def again(videos: Videos, stopped: Path, name: str = "") -> str:
    """A copy of a data set among the videos, to go on with, under its own name or another one."""
    name = name or stopped.name
    shutil.copytree(stopped, videos.root / name)
    return name


def test_an_append_that_was_stopped_anywhere_ends_as_one_that_never_was(
    videos: Videos, stopped: list[Path], whole: dict[str, str]
) -> None:
    for out in stopped:
        name = again(videos, out)
        was_there = bool(videos.manifest(name).appends)
        assert videos.append(name).appended == (0 if was_there else 4)
        assert videos.tree(name) == whole, out


@pytest.mark.usefixtures("whole")
def test_whoever_reads_meanwhile_finds_the_old_data_set_or_the_new_one(
    videos: Videos, stopped: list[Path]
) -> None:
    opened = open_data_set(videos.root / "shards")
    before = samples_of(opened)
    mean = open_data_set(videos.root / "shards", split="train").pixel_sums()[32, 24]
    after = samples_of(open_data_set(videos.root / "whole"))
    new_mean = open_data_set(videos.root / "whole", split="train").pixel_sums()[32, 24]
    seen = []
    for out in stopped:
        found = samples_of(open_data_set(out))
        is_new = found.keys() == after.keys()
        assert is_new or found.keys() == before.keys()
        sums = open_data_set(out, split="train").pixel_sums()[32, 24]
        wanted = new_mean if is_new else mean
        assert sums[1] == wanted[1]
        np.testing.assert_array_equal(sums[0], wanted[0])
        seen.append(is_new)
    assert seen == sorted(seen)
    assert True in seen


def test_a_data_set_that_was_opened_before_can_be_read_on(videos: Videos) -> None:
    import pickle

    opened = open_data_set(videos.root / "shards")
    before = samples_of(opened)
    videos.append()
    assert samples_of(opened).keys() == before.keys()
    # as a process that reads for a training gets it, which opens the indices again
    assert samples_of(pickle.loads(pickle.dumps(opened))).keys() == before.keys()
    with pytest.raises(ShardError, match="if videos were just appended, open the data set again"):
        opened.pixel_sums()


def test_a_glob_names_the_old_shards_until_the_new_ones_move_in(stopped: list[Path]) -> None:
    counts, said = set(), set()
    for out in stopped:
        try:
            counts.add(len(open_data_set(out / "train-*.tar").shards))
        except ShardError as error:
            said.add(re.sub(r"\S*train", "train", str(error)).partition(" yet, ")[2])
    assert counts == {3, 5}
    assert said == {
        "as an append moves in; try again, or run the same `lrcn-data shard --append` command again"
        " if it was stopped"
    }


def test_verify_has_nothing_against_an_append_that_is_still_made_and_tells_of_one_half_moved_in(
    stopped: list[Path],
) -> None:
    said = {str([str(fault) for fault in verify(out)][:1]) for out in stopped}
    assert said == {
        "[]",
        "['.append: an append was stopped while it moved in; run the same `lrcn-data shard"
        " --append` command again, which moves the rest']",
    }


def test_without_append_an_unfinished_one_is_told_and_a_half_moved_one_is_ended(
    videos: Videos, stopped: list[Path], whole: dict[str, str]
) -> None:
    said = []
    for out in stopped[::2]:
        name = again(videos, out)
        videos.list(FIRST)
        try:
            videos.make(name)
        except LrcnError as error:
            said.append(str(error))
        videos.list(LATER)
        videos.append(name)
        assert videos.tree(name) == whole
    told = ["run the same command with --append to finish it" in text for text in said]
    ended = ["stand in no list any more: class" in text for text in said]
    assert told == sorted(told, reverse=True)
    assert ended == [not one for one in told]
    assert 5 < sum(told) < len(said) - 5


def test_an_unfinished_append_of_other_lists_is_replaced_by_overwrite_alone(videos: Videos) -> None:
    shutil.copytree(videos.root / "shards", videos.root / "whole")
    fewer = {**LATER, "train": [*LATER["train"][:-2], "class0/short.mp4"]}
    videos.list(fewer)
    videos.append("whole")
    expected = videos.tree("whole")
    videos.list(LATER)
    with pytest.raises(LrcnError):
        videos.append(FailingFolder(videos.root / "shards", Left(10)))
    videos.list(fewer)
    with pytest.raises(LrcnError, match="another append, which isn't finished: the train list has"):
        videos.append()
    videos.append(overwrite=True)
    assert videos.tree() == expected


def test_overwrite_replaces_all_that_was_appended(videos: Videos) -> None:
    videos.append()
    videos.make(quality=50, overwrite=True)
    videos.make("fresh", quality=50)
    assert videos.tree() == videos.tree("fresh")


KILLED = """
import os, signal, sys
from lrcn_data.storage.folder import Folder
from tests.lrcn_data.making.append_videos import Videos

left = int(sys.argv[2])

def counted(name):
    function = getattr(Folder, name)

    def call(*arguments, **values):
        global left
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return function(*arguments, **values)

    setattr(Folder, name, call)

for name in ("put", "write", "move", "remove", "delete", "create"):
    counted(name)
from pathlib import Path
Videos(Path(sys.argv[1])).append("killed")
"""


@pytest.mark.slow
def test_an_append_that_was_killed_anywhere_ends_as_one_that_never_was(
    videos: Videos, whole: dict[str, str]
) -> None:
    before = videos.tree()
    old_tars = {name: found for name, found in before.items() if name.endswith(".tar")}
    for changes in range(0, 1000, 3):
        shutil.copytree(videos.root / "shards", videos.root / "killed")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(videos.root), str(changes)],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            timeout=120,
        )
        assert done.returncode in (0, -9), done.stderr.decode()
        assert old_tars.items() <= videos.tree("killed").items()
        samples_of(open_data_set(videos.root / "killed"))
        videos.append("killed")
        assert videos.tree("killed") == whole, changes
        shutil.rmtree(videos.root / "killed")
        if done.returncode == 0:
            assert changes > 30
            return


def test_a_retry_of_appended_videos_that_fails_at_any_change_is_made_good_by_the_next(
    videos: Videos,
) -> None:
    bad = [videos.root / path for path in ("class0/v0.mp4", "class0/v6.mp4", "class0/v10.mp4")]
    good = [video.read_bytes() for video in bad]
    shutil.rmtree(videos.root / "shards")
    for out in ("whole", "shards"):
        videos.list(FIRST)
        videos.make(out, max_bad_fraction=1)
        videos.list(LATER)
        videos.append(out, max_bad_fraction=1)
        for video in bad:
            video.write_bytes(b"no video")
    for video, data in zip(bad, good, strict=True):
        video.write_bytes(data)
    for changes in range(1000):
        name = again(videos, videos.root / "shards", f"retried at {changes}")
        try:
            videos.make(FailingFolder(videos.root / name, Left(changes)), retry_failed=True)
        except LrcnError:
            videos.make(name, retry_failed=True)
            assert videos.tree(name) == videos.tree("whole"), changes
        else:
            assert changes > 15
            break
