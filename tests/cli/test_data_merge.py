"""`lrcn-data merge` and `subset`: what they print, and what goes on with what they make."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lrcn_model import ShardDataset
from tests.commands import call

MakeDataSet = Callable[..., Path]


@pytest.fixture
def two(make_data_set: MakeDataSet) -> Path:
    """A folder with data sets a and b, which have one class in common."""
    make_data_set("a", class_names=["run", "walk"])
    make_data_set("b", class_names=["jump", "run"], videos="other", samples={"train": [2]})
    return make_data_set("same", class_names=["run", "walk"]).parent


def test_merging_says_what_came_out_and_goes_on_with_it(two: Path) -> None:
    said = call("data", "merge", "a", "b", "-o", "out", folder=two).stdout.splitlines()
    assert said == [
        "train: 7 clips of 4 videos",
        "test: 2 clips of 1 video",
        "3 classes; 3 of 4 tars as they were",
        "2 clips got another key, as theirs was taken",
        "mean image: of 28 frames, as they were before they were encoded",
        "written: out",
        "next: lrcn-train --shards 'out/train-*.tar'",
    ]
    again = call("data", "merge", "a", "b", "--out", "out", "--json", folder=two)
    assert "4 of 4 shards were done before" in again.stderr
    result = json.loads(again.stdout)
    assert (result["clips"], result["unchanged"]) == ({"train": 7, "test": 2}, 3)


def test_classes_whose_names_look_alike_are_told(make_data_set: MakeDataSet) -> None:
    make_data_set("a", class_names=["run", "walk"])
    folder = make_data_set("b", class_names=["Run", "walk"], videos="other").parent
    said = call("data", "merge", "a", "b", "-o", "out", folder=folder)
    assert "warning: the classes run and Run differ only by case" in said.stderr
    assert "3 classes; " in said.stdout


def test_duplicates_are_refused_in_one_line(two: Path) -> None:
    refused = call("data", "merge", "a", "same", "-o", "out", folder=two, code=1)
    assert refused.stderr.startswith("error: 7 clips are in several data sets: ")
    assert refused.stderr.count("\n") == 1
    said = call("data", "merge", "a", "same", "-o", "out", "--skip-duplicates", folder=two).stdout
    assert "left out: 7 clips that another data set has too" in said


def test_a_subset_is_one_to_all_commands_and_to_training(two: Path) -> None:
    said = call(
        *("data", "subset", "a", "--fraction", "0.5", "--whole", "val", "test", "-o", "out"),
        folder=two,
    ).stdout
    assert "of them as they are decoded" not in said
    assert "frames, as they are decoded from the shards" in said
    assert "as decoded, not before JPEG" in call("data", "stats", "out", folder=two).stdout
    call("data", "verify", "out", "--deep", folder=two)
    call("data", "preview", "out", folder=two)
    dataset = ShardDataset(two / "out/train-*.tar")
    assert dataset.mean_image((32, 24)).shape[-2:] == (24, 32)
    assert np.isin(dataset[0].labels, (0, 1)).all()


def test_shards_of_videos_are_not_made_into_it(two: Path) -> None:
    call("data", "subset", "a", "--per-class", "1", "-o", "out", folder=two)
    (two / "v.avi").write_bytes(b"")
    (two / "train.txt").write_text("v.avi run\n")
    before = (two / "out/dataset.json").read_bytes()
    for more in ((), ("--append",), ("--dry-run",)):
        refused = call(
            "data", "shard", "--out", "out", "--allow-one-class", *more, folder=two, code=1
        )
        assert (
            "out holds a data set that was made from others by `lrcn-data merge`" in refused.stderr
        )
    assert (two / "out/dataset.json").read_bytes() == before


def test_classes_of_a_subset_are_named_one_after_another(two: Path) -> None:
    call("data", "subset", "a", "--classes", "walk", "run", "-o", "both", folder=two)
    manifest = json.loads((two / "both/dataset.json").read_bytes())
    assert manifest["classes"] == ["run", "walk"]
    assert manifest["choice"] == {"classes": ["run", "walk"]}
    wrong = call("data", "subset", "a", "-o", "out", folder=two, code=2)
    assert "give --classes, --list, --fraction or --per-class" in wrong.stderr
