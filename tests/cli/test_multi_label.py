"""Videos with several labels, from lists to predictions, on small real videos."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import call

SMALL_NET = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--dropout", "0", "--lr", "1e-3"),
    *("--batch-size", "4", "--device", "cpu", "--workers", "0", "--epochs", "2"),
)
SETS = ("walk,talk", "walk", "-", "talk", "sit, walk")
CLASSES = ["sit", "talk", "walk"]


def lrcn(command: str, folder: Path, *arguments: str, code: int = 0) -> str:
    done = call(command, *arguments, folder=folder, code=code)
    return done.stdout if code == 0 else done.stderr


@pytest.fixture
def folder(tmp_path: Path, write_video: Callable[..., Path]) -> Path:
    for split, count in (("train", 10), ("val", 5), ("test", 5)):
        lines = []
        for number in range(count):
            name = f"{split} {number}.mp4"
            write_video(name, frames=20 + number)
            lines.append(f"{name} {SETS[number % len(SETS)]}\n")
        (tmp_path / f"{split}.txt").write_text("".join(lines))
    return tmp_path


def shard(folder: Path, *more: str) -> Path:
    options = ("--seq-len", "4", "--sampling", "center", "--multi-label")
    lrcn("data", folder, "shard", *options, *more)
    return folder / "shards"


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_from_lists_to_predictions(folder: Path) -> None:
    shards = shard(folder)
    manifest: dict[str, Any] = json.loads((shards / "dataset.json").read_bytes())
    assert manifest["requires"] == ["multi-label"]
    assert manifest["options"]["multi_label"] is True
    assert manifest["classes"] == CLASSES
    assert "`KEY.classes.json`" in (shards / "README.md").read_text()
    lrcn("data", folder, "verify", "--deep", "--inputs")
    stats = json.loads(lrcn("data", folder, "stats", "--json"))
    assert [sum(row["clips"].values()) for row in stats["classes"]] == [4, 8, 12]
    assert stats["sets"]["clips_by_size"] == {"0": 4, "1": 8, "2": 8}
    assert "sets of classes" in lrcn("data", folder, "stats")
    lrcn("data", folder, "preview", "--clips", "5")

    data = ("--shards", "shards/train-*.tar", "--val-shards", "shards/val-*.tar")
    assert "a val mAP of" in lrcn("train", folder, *data, *SMALL_NET, "--out", "run")
    shown = lrcn("evaluate", folder, "run", "--shards", "shards", "--csv", "scores.csv")
    assert "mean average precision (mAP)" in shown
    found = json.loads(lrcn("evaluate", folder, "run", "--shards", "shards", "--json"))
    assert found["positives"] == [1, 2, 3]
    assert found["mean_average_precision"] == pytest.approx(sum(found["average_precision"]) / 3)

    rows = list(csv.DictReader((folder / "scores.csv").read_text().splitlines()))
    assert [row["class"] for row in rows] == ["talk,walk", "walk", "", "talk", "sit,walk"]
    videos = [f"test {number}.mp4" for number in range(5)]
    lines = lrcn("predict", folder, "run", *videos, "--json").splitlines()
    said = map(json.loads, lines)
    for row, prediction in zip(rows, said, strict=True):
        by_name = {guess["name"]: guess["probability"] for guess in prediction["guesses"]}
        assert list(by_name.values()) == sorted(by_name.values(), reverse=True)
        for name in CLASSES:
            odds = by_name[name] / (1 - by_name[name])
            assert 2.718281828 ** float(row[name]) == pytest.approx(odds, rel=1e-4)
    first = json.loads(lrcn("predict", folder, "run", videos[0], "--json", "--top", "1"))
    assert len(first["guesses"]) == 1


def test_predicting_gives_the_scores_of_evaluating(folder: Path) -> None:
    import torch

    from lrcn_model import evaluate, load_run, predict, train

    shards = shard(folder)
    for average in ("log-probs", "probs"):
        values: dict[str, Any] = {"cnn": "small", "size": (32, 32), "lstm_hidden": 8}
        out = folder / average
        train(str(shards), out=out, epochs=1, workers=0, average=average, **values)
        run = load_run(out)
        for video in evaluate(run, str(shards), workers=0).videos:
            scores = torch.from_numpy(video.scores)
            expected = (scores.sigmoid() if average == "log-probs" else scores).tolist()
            guesses = predict(run, folder / video.video, top=3).guesses
            found = {guess.label: guess.probability for guess in guesses}
            assert [found[number] for number in range(3)] == pytest.approx(expected, abs=1e-5)


def test_any_number_of_workers_and_a_second_run_write_the_same_tree(folder: Path) -> None:
    shard(folder, "--workers", "0", "--videos-per-shard", "3")
    once = tree(folder / "shards")
    shard(folder, "--workers", "0", "--videos-per-shard", "3")
    assert tree(folder / "shards") == once
    shard(folder, "--workers", "2", "--videos-per-shard", "3", "--out", "two")
    assert tree(folder / "two") == once


def test_videos_that_failed_are_tried_again_beside_those_that_are_kept(folder: Path) -> None:
    sound = (folder / "train 0.mp4").read_bytes()
    (folder / "train 0.mp4").write_bytes(sound[: len(sound) // 2])
    shard(folder, "--workers", "0", "--max-bad-fraction", "1")
    (folder / "train 0.mp4").write_bytes(sound)
    shard(folder, "--workers", "0", "--retry-failed")
    shard(folder, "--workers", "0", "--out", "whole")
    again, whole = tree(folder / "shards"), tree(folder / "whole")
    assert {n: h for n, h in again.items() if n.endswith(".tar")} == {
        n: h for n, h in whole.items() if n.endswith(".tar")
    }
    assert again[".meta/train.npy"] == whole[".meta/train.npy"]


def test_the_option_makes_another_data_set(folder: Path) -> None:
    for split in ("train", "val", "test"):
        path = folder / f"{split}.txt"
        path.write_text(path.read_text().replace("walk,talk", "walk").replace("sit, walk", "sit"))
        path.write_text(path.read_text().replace(" -\n", " sit\n"))
    lrcn("data", folder, "shard", "--seq-len", "4")
    said = lrcn("data", folder, "shard", "--seq-len", "4", "--multi-label", code=1)
    assert "--multi-label was not given, is given" in said
    assert "multi" not in (folder / "shards/dataset.json").read_text()
    planned = lrcn("data", folder, "shard", "--multi-label", "--dry-run", "--out", "other")
    assert planned.startswith("20 videos of 3 classes would go into")


@pytest.mark.slow
def test_a_confusion_matrix_of_sets_is_refused(folder: Path) -> None:
    shard(folder)
    lrcn("train", folder, "--shards", "shards", *SMALL_NET, "--out", "run")
    said = lrcn("evaluate", folder, "run", "--shards", "shards", "--confusion", "a.png", code=2)
    assert "--confusion draws videos by their one class" in said
