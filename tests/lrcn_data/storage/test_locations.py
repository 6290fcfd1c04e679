from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.storage import locations
from lrcn_data.storage.positioned_files import PositionedFiles


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("shards", "shards"),
        ("./shards/", "shards"),
        ("a/../b//c", "b/c"),
        ("", "."),
        ("file:///data/shards/", "/data/shards"),
        ("s3://bucket/shards/", "s3://bucket/shards"),
        ("simplecache::s3://bucket/a", "simplecache::s3://bucket/a"),
        (Path("a/b"), "a/b"),
    ],
)
def test_a_location_has_one_normal_form(given: str | Path, normal: str) -> None:
    assert locations.normal_location(given) == normal


@pytest.mark.parametrize("text", ["pipe:cat a.tar", "PIPE: ls", "simplecache::pipe:ls"])
def test_a_location_that_would_run_a_program_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="would run a program, which lrcn never does"):
        locations.normal_location(text)


@pytest.mark.parametrize(
    ("location", "is_url"),
    [("s3://b/a", True), ("simplecache::x", True), ("a:b", False), ("/a//b", False), ("", False)],
)
def test_a_url_is_told_from_a_path(location: str, is_url: bool) -> None:
    assert locations.is_url(location) is is_url


@given(
    st.sampled_from(["a", "/a/b", "s3://bucket/a"]),
    st.from_regex(r"[a-z0-9-]{1,9}\.tar", fullmatch=True),
)
def test_what_is_joined_can_be_split_again(folder: str, name: str) -> None:
    assert locations.split_location(locations.join(folder, name)) == (folder, name)


def test_a_bare_name_lies_in_the_current_folder() -> None:
    assert locations.split_location("a.tar") == (".", "a.tar")


def test_names_are_sorted_and_a_missing_folder_has_none(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    assert locations.list_names(str(tmp_path)) == ["a", "b", "c"]
    assert locations.list_names(str(tmp_path / "none")) == []
    assert locations.list_names(str(tmp_path / "a")) == []


def test_only_names_that_match_are_found(tmp_path: Path) -> None:
    for name in ("train-000.tar", "train-001.tar", "val-000.tar", "train-000.txt"):
        (tmp_path / name).touch()
    found = locations.matching(f"{tmp_path}/train-*.tar")
    assert found == [f"{tmp_path}/train-000.tar", f"{tmp_path}/train-001.tar"]


def test_the_size_of_a_file_is_known_and_that_of_none_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1234)
    assert locations.size_of(str(tmp_path / "a")) == 1234
    assert locations.size_of(str(tmp_path / "none")) is None
    assert locations.size_of(str(tmp_path / "a/below")) is None


def test_a_pipe_or_a_folder_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="it is no regular file"):
            locations.open_binary(str(tmp_path / name))
        with pytest.raises(ShardError, match="it is no regular file"):
            locations.size_of(str(tmp_path / name))


def test_a_file_that_is_too_large_to_describe_a_data_set_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate((1 << 28) + 1)  # sparse: it takes no room on the disk
    with pytest.raises(OSError, match="has more than 268,435,456 bytes"):
        locations.read_whole(str(tmp_path / "huge"))


@pytest.fixture
def memory_url() -> str:
    """The URL of a folder with the file a.bin of the bytes 0 to 99, in fsspec's memory."""
    url = "memory://locations-test"
    with fsspec.open(f"{url}/a.bin", "wb") as file:
        file.write(bytes(range(100)))
    return url


def test_a_url_is_read_like_a_path(memory_url: str) -> None:
    location = locations.join(memory_url, "a.bin")
    assert locations.is_folder(memory_url)
    assert locations.list_names(memory_url) == ["a.bin"]
    assert locations.size_of(location) == 100
    assert locations.size_of(locations.join(memory_url, "none")) is None
    assert locations.read_whole(location) == bytes(range(100))
    assert PositionedFiles().read(location, 40, 5) == bytes(range(40, 45))


@given(data=st.binary(max_size=200), offset=st.integers(0, 250), length=st.integers(0, 250))
def test_a_range_of_a_file_is_that_slice_of_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, offset: int, length: int
) -> None:
    path = tmp_path_factory.mktemp("range") / "a"
    path.write_bytes(data)
    assert PositionedFiles().read(str(path), offset, length) == data[offset : offset + length]


def open_files(folder: Path) -> int:
    """How many files of a folder this process has open."""
    links = Path("/proc/self/fd").iterdir()
    return sum(os.path.realpath(link).startswith(f"{folder}/") for link in links)


def test_no_more_files_are_kept_open_than_the_limit(tmp_path: Path) -> None:
    files = PositionedFiles(limit=3)
    for number in range(20):
        (tmp_path / str(number)).write_bytes(b"%d" % number)
        assert files.read(str(tmp_path / str(number)), 0, 9) == b"%d" % number
    assert open_files(tmp_path) == 3
    assert files.read(str(tmp_path / "0"), 0, 9) == b"0"


def test_files_may_be_pickled_and_shared_by_threads(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)))
    shared = pickle.loads(pickle.dumps(PositionedFiles(limit=2)))
    wrong: list[int] = []

    def read(start: int) -> None:
        for offset in range(start, 256, 8):
            if shared.read(str(tmp_path / "a"), offset, 1) != bytes([offset]):
                wrong.append(offset)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"none\.tar can't be read: .*No such file"):
        PositionedFiles().read(str(tmp_path / "none.tar"), 0, 1)
