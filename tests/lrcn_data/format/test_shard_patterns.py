"""What patterns stand for, against a shell's own expansion where there is one."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.shard_patterns import describe_names, expand_shards
from tests.yardstick import within


@pytest.mark.parametrize(
    "pattern",
    [
        "train-{000..012}.tar",
        "train-{8..11}.tar",
        "train-{08..11}.tar",
        "{train,test}-{000..002}.tar",
        "a{b}c.tar",
        "{train,test,val}.tar",
        "s{1..2}/x-{0..1}.tar",
    ],
)
def test_braces_expand_as_bash_expands_them(pattern: str) -> None:
    shell = subprocess.run(["bash", "-c", f"echo {pattern}"], capture_output=True, check=True)
    assert expand_shards(pattern) == shell.stdout.decode().split()


def test_angle_brackets_are_a_range() -> None:
    assert expand_shards("train-<009..011>.tar") == [
        f"train-{n}.tar" for n in ("009", "010", "011")
    ]


def test_a_name_given_twice_counts_once() -> None:
    assert expand_shards(["a.tar", "./a.tar", "{a,b}.tar"]) == ["a.tar", "b.tar"]


def test_a_name_with_braces_that_is_there_is_meant_literally(tmp_path: Path) -> None:
    path = tmp_path / "train-{000..099}.tar"
    path.touch()
    assert expand_shards(str(path)) == [str(path)]


def test_a_glob_gives_tars_in_order(tmp_path: Path) -> None:
    for name in ("b.tar", "a.tar", "c.tar.partial", "dataset.json"):
        (tmp_path / name).touch()
    assert expand_shards(tmp_path / "*") == [str(tmp_path / "a.tar"), str(tmp_path / "b.tar")]


def test_a_glob_that_matches_nothing_says_what_is_there(tmp_path: Path) -> None:
    for number in (*range(5), 7):
        (tmp_path / f"train-{number:03d}.tar").touch()
    with pytest.raises(ShardError, match=r"train-000\.tar to train-004\.tar, train-007\.tar"):
        expand_shards(tmp_path / "val-*.tar")


def test_a_glob_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="there is no folder"):
        expand_shards(tmp_path / "typo/*.tar")


@pytest.mark.parametrize(
    "bomb",
    [
        "x-{0..999999999}.tar",
        "x-{0..99999999999999999}.tar",
        "x-<0..999999999>.tar",
        "{0..9999}" * 8,
        "{a,b}" * 64,
    ],
)
def test_a_brace_bomb_is_refused_at_once(bomb: str) -> None:
    start = time.process_time()
    with pytest.raises(UsageError, match="name the folder instead"):
        expand_shards(bomb)
    assert within(time.process_time() - start, limit=1)


def test_a_glob_longer_than_any_path_is_refused() -> None:
    with pytest.raises(UsageError, match="has 10,004 characters"):
        expand_shards("[" * 10_000 + ".tar")


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(UsageError, match=r"5\.\.2 ends before it starts"):
        expand_shards("x-{5..2}.tar")


@pytest.mark.parametrize("pattern", ["pipe:touch x", "PIPE:cat x.tar", "simplecache::pipe:true"])
def test_a_pipe_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="would run a program"):
        expand_shards(pattern)


def test_no_pattern_is_refused() -> None:
    with pytest.raises(UsageError, match="no shards named"):
        expand_shards([])


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(UsageError, match="nosuch"):
        expand_shards("nosuch://bucket/*.tar")


def test_many_names_are_described_in_few_words() -> None:
    names = [f"{letter}.tar" for letter in "abcdefghij"]
    assert describe_names(names) == "a.tar, b.tar, c.tar, d.tar, e.tar, and 5 more"
    assert describe_names([]) == ""
