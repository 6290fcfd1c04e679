"""Making a data set from others may be stopped anywhere, and done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from lrcn_data import LrcnError, SubsetOptions, merge, open_data_set, subset, verify
from lrcn_data.storage.folder import Folder

MakeDataSet = Callable[..., Path]

STEPS = ("put", "write", "create", "delete")
"""The methods by which a folder's files change."""


class Stopped(BaseException):
    """What a kill is in these tests."""


def files_of(folder: Path) -> dict[str, str]:
    """The hash of each file of a data set."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def run_until(step: int, work: Callable[[], object]) -> bool:
    """Do some work until a folder has been changed so many times; say whether it was stopped."""
    done = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **values: Any) -> Any:
            nonlocal done
            done += 1
            if done > step:
                raise Stopped
            return method(*arguments, **values)

        return call

    patches = [patch.object(Folder, name, counted(getattr(Folder, name))) for name in STEPS]
    for one in patches:
        one.start()
    try:
        work()
    except Stopped:
        return True
    finally:
        for one in patches:
            one.stop()
    return False


@pytest.mark.parametrize("kind", ["merge", "subset"])
def test_wherever_it_is_stopped_the_same_command_ends_with_the_same_bytes(
    make_data_set: MakeDataSet, tmp_path: Path, kind: str
) -> None:
    sizes = {"train": [2], "test": [1]}
    one = make_data_set("a", samples=sizes)
    # summed up as decoded, so that the sums of shards are needed at the end
    other = make_data_set("b", samples=sizes, videos="other", sizes=((16, 16),))

    def work(out: Path) -> object:
        if kind == "merge":
            return merge([one, other], out, workers=1)
        return subset(
            tmp_path / "whole", out, SubsetOptions(per_class=1, whole=["test"]), workers=1
        )

    if kind == "subset":
        merge([one, other], tmp_path / "whole")
    work(tmp_path / "out")
    wanted = files_of(tmp_path / "out")
    assert list(verify(tmp_path / "out", deep=True)) == []
    stops = 0
    for step in range(100):
        out = tmp_path / f"out-{step}"
        if not run_until(step, lambda out=out: work(out)):
            break
        stops += 1
        if (out / "dataset.json").exists() and open_or_none(out) is not None:
            assert files_of(out).items() >= wanted.items()
        work(out)
        assert files_of(out) == wanted, step
    assert 10 < stops < 100


def open_or_none(folder: Path) -> object:
    try:
        return open_data_set(folder)
    except LrcnError:
        return None


def test_a_finished_one_is_left_as_it_is_and_a_lost_shard_is_made_again(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    two = [make_data_set("a"), make_data_set("b", videos="other", sizes=((16, 16),))]
    out = tmp_path / "out"
    left: list[int] = []
    merge(two, out, on_start=lambda _, count: left.append(count))
    wanted = files_of(out)
    merge(two, out, on_start=lambda _, count: left.append(count))
    assert (left, files_of(out)) == ([6, 0], wanted)
    (out / "train-003.tar").unlink()
    merge(two, out, on_start=lambda _, count: left.append(count))
    # the sums of the other shards that were decoded are needed again
    assert (left[2], files_of(out)) == (2, wanted)
