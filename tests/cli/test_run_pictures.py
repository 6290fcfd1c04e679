"""What lrcn-train and lrcn-eval draw into a run's folder, on random frames."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.commands import call

MakeDataSet = Callable[..., Path]

TRAIN = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"),
    *("--epochs", "2", "--log-every", "1", "--workers", "0", "--out", "run"),
)
OF_VIDEOS = {"per-class.csv", "per-class.png", "confusion-matrix.png", "most-confused.csv"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are made, as they are unless somebody says otherwise."""
    monkeypatch.delenv("LRCN_PICTURES", raising=False)


def names(folder: Path) -> set[str]:
    """The files of a folder; those that are pictures are whole."""
    for path in folder.iterdir():
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as picture:
                picture.load()
    return {path.name for path in folder.iterdir()}


def evaluated(folder: Path) -> dict[str, Any]:
    done = call("evaluate", "run", "--shards", "shards", "--json", folder=folder)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("drawn")
def test_a_training_and_an_evaluation_show_themselves(make_data_set: MakeDataSet) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = make_data_set(
        samples={"train": [6], "val": [4], "test": [6]}, sizes=((32, 32),)
    ).parent
    shards = ("--shards", "shards", "--val-shards", "shards")
    said = call("train", *TRAIN, *shards, folder=folder).stdout
    run = folder / "run"
    assert "look at: run/ learning-curves.png\nlook at: run/validation/ per-class.csv," in said
    assert "learning-curves.png" in names(run)
    assert names(run / "validation") == {*OF_VIDEOS, "clips.jpg"}
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0}).Reload()
    assert set(events.Tags()["images"]) == {
        *("clips", "learning-curves", "validation/per-class"),
        *("validation/confusion-matrix", "validation/clips"),
    }
    assert {"step/loss", "step/lr", "epoch/val_accuracy"} <= set(events.Tags()["scalars"])
    assert events.summary_metadata["_hparams_/experiment"].plugin_data.plugin_name == "hparams"

    found = evaluated(folder)
    beside = (folder / found["kept"]).with_suffix("")
    assert names(beside) == {*OF_VIDEOS, "clips.jpg"}
    assert {folder / path for path in found["files"]} == set(beside.iterdir())
    with (beside / "per-class.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["videos"]) for row in rows] == found["class_videos"]

    # one that was killed while it drew is drawn by the same command
    (run / "learning-curves.png").unlink()
    half_written = [folder / "clips.jpg.1.partial" for folder in (run / "validation", beside)]
    for path in half_written:
        path.write_bytes(b"half")
    again = call("train", *TRAIN, *shards, folder=folder).stdout
    assert "finished before" in again
    assert (run / "learning-curves.png").exists()
    assert not any(path.exists() for path in half_written)


@pytest.mark.usefixtures("drawn")
def test_videos_with_several_labels_and_labels_in_time_have_what_suits_them(
    make_data_set: MakeDataSet,
) -> None:
    sets = make_data_set(
        "sets/shards", samples={"train": [6], "val": [4]}, sizes=((32, 32),), multi_label=True
    ).parent
    call("train", *TRAIN, "--shards", "shards", "--val-shards", "shards", folder=sets)
    assert names(sets / "run" / "validation") == {"per-class.csv", "per-class.png"}
    in_time = make_data_set(
        "time/shards",
        samples={"train": [6], "val": [4]},
        sizes=((32, 32),),
        labels_in_time=True,
        recipe={"sampling": "windows"},
    ).parent
    call("train", *TRAIN, "--shards", "shards", "--val-shards", "shards", folder=in_time)
    assert names(in_time / "run" / "validation") == {*OF_VIDEOS, "timelines.png"}


@pytest.mark.usefixtures("drawn")
def test_without_matplotlib_or_room_for_pictures_nothing_is_lost(
    make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_data_set(samples={"train": [4], "test": [4]}, sizes=((32, 32),)).parent
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = call("train", *TRAIN, "--shards", "shards", folder=folder)
    assert "warning: learning-curves.png of run can't be made: " in done.stderr
    found = evaluated(folder)
    beside = (folder / found["kept"]).with_suffix("")
    assert names(beside) == {"per-class.csv", "most-confused.csv", "clips.jpg"}
    for path in beside.iterdir():
        path.unlink()
    beside.rmdir()
    beside.write_text("no folder")
    done = call("evaluate", "run", "--shards", "shards", folder=folder)
    assert done.stderr.count("can't be made") == 1
    assert f"kept: {found['kept']}" in done.stdout


def test_no_picture_is_made_where_none_is_wanted(
    make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LRCN_PICTURES", raising=False)
    folder = make_data_set(samples={"train": [4], "test": [4]}, sizes=((32, 32),)).parent
    call("train", *TRAIN, "--shards", "shards", "--no-pictures", folder=folder)
    monkeypatch.setenv("LRCN_PICTURES", "0")
    call("evaluate", "run", "--shards", "shards", folder=folder)
    assert not [*folder.rglob("*.png"), *folder.rglob("*.jpg"), *folder.rglob("per-class.csv")]
