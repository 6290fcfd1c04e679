"""Runs that fail at every single file that they would write, and are then done again: same tree."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.verify import verify
from lrcn_data.lists.read_lists import Lists, read_lists
from lrcn_data.making import finish
from lrcn_data.making.run import RunResult, write_data_set
from lrcn_data.making.run_options import RunOptions
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.clip_options import ClipOptions

WriteVideo = Callable[..., Path]
OPTIONS = ShardOptions(
    clip=ClipOptions(sampling=Blocks(seq_len=4)), mean_size=(32, 24), videos_per_shard=2
)


class FailingFolder(DataSetFolder):
    """A folder in which a number of changes succeed, and all later ones fail."""

    def __init__(self, location: Path, changes: int) -> None:
        super().__init__(location)
        self.left = changes

    def _count(self) -> None:
        if self.left <= 0:
            raise OSError(5, "the disk has gone")
        self.left -= 1

    def put(self, name: str, temporary: Path) -> None:
        self._count()
        super().put(name, temporary)

    def write(self, name: str, data: bytes) -> None:
        self._count()
        super().write(name, data)

    def delete(self, name: str) -> None:
        self._count()
        super().delete(name)

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        self._count()
        with super().create(name) as file:
            yield file


@pytest.fixture
def lists(tmp_path: Path, write_video: WriteVideo) -> Lists:
    """Six train and two test videos."""
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(8):
        write_video(f"class{number % 2}/v{number}.mp4", frames=10 + number)
        split = "train" if number < 6 else "test"
        lines[split].append(f"class{number % 2}/v{number}.mp4 class{number % 2}\n")
    for split, text in lines.items():
        (tmp_path / f"{split}.txt").write_text("".join(text))
    paths = {split: tmp_path / f"{split}.txt" for split in lines}
    return read_lists(paths, root=tmp_path)


def make(lists: Lists, root: Path, folder: DataSetFolder, **run: Any) -> RunResult:
    return write_data_set(
        lists,
        OPTIONS,
        RunOptions(workers=0, **run),
        root=root,
        folder=folder,
        on_start=lambda videos, left: None,
        on_video=lambda report: None,
    )


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fail_at_each_change(
    lists: Lists, root: Path, start: Callable[[Path], None], expected: dict[str, str], **run: Any
) -> int:
    """Have a run fail at each of its changes in turn, then do it again; gives their number."""
    for changes in range(1000):
        folder = root / f"failed at {changes}"
        start(folder)
        try:
            make(lists, root, FailingFolder(folder, changes), **run)
        except LrcnError:
            make(lists, root, DataSetFolder(folder), **run)
            assert tree(folder) == expected, changes
        else:
            return changes
    raise AssertionError("it never ends")


def nothing(folder: Path) -> None:
    pass


def test_a_run_that_fails_at_any_change_is_made_good_by_the_next(
    lists: Lists, tmp_path: Path
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))
    assert fail_at_each_change(lists, tmp_path, nothing, tree(tmp_path / "whole")) > 20


def test_a_retry_that_fails_at_any_change_is_made_good_by_the_next(
    lists: Lists, tmp_path: Path
) -> None:
    videos = [tmp_path / "class0/v0.mp4", tmp_path / "class1/v3.mp4", tmp_path / "class0/v6.mp4"]
    good = [video.read_bytes() for video in videos]
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))

    def start(folder: Path) -> None:
        for video in videos:
            video.write_bytes(b"no video")
        make(lists, tmp_path, DataSetFolder(folder))
        for video, data in zip(videos, good, strict=True):
            video.write_bytes(data)

    expected = tree(tmp_path / "whole")
    assert fail_at_each_change(lists, tmp_path, start, expected, retry_failed=True) > 15


def test_one_that_is_made_good_bit_by_bit_is_the_same(lists: Lists, tmp_path: Path) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))
    videos = [tmp_path / f"class{n % 2}/v{n}.mp4" for n in range(6)]
    good = [video.read_bytes() for video in videos]
    for video in videos[1:]:
        video.write_bytes(b"no video")
    make(lists, tmp_path, DataSetFolder(tmp_path / "bit by bit"))
    for video, data in zip(videos, good, strict=True):
        video.write_bytes(data)
        make(lists, tmp_path, DataSetFolder(tmp_path / "bit by bit"), retry_failed=True)
        assert list(verify(str(tmp_path / "bit by bit"), deep=True)) == []
    assert tree(tmp_path / "bit by bit") == tree(tmp_path / "whole")


def test_shards_that_may_still_change_keep_their_own_arrays(lists: Lists, tmp_path: Path) -> None:
    (tmp_path / "class0/v0.mp4").write_bytes(b"no video")
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    assert len(list((tmp_path / "shards/.meta").glob("train-*.npz"))) == 1
    data_set = open_data_set(tmp_path / "shards", split="train")
    ((_, (pixel_sum, frames)),) = data_set.pixel_sums().items()
    assert frames == 5 * 4
    assert pixel_sum.max() <= 255 * frames
    assert list(verify(str(tmp_path / "shards"), deep=True)) == []


def make_in_older_form(lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the data set `older`, in which each shard keeps the index and the sums of its own."""
    with monkeypatch.context() as older:
        older.setattr(finish, "write_whole", lambda *args, **options: None)
        older.setattr(finish, "remove_parts", lambda *args: None)
        make(lists, tmp_path, DataSetFolder(tmp_path / "older"))


