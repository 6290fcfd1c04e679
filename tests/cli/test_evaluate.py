"""lrcn-eval as a user calls it, on trainings of a few steps."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import LrcnError, UsageError

MakeDataSet = Callable[..., Path]
TRAIN = ["--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"]


def evaluate(*arguments: str | Path) -> None:
    from lrcn_cli.evaluate import command

    command.main([str(argument) for argument in arguments], standalone_mode=False)


@pytest.fixture
def run(make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run beside the shards it was trained on."""
    from lrcn_cli.train import command

    data = make_data_set(
        samples={"train": [4], "test": [7, 4]}, sizes=((32, 32), (48, 32)), classes=4
    )
    monkeypatch.chdir(data.parent)
    command.main(
        [*TRAIN, "--shards", "shards", "--epochs", "1", "--out", "run"], standalone_mode=False
    )
    return Path("run")


def test_the_options_are_those_that_scripts_depend_on() -> None:
    from lrcn_cli.evaluate import command

    found = {option for parameter in command.params for option in parameter.opts}
    assert found == {
        *("runs", "--shards", "--average", "--batch-size", "--device", "--amp", "--workers"),
        *("--cache-dir", "--cache-size"),
        *("--csv", "--confusion", "--cnn", "--head", "--json", "--debug", "--version"),
        *("--frame-kind", "--allow-other-sampling", "--calibrate", "--views", "--crop"),
        *("--summary", "--fuse", "--background", "--alarm", "--alarm-length"),
        *("--pictures", "--log", "--log-file"),
    }


