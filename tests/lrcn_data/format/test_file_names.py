from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data.format.file_names import ShardPaths, shard_name


@pytest.mark.parametrize(
    ("number", "count", "name"),
    [
        (0, 1, "train-000"),
        (99, 100, "train-099"),
        (999, 1000, "train-999"),
        (0, 1001, "train-0000"),
        (12, 20_000, "train-00012"),
    ],
)
def test_a_shards_number_has_three_digits_or_as_many_as_the_last_one_needs(
    number: int, count: int, name: str
) -> None:
    assert shard_name("train", number, count) == name


def test_what_is_about_a_shard_lies_in_meta() -> None:
    paths = ShardPaths(Path("shards"), "test-001")
    files = [paths.tar, paths.record, paths.index, paths.arrays]
    assert [str(path) for path in files] == [
        "shards/test-001.tar",
        *(f"shards/.meta/test-001.{ending}" for ending in ("json", "idx", "npz")),
    ]