def test_a_data_set_of_the_older_form_is_read_and_brought_into_todays(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))
    make_in_older_form(lists, tmp_path, monkeypatch)
    assert not (tmp_path / "older/.meta/train.npy").exists()
    older_set, whole = open_data_set(tmp_path / "older"), open_data_set(tmp_path / "whole")
    for one, other in zip(older_set.indices, whole.indices, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
    assert make(lists, tmp_path, DataSetFolder(tmp_path / "older")).videos_done == 0
    assert tree(tmp_path / "older") == tree(tmp_path / "whole")


def test_a_shard_that_was_summed_and_comes_out_otherwise_is_refused(
    lists: Lists, tmp_path: Path, write_video: WriteVideo
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    (tmp_path / "shards/train-000.tar").unlink()
    for number in range(6):
        write_video(f"class{number % 2}/v{number}.mp4", frames=20 + number)
    with pytest.raises(LrcnError, match=r"written anew with other bytes.*use another --out"):
        make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))


def test_a_shard_that_was_lost_is_made_again_and_not_added_twice(
    lists: Lists, tmp_path: Path
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    before = tree(tmp_path / "shards")
    (tmp_path / "shards/train-001.tar").unlink()
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    assert tree(tmp_path / "shards") == before


def test_files_of_the_same_content_in_two_splits_are_refused(lists: Lists, tmp_path: Path) -> None:
    (tmp_path / "class1/v7.mp4").write_bytes((tmp_path / "class1/v1.mp4").read_bytes())
    folder = DataSetFolder(tmp_path / "shards")
    with pytest.raises(
        LrcnError,
        match=r"class1/v7\.mp4 of test has the same content as class1/v1\.mp4 of train.*"
        "--allow-leakage",
    ):
        make(lists, tmp_path, folder)
    assert make(lists, tmp_path, folder, allow_leakage=True).shards_done == 0
    assert list(verify(str(tmp_path / "shards"))) == []


def test_only_ones_own_leftovers_are_removed(lists: Lists, tmp_path: Path) -> None:
    kept = [tmp_path / "shards" / name for name in ("other/mine.partial", "download.partial")]
    kept.append(tmp_path / "shards/inner/train-000.tar.123.partial")
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    left = tmp_path / "shards/train-000.tar.123.partial"
    left.touch()
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    assert all(path.exists() for path in kept)
    assert not left.exists()


@pytest.mark.parametrize("damage", ["delete", "garbage", "bit"])
@pytest.mark.parametrize("name", ["train.npy", "pixel_sum.npz"])
def test_what_stands_for_all_shards_is_made_good_where_it_is_lost_or_damaged(
    lists: Lists, tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "shards"
    make(lists, tmp_path, DataSetFolder(folder))
    expected, path = tree(folder), folder / ".meta" / name
    if damage == "delete":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"garbage")
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    result = make(lists, tmp_path, DataSetFolder(folder))
    assert tree(folder) == expected
    # an index is made from the tars; sums are of frames as they were before they were encoded
    assert result.videos_done == (0 if name == "train.npy" else 6)


def test_a_stale_meta_folder_of_another_data_set_is_no_dead_end(
    lists: Lists, tmp_path: Path
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))
    other = replace(OPTIONS, quality=50)
    making = DataSetFolder(tmp_path / "shards")
    write_data_set(
        lists,
        other,
        RunOptions(workers=0),
        root=tmp_path,
        folder=making,
        on_start=lambda videos, left: None,
        on_video=lambda report: None,
    )
    for path in (tmp_path / "shards").iterdir():
        if path.is_file():
            path.unlink()
    make(lists, tmp_path, making)
    assert tree(tmp_path / "shards") == tree(tmp_path / "whole")


def test_a_shard_without_clips_is_not_made_again(lists: Lists, tmp_path: Path) -> None:
    short = replace(OPTIONS, clip=ClipOptions(sampling=Blocks(seq_len=7)), videos_per_shard=1)
    results = [
        write_data_set(
            lists,
            short,
            RunOptions(workers=0),
            root=tmp_path,
            folder=DataSetFolder(tmp_path / "shards"),
            on_start=lambda videos, left: None,
            on_video=lambda report: None,
        )
        for _ in range(2)
    ]
    assert 0 < results[0].skipped < 6
    assert results[1].shards_done == 0


def test_an_index_made_from_the_tars_is_no_hindrance_to_a_retry(
    lists: Lists, tmp_path: Path
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))
    video = tmp_path / "class0/v0.mp4"
    good = video.read_bytes()
    video.write_bytes(b"no video")
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    (tmp_path / "shards/.meta/train.npy").unlink()
    assert list(rebuild_index(tmp_path / "shards")) == [".meta/train.npy"]
    video.write_bytes(good)
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"), retry_failed=True)
    assert tree(tmp_path / "shards") == tree(tmp_path / "whole")


def test_sums_of_decoded_frames_give_way_to_exact_ones(lists: Lists, tmp_path: Path) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    expected = tree(tmp_path / "shards")
    shutil.rmtree(tmp_path / "shards/.meta")
    list(rebuild_index(tmp_path / "shards"))
    assert tree(tmp_path / "shards") != expected
    make(lists, tmp_path, DataSetFolder(tmp_path / "shards"))
    assert tree(tmp_path / "shards") == expected


def test_the_inputs_of_an_older_data_set_are_known_from_its_records(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(lists, tmp_path, DataSetFolder(tmp_path / "whole"))
    make_in_older_form(lists, tmp_path, monkeypatch)
    for path in (tmp_path / "older/.meta").glob("*.npz"):
        arrays = dict(np.load(path))
        del arrays["source"]
        np.savez(path, **{**arrays, "crc32": arrays["crc32"].astype(np.uint32)})
    assert not open_data_set(tmp_path / "older").sources.any()
    make(lists, tmp_path, DataSetFolder(tmp_path / "older"))
    assert tree(tmp_path / "older") == tree(tmp_path / "whole")
