"""The page of a run: what it shows, that names stay text, and that it is whole in itself."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lrcn_cli.report import describe
from PIL import Image

from lrcn_data.errors import UsageError
from lrcn_model import evaluate, write_report
from lrcn_model.scoring.evaluation import ScoredShard
from lrcn_model.scoring.kept_evaluations import write_evaluation
from tests.lrcn_model.reporting.page_data import data_of, parsed

MakeDataSet = Callable[..., Path]
MakeRun = Callable[..., Path]

STEP = '{"kind": "step", "step": 1, "epoch": 1, "loss": 1.5, "lr": 0.1, "clips_per_s": 3.0}\n'
EPOCH = '{"kind": "epoch", "step": 2, "epoch": 1, "loss": 1.2, "accuracy": 0.25}\n'


@pytest.fixture
def shards(make_data_set: MakeDataSet) -> Path:
    return make_data_set(samples={"test": [9, 8]}, sizes=((40, 32), (24, 40)), classes=7)


@pytest.fixture
def run(shards: Path, make_run: MakeRun) -> Path:
    """A run that was evaluated."""
    folder = make_run("run", shards)
    evaluate(folder, shards, workers=0)
    return folder


def test_the_clips_of_a_page_have_the_scores_that_were_kept_and_the_frames_of_the_shards(
    run: Path, shards: Path
) -> None:
    report = write_report([run])
    page = report.path.read_text()
    assert report.path == run / "report.html"
    [kept] = (run / "evaluations").glob("*.npz")
    arrays = np.load(kept)
    data = data_of(page)
    clips = data["runs"][0]["clips"]
    assert len(clips) == report.clips == report.pictures == len(arrays["videos"])
    for clip in clips:
        numbers = np.flatnonzero(arrays["videos"] == clip["v"])
        [video] = [n for n in numbers if np.flatnonzero(arrays["video_classes"][n]) == clip["t"]]
        assert clip["f"] == [int(arrays["video_scores"][video].argmax())]
        assert clip["ok"] == (clip["f"] == clip["t"])
        # of a video's clips one is shown
        fitting = []
        for row in np.flatnonzero(arrays["clip_videos"] == video):
            valid = arrays["num_valid"][row]
            probs = np.exp(arrays["frame_scores"][row, :valid].astype(float))[:, clip["k"]].T
            shown = np.array(clip["q"]) / 1000
            fitting.append(probs.shape == shown.shape and np.allclose(probs, shown, atol=2e-3))
        assert any(fitting)
        assert len(clip["x"]) == len(clip["a"])
        encoded = data["strips"][clip["s"]].partition(",")[2]
        strip = Image.open(io.BytesIO(base64.b64decode(encoded)))
        assert strip.width / strip.height == pytest.approx(
            len(clip["a"]) * (40 / 32 if strip.width / len(clip["a"]) > strip.height else 24 / 40),
            rel=0.1,
        )


def test_a_page_shows_figures_intervals_and_all_cells_of_the_confusion_matrix(run: Path) -> None:
    page = write_report([run]).path.read_text()
    [kept] = (run / "evaluations").glob("*.json")
    figures = json.loads(kept.read_text())["figures"]
    texts, _, _ = parsed(page)
    assert f"{100 * figures['accuracy']:.1f} %" in texts
    low, high = figures["intervals"]["accuracy"]
    assert f"95 % interval {100 * low:.1f} to {100 * high:.1f}" in texts
    assert f"{100 * figures['frame_accuracy']:.1f} %" in texts
    counts = [
        (label, found, times)
        for label, row in enumerate(figures["confusion"])
        for found, times in enumerate(row)
        if times
    ]
    assert counts
    for label, found, times in counts:
        said = f"class {label} as class {found}: {times}"
        assert f'data-cell="{label} {found}" aria-label="{said}">{times}</button>' in page


def test_names_of_classes_and_videos_stay_text(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    names = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "\"'&{{ 7 * 7 }}",
    ]
    shards = make_data_set(samples={"test": [16]}, classes=3, class_names=names)
    run = make_run("<b>run", shards)
    evaluate(run, shards, workers=0)
    page = write_report([run]).path.read_text()
    texts, addresses, tags = parsed(page)
    assert (tags.count("script"), tags.count("img"), tags.count("b")) == (1, 0, page.count("<b>"))
    assert data_of(page)["runs"][0]["classes"] == names
    assert set(names) <= set(texts)
    assert not any("onerror" in one for one in addresses)
    assert str(run) in texts


def test_a_page_asks_the_network_for_nothing(run: Path) -> None:
    (run / "metrics.jsonl").write_text(STEP + EPOCH)
    page = write_report([run]).path.read_text()
    _, addresses, tags = parsed(page)
    assert "uPlot=function" in page
    assert "Leon Sorokin" in page, "the licence goes where the library goes"
    assert {one.partition(":")[0].partition("#")[0] for one in addresses} <= {"", "data"}
    for address in ("http:", "https:", "//cdn", "@import", "url("):
        assert address not in page
    assert "link" not in tags or page.count("<link") == 1


def test_while_a_training_runs_its_page_has_curves_and_the_command_that_evaluates_it(
    shards: Path, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run("run", shards)
    (run / "config.toml").write_text(
        f'shards = ["{shards}/train-*.tar"]\ncnn = "small"\nepochs = 9\n'
    )
    (run / "metrics.jsonl").write_text(STEP + EPOCH + STEP[:40])
    report = write_report([run], tmp_path / "page.html")
    assert (report.evaluated, report.clips) == (0, 0)
    assert f"{run} has no evaluation" in report.notes[0]
    page = report.path.read_text()
    texts, _, _ = parsed(page)
    assert f"lrcn-eval {run} --shards '{shards}/test-*.tar'" in texts
    assert "1 of 9 epochs" in texts
    titles = [plot["title"] for plot in data_of(page)["plots"]]
    assert titles == ["loss", "accuracy", "learning rate", "clips a second"]


def test_a_run_that_has_just_begun_has_a_page(shards: Path, make_run: MakeRun) -> None:
    page = write_report([make_run("run", shards)]).path.read_text()
    assert "uPlot=function" not in page, "what draws curves is there with curves only"


def test_where_the_shards_are_gone_the_page_has_no_pictures_and_says_so(
    run: Path, shards: Path
) -> None:
    shutil.rmtree(shards)
    report = write_report([run])
    assert report.pictures == 0
    assert report.clips > 0
    assert str(shards) in report.notes[0]
    texts, _, _ = parsed(report.path.read_text())
    assert any("there are no pictures" in text for text in texts)
    assert report.notes[0] in texts


def test_other_shards_in_the_place_of_those_scored_are_not_shown(
    run: Path, shards: Path, make_data_set: MakeDataSet
) -> None:
    shutil.rmtree(shards)
    make_data_set(samples={"test": [9, 8]}, sizes=((40, 32), (24, 40)), classes=7, seed=1)
    report = write_report([run])
    assert report.pictures == 0
    assert "has changed since it was scored" in report.notes[0]


def test_shards_are_found_from_another_folder_than_the_evaluations(
    shards: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("run", shards)
    monkeypatch.chdir(shards.parent)
    evaluate("run", "shards", workers=0)
    monkeypatch.chdir("/")
    assert write_report([run]).pictures > 0


def test_no_more_clips_are_shown_than_asked_for_and_the_wrong_ones_first(run: Path) -> None:
    report = write_report([run], clips=4)
    [shown] = data_of(report.path.read_text())["runs"]
    assert report.clips == report.pictures == len(shown["clips"]) == 4
    assert [clip["ok"] for clip in shown["clips"]].count(0) >= 3


@pytest.mark.parametrize("multi_label", [False, True])
def test_two_runs_are_compared_and_share_pictures(
    make_data_set: MakeDataSet, make_run: MakeRun, multi_label: bool
) -> None:
    shards = make_data_set(samples={"test": [9, 8]}, classes=7, multi_label=multi_label)
    runs = [make_run(name, shards, seed=seed) for seed, name in enumerate(("one", "other"))]
    for run in runs:
        evaluate(run, shards, workers=0)
    report = write_report(runs, runs[0] / "both.html")
    page = report.path.read_text()
    data = data_of(page)
    one, other = (run["clips"] for run in data["runs"])
    assert [clip["i"] for clip in one] == [clip["i"] for clip in other]
    assert [clip["v"] for clip in one] == [clip["v"] for clip in other]
    assert describe(report).split(", ")[2:4] == [
        f"{report.clips} clips",
        f"with the frames of {report.pictures}",
    ]
    assert len(data["strips"]) == report.pictures <= 2 * report.clips
    texts, _, _ = parsed(page)
    assert "A less B" in texts
    if multi_label:
        assert "mean average precision (mAP)" in texts
        assert all(clip["p"] is None for clip in one)
        return
    agree = [
        sum(a["ok"] == x and b["ok"] == y for a, b in zip(one, other, strict=True))
        for x in (1, 0)
        for y in (1, 0)
    ]
    for name, count in zip(("11", "10", "01", "00"), agree, strict=True):
        assert f'data-agree="{name}">{count}</button>' in page
    assert "McNemar's exact test:" in texts


def test_runs_that_were_evaluated_on_other_videos_are_not_compared(
    run: Path, make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    others = make_data_set("others", samples={"test": [4]}, classes=7, seed=3)
    other = make_run("other", others)
    evaluate(other, others, workers=0)
    texts, _, _ = parsed(write_report([run, other]).path.read_text())
    assert any("evaluate both on the same shards" in text for text in texts)


def test_of_several_evaluations_the_newest_of_test_shards_is_shown_or_the_one_that_is_named(
    run: Path, shards: Path
) -> None:
    [first] = (run / "evaluations").glob("*.json")
    record = json.loads(first.read_text())
    record["made"]["time"] = "2001-01-01T00:00:00+00:00"
    first.write_text(json.dumps(record))
    evaluate(run, shards, views="flip", workers=0)
    assert "2001-01-01" not in write_report([run]).path.read_text()
    assert "2001-01-01" in write_report([first], run / "first.html").path.read_text()


@pytest.mark.parametrize("deeper", ["evaluations", "evaluations/old/older"])
def test_an_evaluation_that_is_named_is_of_the_nearest_run_around_it(
    run: Path, deeper: str
) -> None:
    (run.parent / "config.toml").write_text("epochs = 3\n")
    [named] = (run / "evaluations").glob("*.json")
    (run / deeper).mkdir(parents=True, exist_ok=True)
    for path in (named.with_suffix(".npz"), named):
        path.rename(run / deeper / path.name)
    report = write_report([run / deeper / named.name])
    assert (report.path, report.runs) == (run / "report.html", [str(run)])
    assert report.clips > 0


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no run: it has no config\.toml"):
        write_report([tmp_path])
    with pytest.raises(UsageError, match="--clips must be at least 0, got -1"):
        write_report([tmp_path], clips=-1)


def test_a_page_of_hundreds_of_classes_and_clips_stays_small(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    shards = make_data_set(samples={"test": [205]}, sizes=((64, 48),), classes=101, seq_len=5)
    run = make_run("run", shards)
    evaluate(run, shards, workers=0)
    report = write_report([run])
    assert report.clips == 200
    assert report.bytes == report.path.stat().st_size <= 4_000_000


def test_of_a_long_clip_frames_are_shown_that_are_evenly_spread(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    shards = make_data_set(samples={"test": [4]}, sizes=((16, 16),), seq_len=150)
    run = make_run("run", shards)
    evaluate(run, shards, workers=0)
    data = data_of(write_report([run]).path.read_text())
    long = [clip for clip in data["runs"][0]["clips"] if len(clip["a"]) == 64]
    assert long
    for clip in long:
        steps = np.diff(clip["x"])
        # a frame is 0.2 s
        assert steps.max() - steps.min() < 0.21
        strip = data["strips"][clip["s"]].partition(",")[2]
        width, height = Image.open(io.BytesIO(base64.b64decode(strip))).size
        assert width == 16 * height


def test_a_run_that_only_its_training_has_scored_is_shown_without_clips(
    run: Path, tmp_path: Path
) -> None:
    [kept] = (run / "evaluations").glob("*.json")
    arrays = np.load(kept.with_suffix(".npz"))
    record = json.loads(kept.read_text())
    # as a training keeps it: no intervals, and the scores of videos alone
    figures = record["figures"] | {"intervals": {}}
    of_videos = {name: arrays[name] for name in arrays if name.startswith("video")}
    shards = [ScoredShard(**shard) for shard in record["data"]["shards"]]
    shown = {name: record[name] for name in ("run", "weights", "made")}
    write_evaluation(run / "validation.json", shown | {"figures": figures}, shards, of_videos)
    shutil.rmtree(run / "evaluations")
    report = write_report([run], tmp_path / "page.html")
    assert (report.evaluated, report.clips) == (0, 0)
    assert f"{run} has no evaluation" in report.notes[0]
    page = report.path.read_text()
    texts, _, _ = parsed(page)
    assert "data-cell=" not in page
    assert f"{100 * figures['accuracy']:.1f} %" in texts
    assert "Recognition: videos" in texts
    assert "Detection: frames" not in texts
    assert not any("opens its clips" in text or "95 %" in text for text in texts)
