"""A kind of frames of one's own: grey pictures, stored as PNG."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from PIL import Image

from tests.extending.conftest import Outside

pytestmark = pytest.mark.slow

MODULE = """
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lrcn_data.format.frame_kind import FrameKind, size_error

__version__ = "1"


class Grey(FrameKind):
    channels = 1
    ending = "png"
    coding = "PNG"
    starts_with = b"\\x89PNG"

    def picture(self, rgb, number, neighbour):
        return np.asarray(Image.fromarray(rgb).convert("L"))[:, :, None]

    def encode(self, picture, quality):
        file = io.BytesIO()
        Image.fromarray(picture[:, :, 0]).save(file, "PNG")
        return file.getvalue()

    def decode(self, data, into):
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.mode != "L":
                raise ValueError(f"it is a picture of {image.mode}")
            if (image.height, image.width) != into.shape[:2]:
                raise size_error(image.width, image.height, into)
            into[:, :, 0] = image
"""
NAME = "my_frames:Grey"
NAMED = ("--frame-kind", NAME)
SHARD = (*NAMED, "--seq-len", "3", "--size", "40x30")


def test_a_kind_of_frames_of_ones_own_goes_all_the_way(outside: Outside) -> None:
    outside.write_module("my_frames", MODULE)
    outside.run("lrcn-data shard", *SHARD)
    manifest = json.loads((outside.folder / "shards/dataset.json").read_text())
    assert manifest["options"]["frame_kind"] == NAME
    assert manifest["options"]["plugins"] == {NAME: "1"}
    with tarfile.open(outside.folder / "shards/train-000.tar") as tar:
        names = tar.getnames()[:5]
        first = tar.extractfile(names[0])
        assert first is not None
        with Image.open(io.BytesIO(first.read())) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (40, 30))
    endings = [name.partition(".")[2] for name in names]
    assert endings == ["000.png", "001.png", "002.png", "cls", "json"]

    said = outside.train(code=2)
    assert said.endswith(f"imported only where you name it; give --frame-kind {NAME}\n")
    outside.train(*NAMED, "--flip", "0.5")
    score = ("lrcn-eval", "run", "--shards", "shards")
    result = json.loads(outside.run(*score, *NAMED, "--json"))
    assert result["videos"] == 6
    said = outside.run(*score, code=2)
    assert said == (
        f"error: shards/test-000.tar has the frame kind '{NAME}', a plug-in, which is imported"
        f" only where you name it; give --frame-kind {NAME}\n"
    )
    video = next((outside.folder / "videos").rglob("*.*"))
    prediction = json.loads(outside.run("lrcn-predict", "run", video, *NAMED, "--json"))
    assert prediction["error"] is None
    assert sum(guess["probability"] for guess in prediction["guesses"]) <= 1
    said = outside.run("lrcn-predict", "run", video, code=2)
    assert f"the run has the frame kind '{NAME}', a plug-in" in said
    assert said.count("\n") == 1


def test_a_data_set_of_ones_own_frames_can_be_asked(outside: Outside) -> None:
    outside.write_module("my_frames", MODULE)
    outside.run("lrcn-data shard", *SHARD)
    stats = json.loads(outside.run("lrcn-data stats", *NAMED, "--json"))
    [mean], [deviation] = stats["pixels"]["mean"], stats["pixels"]["std"]
    assert 0 < mean < 255
    assert 0 < deviation < 128
    with Image.open(outside.folder / "shards/mean.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (40, 30))
        bands = [band.tobytes() for band in picture.split()]
        assert bands[0] == bands[1] == bands[2]
    faults = json.loads(outside.run("lrcn-data verify", *NAMED, "--deep", "--json"))
    assert faults["sound"]
    shown = json.loads(outside.run("lrcn-data preview", *NAMED, "--json"))
    assert len(shown["keys"]) == 12
    for path in (outside.folder / "shards/.meta").glob("train-*.npz"):
        path.unlink()
    outside.run("lrcn-data index", *NAMED)
    # nothing is lost in a PNG, so the sums are those of the frames before encoding
    assert json.loads(outside.run("lrcn-data stats", *NAMED, "--json")) == stats
    part = ("lrcn-data subset", "shards", "--per-class", "1", "--out", "part")
    made = json.loads(outside.run(*part, *NAMED, "--json"))
    assert made["decoded_frames"] == made["summed_frames"] > 0
    faults = json.loads(outside.run("lrcn-data verify", "part", *NAMED, "--deep", "--json"))
    assert faults["sound"]
    assert f"give --frame-kind {NAME}" in outside.run(*part, code=2)
    for command in ("stats", "verify", "preview", "index"):
        assert f"give --frame-kind {NAME}" in outside.run(f"lrcn-data {command}", code=2)


def test_another_version_of_the_plugin_is_another_data_set(outside: Outside) -> None:
    outside.write_module("my_frames", MODULE)
    outside.run("lrcn-data shard", *SHARD)
    before = (outside.folder / "shards/train-000.tar").read_bytes()
    outside.run("lrcn-data shard", *SHARD)
    outside.write_module("my_frames", MODULE.replace('"1"', '"2"'))
    said = outside.run("lrcn-data shard", *SHARD, code=1)
    assert f"shards holds another data set: the version of {NAME} was 1, is 2;" in said
    assert (outside.folder / "shards/train-000.tar").read_bytes() == before


def test_a_run_takes_no_other_frames_than_it_was_trained_on(outside: Outside) -> None:
    outside.write_module("my_frames", MODULE)
    outside.run("lrcn-data shard", *SHARD, "--out", "grey")
    outside.run("lrcn-data shard", "--seq-len", "3", "--size", "40x30")
    outside.train()
    said = outside.call("lrcn-eval", "run", "--shards", "grey", *NAMED, code=2)
    assert f"has frames of the kind {NAME}, the run run has rgb" in said
    said = outside.train("--val-shards", "grey/test-000.tar", *NAMED, code=2)
    assert f"has frames of the kind {NAME}, the shards trained on have rgb" in said