def test_the_figures_follow_from_the_scores_in_the_csv(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    evaluate(run, "--shards", "shards", "--csv", "scores.csv", "--json")
    report = json.loads(capsys.readouterr().out)
    with Path("scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    classes = [f"class {number}" for number in range(4)]
    # the data set of the tests has two clips a video, which may differ in their class
    assert sum(int(row["frames"]) for row in rows) == report["frames"]
    assert report["clips"] == 11
    assert report["videos"] == len(rows)
    predicted = [classes[int(np.argmax([float(row[name]) for name in classes]))] for row in rows]
    assert predicted == [row["predicted"] for row in rows]
    right = [row["class"] == row["predicted"] for row in rows]
    assert right == [row["correct"] == "1" for row in rows]
    assert report["accuracy"] == pytest.approx(sum(right) / len(rows))
    assert report["skipped"] == 1
    assert report["accuracy_skipped_wrong"] == pytest.approx(sum(right) / (len(rows) + 1))
    confusion = np.array(report["confusion"])
    assert confusion.sum() == len(rows)
    assert confusion.trace() == sum(right)


def test_intervals_and_figures_of_classes_follow_from_the_scores_in_the_csv(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from scipy import stats
    from sklearn import metrics

    capsys.readouterr()
    evaluate(run, "--shards", "shards", "--csv", "scores.csv")
    shown = capsys.readouterr().out
    evaluate(run, "--shards", "shards", "--json")
    report = json.loads(capsys.readouterr().out)
    with Path("scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = [float(row["correct"]) for row in rows]
    found = stats.bootstrap(
        (right,), np.mean, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert report["intervals"]["accuracy"] == pytest.approx(list(found))
    low, high = (f"{100 * end:.1f}" for end in found)
    assert f"{100 * np.mean(right):.1f} % (95 % interval {low} to {high})" in shown
    assert report["intervals"]["level"] == 0.95
    by_class = metrics.classification_report(
        [row["class"] for row in rows],
        [row["predicted"] for row in rows],
        output_dict=True,
        zero_division=np.nan,
    )
    for number, name in enumerate(report["classes"]):
        for key, other in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            expected = by_class.get(name, {}).get(other, np.nan)
            value = report[key][number]
            assert np.isnan(expected) if value is None else value == pytest.approx(expected)


def test_the_batch_size_and_workers_change_nothing(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for options in (["--batch-size", "1"], ["--batch-size", "4", "--workers", "1"]):
        capsys.readouterr()
        evaluate(run, "--shards", "shards/test-{000..001}.tar", "--json", *options)
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0].pop("frame_loss") == pytest.approx(reports[1].pop("frame_loss"), rel=1e-5)
    assert reports[0] == reports[1]


def test_people_get_tables_and_a_picture(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    evaluate(run, "--shards", "shards", "--confusion", "confusion.png")
    shown = capsys.readouterr().out
    for words in (
        "video accuracy, top 1",
        "frame accuracy (detection)",
        "loss a frame",
        "3 class 3",
    ):
        assert words in shown
    with Image.open("confusion.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 200
    # of four classes, five say nothing
    assert "top 5" not in shown
    assert "clip accuracy, top 1" in shown
    evaluate(run, "--shards", "shards", "--json")
    assert json.loads(capsys.readouterr().out)["top5"] is None


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
sys.argv = ["lrcn-eval", "--help"]
from lrcn_cli.evaluate import main
try:
    main()
except SystemExit as stop:
    assert stop.code == 0, stop.code
heavy = {"numpy", "torch", "scipy", "sklearn", "rich", "matplotlib", "webdataset", "av"}
print("heavy:", sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_what_is_found_is_kept_with_the_run_and_its_place_is_said(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    evaluate(run, "--shards", "shards")
    last = capsys.readouterr().out.splitlines()[-1]
    evaluate(run, "--shards", "shards", "--json")
    report = json.loads(capsys.readouterr().out)
    assert last == f"kept: {report['kept']}"
    figures = json.loads(Path(report["kept"]).read_text())["figures"]
    assert {name: report[name] for name in figures} == figures


def test_an_evaluation_that_cant_be_kept_is_shown_with_the_reason(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "evaluations").write_text("in the way")
    capsys.readouterr()
    evaluate(run, "--shards", "shards", "--json")
    said = capsys.readouterr()
    assert json.loads(said.out)["kept"] is None
    assert said.err == (
        "warning: the evaluation of run is not kept: run/evaluations can't be made: File exists\n"
    )


@pytest.fixture
def other(run: Path) -> Path:
    """A second run on the same shards."""
    from lrcn_cli.train import command

    arguments = ["--shards", "shards", "--epochs", "1", "--out", "other", "--seed", "7"]
    command.main([*TRAIN, *arguments], standalone_mode=False)
    return Path("other")


def test_two_runs_are_compared_on_the_same_videos(
    run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = []
    for one in (run, other):
        capsys.readouterr()
        evaluate(one, "--shards", "shards", "--json")
        alone.append(json.loads(capsys.readouterr().out))
    evaluate(run, other, "--shards", "shards", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["runs"] == alone
    compared = report["comparison"]
    assert sum(compared["agreement"].values()) == alone[0]["videos"]
    right = [alone[n]["accuracy"] * alone[n]["videos"] for n in range(2)]
    both = compared["agreement"]["both"]
    assert both + compared["agreement"]["only_first"] == pytest.approx(right[0])
    assert both + compared["agreement"]["only_second"] == pytest.approx(right[1])
    evaluate(run, other, "--shards", "shards")
    shown = capsys.readouterr().out
    for words in (
        *("A: run", "B: other", "by B", "not by A", "in brackets: 95 % intervals"),
        *("McNemar's exact test, p", "A less B, in points"),
        *(f"kept: {one['kept']}" for one in alone),
    ):
        assert words in shown


def test_what_two_runs_cant_have_is_refused_before_anything_is_scored(
    run: Path, other: Path, make_data_set: MakeDataSet
) -> None:
    for option, value in (("--csv", "a.csv"), ("--confusion", "a.png"), ("--calibrate", None)):
        with pytest.raises(UsageError, match=f"{option} goes with one run, got 2; leave it out"):
            evaluate(run, other, "--shards", "shards", option, *([value] if value else []))
    with pytest.raises(UsageError, match="two runs are compared at a time, got 3"):
        evaluate(run, other, run, "--shards", "shards")
    from lrcn_cli.train import command

    make_data_set("five", classes=5, samples={"train": [2]}, sizes=((32, 32),))
    command.main(
        [*TRAIN, "--shards", "five", "--epochs", "1", "--out", "misfit"], standalone_mode=False
    )
    with pytest.raises(UsageError, match="has 4 classes, the run misfit has 5"):
        evaluate(run, "misfit", "--shards", "shards")
    assert not (run / "evaluations").exists()


def test_kept_evaluations_are_summed_up(
    run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for one, shard in ((run, "test-000"), (other, "test-000"), (run, "test-001")):
        capsys.readouterr()
        evaluate(one, "--shards", f"shards/{shard}.tar", "--json")
        reports.append(json.loads(capsys.readouterr().out))
    kept = [report["kept"] for report in reports]
    evaluate("--summary", *kept, "--json")
    report = json.loads(capsys.readouterr().out)
    accuracies = [report["accuracy"] for report in reports]
    folds = [[run["figure"] for run in fold["runs"]] for fold in report["folds"]]
    assert folds == [accuracies[:2], accuracies[2:]]
    first = sum(accuracies[:2]) / 2
    assert report["mean"] == pytest.approx((first + accuracies[2]) / 2)
    videos = [report["videos"] for report in reports]
    assert report["pooled_videos"] == videos[0] + videos[2]
    assert report["pooled_accuracy"] == pytest.approx(
        (first * videos[0] + accuracies[2] * videos[2]) / (videos[0] + videos[2])
    )
    evaluate("--summary", *kept)
    shown = capsys.readouterr().out
    for words in ("mean over 2 folds", "standard deviation", "videos of all folds", "95 % interv"):
        assert words in shown
    # a run with one evaluation stands for it
    evaluate("--summary", "other", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["folds"][0]["runs"][0]["evaluation"] == kept[1]
    with pytest.raises(UsageError, match="run has 2 evaluations that fit"):
        evaluate("--summary", "run", "other")


def test_the_scores_of_runs_are_joined_by_their_weights(
    run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in (run, other):
        evaluate(one, "--shards", "shards", "--average", "probs", "--csv", f"{one}.csv")
    capsys.readouterr()
    evaluate("--fuse", "run:0.33", "other:0.67", "--csv", "joined.csv", "--json")
    report = json.loads(capsys.readouterr().out)
    assert [part["weight"] for part in report["parts"]] == pytest.approx([0.33, 0.67])
    assert all(part["missing"] == [] for part in report["parts"])
    rows = {}
    for name in ("run", "other", "joined"):
        with Path(f"{name}.csv").open() as file:
            rows[name] = sorted(
                csv.DictReader(file), key=lambda row: (row["video"], row["sha256"], row["class"])
            )
    for one, another, joined in zip(*rows.values(), strict=True):
        for number in range(4):
            scores = [float(row[f"class {number}"]) for row in (one, another, joined)]
            assert scores[2] == pytest.approx(0.33 * scores[0] + 0.67 * scores[1], abs=1e-5)
    right = [row["correct"] == "1" for row in rows["joined"]]
    assert report["fused"]["accuracy"] == pytest.approx(np.mean(right))
    evaluate("--fuse", "run", "other")
    shown = capsys.readouterr().out
    for words in ("together", "0.5", "less B", "recognized only together", "McNemar"):
        assert words in shown


def test_what_joining_cant_have_is_refused(run: Path) -> None:
    for options in (["--shards", "shards"], ["--summary"], ["--calibrate"]):
        with pytest.raises(UsageError, match=f"with which {options[0]} doesn't go"):
            evaluate("--fuse", run, run, *options)
    with pytest.raises(UsageError, match="run has no evaluation; make one with `lrcn-eval run"):
        evaluate("--fuse", "run:1", "run:2")


def test_what_a_summary_cant_have_or_an_evaluation_lacks_is_refused(run: Path) -> None:
    for options in (["--shards", "shards"], ["--csv", "a.csv"], ["--calibrate"]):
        with pytest.raises(UsageError, match=f"{options[0]} is for one that is made now; leave"):
            evaluate("--summary", run, *options)
    with pytest.raises(UsageError, match="--shards says what is scored; give it, or --summary"):
        evaluate(run)


def test_a_missing_matplotlib_is_said_before_anything_is_scored(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "lrcn_cli.prepare_torch.find_spec",
        lambda name: None if name == "matplotlib" else find(name),
    )
    with pytest.raises(UsageError, match=r"matplotlib can't be imported.*pip install 'lrcn\[train"):
        evaluate("nowhere", "--shards", "shards", "--confusion", "confusion.png")


def test_shards_of_other_classes_are_refused_with_both_numbers(
    run: Path, make_data_set: MakeDataSet
) -> None:
    make_data_set("other", classes=5, samples={"test": [1]})
    with pytest.raises(UsageError, match="has 5 classes, the run run has 4"):
        evaluate(run, "--shards", "other")


def test_shards_of_another_length_are_refused_with_both_numbers(
    run: Path, make_data_set: MakeDataSet
) -> None:
    make_data_set("longer", classes=4, seq_len=6, samples={"test": [1]})
    with pytest.raises(UsageError, match="has clips of 6 frames, the run run has 4"):
        evaluate(run, "--shards", "longer")


def test_clips_that_were_sampled_otherwise_are_refused_or_recorded(
    run: Path, make_data_set: MakeDataSet, capsys: pytest.CaptureFixture[str]
) -> None:
    make_data_set("faster", classes=4, fps="25", samples={"test": [3]}, sizes=((32, 32),))
    with pytest.raises(UsageError, match=r"faster/test-000\.tar has clips of --fps 25, not 5"):
        evaluate(run, "--shards", "faster")
    capsys.readouterr()
    evaluate(run, "--shards", "faster", "--allow-other-sampling", "--json")
    said = capsys.readouterr()
    assert json.loads(said.out)["differences"] == ["--fps 25, not 5"]
    assert "the clips have --fps 25, not 5 in the training" in said.err


def test_views_are_said_apart_from_clips_and_average_what_a_clip_is(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for views in (["whole"], ["ten-crop", "--crop", "0.2"], ["ten-crop"]):
        capsys.readouterr()
        evaluate(run, "--shards", "shards", "--views", *views, "--json")
        reports.append(json.loads(capsys.readouterr().out))
    for report in reports:
        assert (report["videos"], report["clips"]) == (reports[0]["videos"], 11)
    assert [report["views_a_clip"] for report in reports] == [1, 10, 10]
    assert [report["crop"] for report in reports] == [None, 0.2, 0.125]
    assert len({report["frame_loss"] for report in reports}) == 3
    with pytest.raises(UsageError, match="--crop goes with --views ten-crop, not whole"):
        evaluate(run, "--shards", "shards", "--crop", "0.2")


def test_what_is_no_run_is_refused(run: Path) -> None:
    with pytest.raises(UsageError, match="there is no run nowhere"):
        evaluate("nowhere", "--shards", "shards")


def test_a_csv_that_cant_be_written_is_an_error_with_its_name(run: Path) -> None:
    with pytest.raises(LrcnError, match=r"no/where\.csv can't be written"):
        evaluate(run, "--shards", "shards", "--csv", "no/where.csv")


def test_a_run_is_calibrated_on_val_and_reported_on_test(
    run: Path, make_data_set: MakeDataSet, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ((32, 32),)
    make_data_set("more", samples={"val": [9, 8], "test": [9]}, sizes=sizes, classes=4)
    capsys.readouterr()
    evaluate(run, "--shards", "more", "--json")
    before = json.loads(capsys.readouterr().out)
    assert before["calibrated"] is None
    evaluate(run, "--shards", "more", "--calibrate", "--json", "--csv", "val.csv")
    said = capsys.readouterr()
    fitted = json.loads(said.out)
    assert said.err == ""
    # a folder stands for its val split, and so is not what was reported on
    assert fitted["clips"] == 17
    assert fitted["calibrated"]["nll"] <= fitted["nll"]
    assert fitted["calibrated"]["fitted_on"]["videos"] == fitted["videos"]
    manifest = json.loads(Path("more/dataset.json").read_text())
    hashes = [shard["sha256"] for shard in manifest["shards"] if shard["split"] == "val"]
    assert fitted["calibrated"]["fitted_on"]["shards"] == hashes

    evaluate(run, "--shards", "more", "--json")
    said = capsys.readouterr()
    after = json.loads(said.out)
    assert said.err == ""
    calibrated = after.pop("calibrated")
    assert after == {name: value for name, value in before.items() if name != "calibrated"}
    assert calibrated["temperature"] == fitted["calibrated"]["temperature"]
    assert calibrated["fitted_on"]["shards_scored_here"] == 0

    evaluate(run, "--shards", "more/val-*.tar")
    said = capsys.readouterr()
    assert "fitted on 2 of these 2 shards" in said.err
    assert "videos (few)" in said.out
    with Path("val.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        scores = np.array([float(row[f"class {n}"]) for n in range(4)])
        powers = np.exp(scores / calibrated["temperature"])
        assert float(row["probability"]) == pytest.approx(powers.max() / powers.sum(), rel=1e-3)


def test_a_calibration_on_shards_that_are_no_val_shards_is_warned_of(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    evaluate(run, "--shards", "shards/t*.tar", "--calibrate", "--json")
    assert "fitted on test and train shards" in capsys.readouterr().err


def test_a_temperature_is_only_for_what_it_was_fitted_to(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(run, "--shards", "shards/test-*.tar", "--calibrate")
    capsys.readouterr()
    evaluate(run, "--shards", "shards", "--average", "probs", "--json")
    assert json.loads(capsys.readouterr().out)["calibrated"] is None
    with pytest.raises(UsageError, match="averages, log-probs, not probs; leave --average out"):
        evaluate(run, "--shards", "shards/test-*.tar", "--calibrate", "--average", "probs")
