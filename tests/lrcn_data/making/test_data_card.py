from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.format.manifest import Manifest
from lrcn_data.making.data_card import data_card

MakeDataSet = Callable[..., Path]


@pytest.fixture
def manifest(make_data_set: MakeDataSet) -> Manifest:
    folder = make_data_set(samples={"train": [3, 2], "val": [1], "test": [2]})
    return Manifest.from_json((folder / "dataset.json").read_bytes())


def front_matter(card: str) -> Any:
    yaml = pytest.importorskip("yaml")
    _, matter, body = card.split("---\n", 2)
    assert body.startswith("\n# ")
    return yaml.safe_load(matter)


def test_the_front_matter_names_the_files_of_each_split(manifest: Manifest) -> None:
    assert front_matter(data_card(manifest))["configs"] == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "train-*.tar"},
                {"split": "validation", "path": "val-*.tar"},
                {"split": "test", "path": "test-*.tar"},
            ],
        }
    ]


def test_empty_shards_are_left_out_of_the_front_matter(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [0, 2, 1], "test": [0]})
    manifest = Manifest.from_json((folder / "dataset.json").read_bytes())
    assert front_matter(data_card(manifest))["configs"][0]["data_files"] == [
        {"split": "train", "path": ["train-001.tar", "train-002.tar"]}
    ]


def test_the_card_counts_clips_by_split(manifest: Manifest) -> None:
    card = data_card(manifest)
    train = next(line for line in card.splitlines() if line.startswith("| train "))
    cells = [cell.strip() for cell in train.strip("|").split("|")]
    size = sum(shard.bytes for shard in manifest.shards if shard.split == "train")
    assert cells == ["train", "2", "6", "5", "20", f"{size:,}", "1", "0"]
    assert "8 clips of 3 classes" in card


def test_equal_manifests_have_equal_cards(manifest: Manifest) -> None:
    assert data_card(manifest) == data_card(Manifest.from_json(manifest.to_json()))


def test_odd_class_names_stay_on_their_lines(manifest: Manifest) -> None:
    names = ["a|b", "`x` <b>", "two\nlines \udce9"]
    card = data_card(dataclasses.replace(manifest, classes=names))
    lines = card.encode().decode().splitlines()
    assert lines[-3:] == ["    0 a|b", "    1 `x` <b>", "    2 two\\nlines \\udce9"]


def test_the_card_says_where_labels_are_in_time(
    make_data_set: MakeDataSet, manifest: Manifest
) -> None:
    folder = make_data_set("timed", labels_in_time=True, variable_length=True)
    card = data_card(Manifest.from_json((folder / "dataset.json").read_bytes()))
    assert "Labels are in time: `labels` in `KEY.json`" in card
    assert "Labels are in time" not in data_card(manifest)
    members = {one["name"]: one for one in front_matter(card)["dataset_info"]["features"]}
    assert {"name": "position", "dtype": "int64"} in members["json"]["struct"]
