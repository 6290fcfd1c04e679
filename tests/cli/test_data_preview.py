"""What `lrcn-data preview` shows and refuses, and that `stats` counts what its page shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from PIL import Image

from tests.commands import call

MakeDataSet = Callable[..., Path]


def lrcn_data(folder: Path, *arguments: str | Path, code: int = 0) -> CompletedProcess[str]:
    return call("data", *arguments, folder=folder, code=code)


@pytest.mark.parametrize(
    "names",
    [
        ["train-000-00002", "test-000-00000"],
        ["videos/train-000_1.avi", "test-000-00000"],
        ["train-000_1.avi", "test-000-00000"],
    ],
)
def test_clips_are_named_by_their_keys_or_videos(
    make_data_set: MakeDataSet, names: list[str]
) -> None:
    folder = make_data_set(samples={"train": [3], "test": [2]}).parent
    said = lrcn_data(folder, "preview", "--only", *names, "--json").stdout
    assert sorted(json.loads(said)["keys"]) == ["test-000-00000", "train-000-00002"]


def test_a_name_that_no_clip_has_is_an_error(make_data_set: MakeDataSet) -> None:
    folder = make_data_set().parent
    said = lrcn_data(folder, "preview", "--only", "train-000-00000", "nothing", code=2).stderr
    assert said.startswith("error: --only nothing: no clip has that key")
    assert said.count("\n") == 1


def test_rejected_videos_make_a_sheet(make_data_set: MakeDataSet) -> None:
    folder = make_data_set().parent
    said = lrcn_data(folder, "preview", "--rejected", "--out", "r.png").stdout
    with Image.open(folder / "r.png") as picture:
        assert said == f"r.png: 2 of 2 rejected videos, {picture.width}x{picture.height} pixels\n"
    done = lrcn_data(folder, "preview", "--rejected", "--clips", "1")
    assert done.stdout.endswith("pixels; --clips 2 shows all\n")
    assert "warning: 1 of 1 videos are not in --root .; name the folder" in done.stderr
    said = lrcn_data(folder, "preview", "--rejected", "--split", "test", "--json").stdout
    assert json.loads(said) == {
        "file": "preview.png",
        "videos": ["videos/short_test.avi"],
        "rejected": 1,
    }


def test_a_page_is_made_with_and_without_a_name(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(sizes=((32, 24), (24, 32))).parent
    said = lrcn_data(folder, "preview", "--html").stdout
    assert said.startswith("preview.html: ")
    assert "  mixed-sizes: 3 of 7 clips\n" in said
    assert (folder / "preview.html").read_text().startswith("<!doctype html>")
    assert not (folder / "preview.png").exists()
    lrcn_data(folder, "preview", "shards", "--html", "made/page.html")
    assert (folder / "made/page.html").exists()


def test_the_page_finds_what_stats_counts(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [30], "test": [9]}, sizes=((32, 24), (48, 24)))
    arguments = ["--look-at", "12", "--seed", "2", "--json"]
    page = json.loads(lrcn_data(folder.parent, "preview", "--html", *arguments).stdout)
    stats = json.loads(lrcn_data(folder.parent, "stats", "--findings", *arguments).stdout)
    assert page["findings"] == stats["findings"]
    assert page["looked_at"] == stats["looked_at"] == 12
    assert json.loads((folder / "stats.json").read_text())["findings"] == stats["findings"]


def test_stats_prints_what_it_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(sizes=((32, 24), (24, 32))).parent
    said = lrcn_data(folder, "stats").stdout
    assert "turned-frames" in said
    assert "records alone; --findings looks at pictures too" in said
    refused = lrcn_data(folder, "stats", "--look-at", "9", code=2).stderr
    assert refused.startswith("error: --look-at goes with --findings")
    assert "the pictures of 7 of 7 clips" in lrcn_data(folder, "stats", "--findings").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--html", "--keys"], "--keys doesn't go with --html"),
        (["--html", "--out", "p.html"], "--out names a picture; name the page with --html p.html"),
        (["--html", "--rejected"], "--rejected doesn't go with --html"),
        (["--html", "--split", "test"], "--split doesn't go with --html"),
        (["--rejected", "--per-class", "1"], "--per-class doesn't go with --rejected"),
        (["--look-at", "9"], "--look-at goes with --html"),
        (["shards", "shards", "--html"], "--html describes one data set, got 2 names"),
    ],
)
def test_options_that_a_page_or_sheet_has_no_use_for_are_refused(
    make_data_set: MakeDataSet, arguments: list[str], message: str
) -> None:
    said = lrcn_data(make_data_set().parent, "preview", *arguments, code=2).stderr
    assert said.startswith(f"error: {message}")


def test_a_page_that_cant_be_written_is_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set().parent
    said = lrcn_data(folder, "preview", "--html", "shards/dataset.json/p.html", code=1).stderr
    assert said.startswith("error: --html shards/dataset.json/p.html can't be written: ")
