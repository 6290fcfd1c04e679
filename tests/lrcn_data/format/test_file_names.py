from __future__ import annotations

import pytest

from lrcn_data.format.file_names import (
    ShardFiles,
    first_part,
    is_further_part,
    part_name,
    shard_name,
)


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
    files = ShardFiles.of("test-001.tar")
    assert [files.name, files.tar] == ["test-001", "test-001.tar"]
    assert [files.record, files.dali_index, files.arrays] == [
        f".meta/test-001.{ending}" for ending in ("json", "idx", "npz")
    ]


@pytest.mark.parametrize("shard", ["train-000", "val-00012"])
@pytest.mark.parametrize("part", [0, 1, 12])
def test_the_shard_that_a_tar_is_a_part_of_can_be_told_by_its_name(shard: str, part: int) -> None:
    tar = ShardFiles(part_name(shard, part)).tar
    assert first_part(tar) == shard
    assert is_further_part(tar) == (part > 0)
