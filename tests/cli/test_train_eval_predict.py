"""lrcn-train, lrcn-eval and lrcn-predict, used as people use them, on random frames."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.commands import call

MakeDataSet = Callable[..., Path]

SMALL = [
    "--cnn",
    "small",
    "--size",
    "32x32",
    "--lstm-hidden",
    "8",
    "--epochs",
    "2",
    "--workers",
    "0",
]


def lrcn(command: str, folder: Path, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"lrcn_cli.{command}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in range(20):
            picture = np.full((48, 64, 3), 10 * level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def test_a_run_is_trained_scored_and_used_to_predict(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(sizes=((40, 32),)).parent
    lrcn("train", folder, "--shards", "shards/train-*.tar", *SMALL, "--out", "run")
    text = (folder / "run/metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["epoch"] for line in lines if "accuracy" in line] == [1, 2]
    again = call(
        "train", "--shards", "shards/train-*.tar", *SMALL, "--out", "run", folder=folder
    ).stdout
    assert "finished" in again
    output, _ = lrcn("evaluate", folder, "run", "--shards", "shards/test-*.tar", "--json")
    assert json.loads(output)
    write_video(folder / "clip.avi")
    output, said = lrcn("predict", folder, "run", "clip.avi", "gone.avi", "--json", code=1)
    assert "class " in output
    assert "1 of 2 videos could not be read" in said


def test_a_run_with_a_head_from_a_table_is_judged_by_last_frames_until_told_otherwise(
    make_data_set: MakeDataSet,
) -> None:
    folder = make_data_set(sizes=((40, 32),)).parent
    (folder / "head.toml").write_text(
        '[head]\nname = "gru"\nhidden = 4\nlayers = 2\nbidirectional = true\ninput = "both"\n'
    )
    train = ["--config", "head.toml", "--cnn", "small", "--size", "32x32", "--epochs", "1"]
    train += ["--shards", "shards/train-*.tar", "--val-shards", "shards/test-*.tar"]
    train += ["--loss-at", "last", "--average", "last", "--workers", "0", "--device", "cpu"]
    for _ in range(2):  # the second finds the first one's run
        said = call("train", *train, folder=folder).stdout
    assert "finished" in said
    [run] = (folder / "runs").iterdir()
    score = ["evaluate", str(run), "--shards", "shards/test-*.tar", "--json"]
    by_last = json.loads(call(*score, "--csv", "last.csv", folder=folder).stdout)
    call(*score, "--csv", "all.csv", "--average", "log-probs", folder=folder)
    # of a video's clips one frame each has voted, and then all
    frames = [
        [row.split(",")[5] for row in (folder / name).read_text().splitlines()[1:]]
        for name in ("last.csv", "all.csv")
    ]
    assert sum(map(int, frames[0])) == by_last["clips"] < sum(map(int, frames[1]))
    text = (run / "metrics.jsonl").read_text()
    [val] = [line for line in map(json.loads, text.splitlines()) if "val_accuracy" in line]
    assert val["val_accuracy"] == by_last["accuracy"]
    write_video(folder / "clip.avi")
    video = json.loads(call("predict", str(run), "clip.avi", "--json", folder=folder).stdout)
    assert video["guesses"][0]["name"] == video["frames"][-1]["name"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "no shards to train on"),
        (["--shards", "shards/train-{000..004}.tar"], 1, "train-002.tar"),
        (["--shards", "nothing/*.tar"], 1, "no shard matches nothing/*.tar"),
        (["--shards", "shards/train-*.tar", "--epochs", "0"], 2, "0"),
        (["--shards", "shards/train-*.tar", "--lr", "-1"], 2, "-1"),
        (["--shards", "shards/train-*.tar", "--size", "10"], 2, "'10' is no size"),
        (["--shards", "shards/train-*.tar", "--nonsense"], 2, "--nonsense"),
    ],
)
def test_a_mistake_is_told_in_one_line_after_what_was_to_be_done(
    make_data_set: MakeDataSet, arguments: list[str], code: int, said: str
) -> None:
    folder = make_data_set(sizes=((40, 32),)).parent
    error = call("train", *arguments, folder=folder, code=code).stderr
    *before, last = error.splitlines()
    assert said in last
    assert last.startswith("error: ")
    assert before == [] or before == [f"getting ready to train paper on {arguments[1]}"]


def test_shards_of_other_classes_are_refused(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(sizes=((40, 32),)).parent
    make_data_set("others", sizes=((40, 32),), classes=5)
    call("train", "--shards", "shards/train-*.tar", *SMALL, "--out", "run", folder=folder)
    score = ("evaluate", "run", "--shards", "others/test-*.tar")
    said = call(*score, folder=folder, code=2).stderr
    assert "5 classes" in said
    assert "has 3" in said


def test_dry_runs_write_nothing(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(sizes=((40, 32),)).parent
    dry = ("--shards", "shards/train-*.tar", *SMALL, "--dry-run")
    output = call("train", *dry, folder=folder).stdout
    assert "conv" in output.lower()
    assert not (folder / "runs").exists() or not list((folder / "runs").rglob("*.safetensors"))
