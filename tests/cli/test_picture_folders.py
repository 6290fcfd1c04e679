"""Folders of numbered pictures on the command line, from lists to the check of the inputs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_data import lrcn_data
from tests.commands import call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of two classes with three folders of 20 numbered pictures each."""
    for number in range(6):
        folder = tmp_path / f"videos/{'run' if number % 2 else 'walk'}/clip{number}"
        folder.mkdir(parents=True)
        rng = np.random.default_rng(number)
        for frame in range(20):
            coarse = rng.integers(0, 256, (3, 4, 3), np.uint8)
            Image.fromarray(coarse).resize((64, 48)).save(folder / f"img_{frame:05d}.jpg")
    return tmp_path


def test_pictures_are_listed_sharded_and_verified_as_videos_are(pictures: Path) -> None:
    arguments = ["videos", "--picture-rate", "10", "--test-fraction", "0.3"]
    listed = lrcn_data("lists", *arguments, cwd=pictures)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "classes.txt: 2 classes: run 3, walk 3" in listed.stdout.splitlines()
    command = listed.stdout.splitlines()[-1].removeprefix("next: lrcn-data ")
    assert "--picture-rate 10" in command
    shard = lrcn_data(*shlex.split(command), "--workers", "1", cwd=pictures)
    assert shard.returncode == 0, shard.stderr
    manifest = json.loads((pictures / "shards/dataset.json").read_text())
    assert manifest["options"]["picture_rate"] == "10"
    assert sum(entry["samples"] for entry in manifest["shards"]) == 6
    verify = ["verify", "--inputs", "--root", "videos"]
    assert lrcn_data(*verify, cwd=pictures).returncode == 0
    changed = pictures / "videos/run/clip1/img_00007.jpg"
    data = bytearray(changed.read_bytes())
    data[-3] ^= 1
    changed.write_bytes(data)
    found = lrcn_data(*verify, cwd=pictures)
    assert found.returncode == 1
    assert "run/clip1: is not the file that was decoded" in found.stdout + found.stderr
    changed.unlink()
    found = lrcn_data(*verify, cwd=pictures)
    assert "run/clip1: pictures are missing between" in found.stdout + found.stderr


def test_one_and_several_workers_give_the_same_bytes_of_pictures(pictures: Path) -> None:
    lrcn_data("lists", "videos", "--picture-rate", "12.5", "--test-fraction", "0", cwd=pictures)
    tars = []
    for workers in ("0", "2"):
        arguments = ["--root", "videos", "--picture-rate", "12.5", "--workers", workers]
        result = lrcn_data("shard", *arguments, "--out", f"out{workers}", cwd=pictures)
        assert result.returncode == 0, result.stderr
        tars.append((pictures / f"out{workers}/train-000.tar").read_bytes())
    assert tars[0] == tars[1]


def test_a_folder_of_pictures_is_predicted_with_a_rate_and_refused_without(
    pictures: Path,
) -> None:
    lrcn_data("lists", "videos", "--picture-rate", "10", "--test-fraction", "0", cwd=pictures)
    arguments = ["--root", "videos", "--picture-rate", "10", "--workers", "1"]
    assert lrcn_data("shard", *arguments, cwd=pictures).returncode == 0
    values = ["--shards", "shards", "--cnn", "small", "--size", "64x48", "--epochs", "1"]
    values += ["--workers", "0", "--out", "run"]
    call("train", *values, folder=pictures)
    refused = call("predict", "run", "videos/run/clip1", "--json", folder=pictures, code=1)
    unread = json.loads(refused.stdout)
    assert "--picture-rate says how many are shown in a second" in unread["error"]
    rate = ["--picture-rate", "10", "--json"]
    result = call("predict", "run", "videos/run/clip1", *rate, folder=pictures)
    prediction = json.loads(result.stdout)
    assert {guess["name"] for guess in prediction["guesses"]} == {"run", "walk"}
