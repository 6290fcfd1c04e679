"""lrcn-eval on labels in time, as a user calls it, on trainings of a few steps."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_data.errors import UsageError
from lrcn_model import find_evaluation, read_evaluation
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.kept_in_time import read_in_time
from tests.commands import call

MakeDataSet = Callable[..., Path]

TRAIN = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"),
    *("--epochs", "1", "--lr", "1e-2"),
)
SHARDS: dict[str, Any] = {
    "samples": {"train": [8], "val": [5], "test": [7, 6]},
    "sizes": ((32, 32),),
    "seq_len": 8,
    "labels_in_time": True,
    "recipe": {"sampling": "windows"},
    "class_names": ["rest", "fall", "walk"],
}


def lrcn(command: str, folder: Path, *arguments: str | Path, code: int = 0) -> str:
    done = call(command, *arguments, folder=folder, code=code)
    return done.stdout if code == 0 else done.stderr


def score(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        lrcn("evaluate", folder, *arguments, "--shards", "shards", "--json")
    )
    return found


@pytest.fixture
def folder(make_data_set: MakeDataSet) -> Path:
    """The folder of a run and the shards that it was trained on."""
    made = make_data_set(**SHARDS).parent
    lrcn("train", made, *TRAIN, "--shards", "shards", "--window", "6", "--out", "run")
    return made


def test_the_segments_in_the_csv_are_the_predictions_of_the_kept_frames(folder: Path) -> None:
    report = score(folder, "run", "--csv", "segments.csv")
    with (folder / "segments.csv").open() as file:
        rows = list(csv.DictReader(file))

    arrays = np.load((folder / report["kept"]).with_suffix(".npz"))
    ends = np.cumsum(arrays["track_frames"])
    expected, right, labelled = [], 0, 0
    for video, end, count in zip(arrays["track_videos"], ends, arrays["track_frames"], strict=True):
        segment: list[int] = []
        for frame in [*range(end - count, end), None]:
            scores, labels = arrays["track_scores"], arrays["track_labels"]
            counts = frame is not None and labels[frame] != -1
            if segment and not (counts and scores[frame].argmax() == scores[segment[0]].argmax()):
                number = scores[segment[0]].argmax()
                # frames are 0.2 s apart, and each lasts until the next one
                times = arrays["track_times"][segment[0]], arrays["track_times"][segment[-1]] + 0.2
                name, mean = report["classes"][number], scores[segment, number].mean()
                expected.append((video, *times, name, mean))
                segment = []
            if counts:
                segment.append(frame)
                labelled += 1
                right += scores[frame].argmax() == labels[frame]
    assert report["frames"] == labelled
    assert report["frame_accuracy"] == pytest.approx(right / labelled)
    assert report["predicted_segments"] == len(expected) == len(rows)
    for row, (video, start, stop, name, mean) in zip(rows, expected, strict=True):
        assert (row["video"], row["label"]) == (video, name)
        assert float(row["start"]) == pytest.approx(start, abs=1e-3)
        assert float(row["end"]) == pytest.approx(stop, abs=1e-3)
        assert float(row["score"]) == pytest.approx(mean, abs=1e-4)
    for one, other in pairwise(rows):
        assert one["video"] != other["video"] or float(one["end"]) <= float(other["start"])


def test_tables_show_what_the_json_has(folder: Path) -> None:
    options = ("--alarm", "fall", "--alarm-length", "0.3", "--background", "rest")
    report = score(folder, "run", *options)
    shown = lrcn("evaluate", folder, "run", "--shards", "shards", *options)

    assert report["background"] == [0]
    assert (report["alarm"]["label"], report["alarm"]["min_length"]) == (1, 0.3)
    for name, figure in (
        ("frame accuracy", "frame_accuracy"),
        ("frame mAP", "frame_map"),
        ("segmental F1 at 50 %", "f1_50"),
        ("edit score", "edit"),
        ("temporal mAP at 50 %", "temporal_map_50"),
    ):
        [line] = [line for line in shown.splitlines() if line.startswith(f"│ {name} ")]
        assert f" {100 * report[figure]:.1f} % (95 % interval " in line
    alarm = report["alarm"]
    assert f"{alarm['detected']} of {alarm['segments']}" in shown
    assert f"({alarm['false_alarms']} in {alarm['hours']:.2f} hours)" in shown
    assert f"kept: {report['kept']}" in shown


def test_the_batch_size_and_readers_change_nothing(folder: Path) -> None:
    one = score(folder, "run", "--batch-size", "1")
    other = score(folder, "run", "--batch-size", "7", "--workers", "1")
    assert one["kept"] == other["kept"]
    for name in ("frame_accuracy", "f1_10", "edit", "predicted_segments"):
        assert one[name] == other[name]
    assert one["frame_loss"] == pytest.approx(other["frame_loss"], rel=1e-5)


def test_two_runs_are_compared_figure_by_figure(folder: Path) -> None:
    lrcn("train", folder, *TRAIN, "--shards", "shards", "--window", "0", "--out", "whole")
    found = score(folder, "run", "whole", "--alarm", "fall")

    one, other = found["runs"]
    assert [one["run"], other["run"]] == ["run", "whole"]
    differences = found["comparison"]["differences"]
    for name in ("frame_map", "f1_50", "edit", "temporal_map"):
        assert differences[name] == pytest.approx(one[name] - other[name])
        low, high = found["comparison"]["intervals"][name]
        assert low <= high
    alarms = one["alarm"], other["alarm"]
    expected = alarms[0]["false_alarms_an_hour"] - alarms[1]["false_alarms_an_hour"]
    assert differences["false_alarms_an_hour"] == pytest.approx(expected)
    shown = lrcn("evaluate", folder, "run", "whole", "--shards", "shards", "--alarm", "fall")
    assert "A less B, in points" in shown
    assert re.search(rf"false alarms an hour │ +{re.escape(f'{expected:+.2f}')}", shown)
    same = score(folder, "run", "run")["comparison"]
    assert set(same["differences"].values()) == {0.0}


def test_a_kept_evaluation_is_read_as_it_was(folder: Path) -> None:
    options = ("--alarm", "walk", "--background", "rest", "--views", "flip")
    report = score(folder, "run", *options)
    path = folder / report["kept"]

    found = read_in_time(path)
    figures = found.report()
    assert {**report, **figures, "intervals": report["intervals"]} == report
    named = find_evaluation(path)
    assert isinstance(named, EvaluationInTime)
    assert named.report() == figures
    with pytest.raises(UsageError, match=r"labels in time, .*; use\s+find_evaluation\(\)"):
        read_evaluation(path)


def test_folds_and_seeds_are_summed_up_over_all_their_videos(folder: Path) -> None:
    runs: list[str] = []
    for seed in ("1", "2"):
        for shards in ("shards/val-*.tar", "shards/test-000.tar"):
            run = f"run-{len(runs)}"
            lrcn("train", folder, *TRAIN, "--shards", "shards", "--seed", seed, "--out", run)
            lrcn("evaluate", folder, run, "--shards", shards, "--alarm", "fall")
            runs.append(run)

    found = json.loads(lrcn("evaluate", folder, "--summary", *runs, "--json"))

    assert [[one["run"] for one in fold] for fold in found["folds"]] == [
        ["run-0", "run-2"],
        ["run-1", "run-3"],
    ]
    for repetition, pair in enumerate((("run-0", "run-1"), ("run-2", "run-3"))):
        parts = [json.loads(evaluations(folder / run)[0].read_bytes())["figures"] for run in pair]
        pooled = found["pooled"][repetition]
        for name in ("videos", "frames", "segments", "predicted_segments"):
            assert pooled[name] == sum(part[name] for part in parts)
        right = sum(part["frames"] * part["frame_accuracy"] for part in parts)
        assert pooled["frame_accuracy"] == pytest.approx(right / pooled["frames"])
        false = sum(part["alarm"]["false_alarms"] for part in parts)
        assert pooled["alarm"]["false_alarms"] == false
    maps = [one["frame_map"] for one in found["pooled"]]
    assert found["medians"]["frame_map"] == pytest.approx(np.median(maps))
    said = lrcn("evaluate", folder, "--summary", *runs, "run-1", code=2)
    assert "some folds were evaluated 2 times, others 3 times" in said
    shown = lrcn("evaluate", folder, "--summary", *runs)
    assert "over the videos of 2 folds together" in shown
    assert "median" in shown


def evaluations(run: Path) -> list[Path]:
    return sorted((run / "evaluations").glob("*.json"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--alarm", "fell"], "--alarm fell: there is no such class; did you mean 'fall'?"),
        (
            ["--background", "x"],
            "--background x: there is no such class; the classes are rest, fal",
        ),
        (["--alarm-length", "1"], "--alarm-length 1 is how long --alarm's class has to last"),
        (["--average", "probs"], "--average says nothing of runs with labels in time; leave it"),
        (["--confusion", "a.png"], "--confusion says nothing of runs with labels in time"),
        (["--calibrate"], "--calibrate says nothing of runs with labels in time; leave it out"),
        (["--summary", "--alarm", "fall"], "--summary reads evaluations that were kept, and"),
    ],
    ids=str,
)
def test_what_says_nothing_is_refused_in_one_line(
    folder: Path, options: list[str], said: str
) -> None:
    shards = [] if "--summary" in options else ["--shards", "shards"]
    [line] = lrcn("evaluate", folder, "run", *shards, *options, code=2).splitlines()
    assert said in line
    assert not evaluations(folder / "run")


def test_runs_and_shards_of_another_kind_are_refused_in_one_line(
    folder: Path, make_data_set: MakeDataSet
) -> None:
    make_data_set("clips", samples=SHARDS["samples"], sizes=SHARDS["sizes"], seq_len=8)
    lrcn("train", folder, *TRAIN, "--shards", "clips", "--out", "of-clips")
    make_data_set("others", **{**SHARDS, "class_names": ["rest", "fall", "run"]})
    score(folder, "run")
    lrcn("evaluate", folder, "of-clips", "--shards", "clips")
    for words, said in (
        (["run", "--shards", "others"], "has 'run' as class 2, the run run has 'walk'; make"),
        (["run", "--shards", "clips"], "has one label a clip, the run run has labels in time"),
        (["of-clips", "--shards", "shards"], "has labels in time, the run of-clips has one label"),
        (["of-clips", "--shards", "clips", "--alarm", "fall"], "--alarm says nothing of runs with"),
        (["of-clips", "--shards", "clips", "--background", "x"], "--background says nothing of"),
        (["run", "of-clips", "--shards", "shards"], "one has labels in time and the other hasn't"),
        (["--summary", "run", "of-clips"], "run has labels in time and of-clips hasn't; sum up"),
    ):
        [line] = lrcn("evaluate", folder, *words, code=2).splitlines()
        assert said in line


def test_a_training_tells_the_frame_map_by_which_it_was_judged(folder: Path) -> None:
    data = ("--shards", "shards", "--val-shards", "shards")
    shown = lrcn("train", folder, *TRAIN, *data, "--window", "6", "--out", "judged")
    again = json.loads(lrcn("train", folder, "--resume", "judged", "--json"))

    value = f"{again['kept']['val_frame_map']:.1%}"
    assert f"of epoch 1, the best with a val frame mAP of {value}" in shown
    header, row = (line for line in shown.splitlines() if "epoch" in line[:9] or line[:3] == "│  ")
    place = [name.strip() for name in header.split("┃")].index("val frame mAP")
    assert row.split("│")[place].strip() == value
    dry = lrcn("train", folder, *TRAIN, *data, "--window", "6", "--carry-state", "--dry-run")
    assert "; windows of 6 every 6, state carried" in dry
