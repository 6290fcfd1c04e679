"""What is kept of an evaluation, and that it can be had back."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from lrcn_data.errors import LrcnError
from lrcn_model import Evaluation, ShardDataset, evaluate, load_run, read_evaluation
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.kept_evaluations import kept_evaluations
from lrcn_model.scoring.label_kinds import label_kind
from lrcn_model.scoring.loss_at import UNLABELLED

MakeDataSet = Callable[..., Path]
MakeRun = Callable[..., Path]
KINDS = pytest.mark.parametrize("multi_label", [False, True])


@pytest.fixture
def shards(make_data_set: MakeDataSet) -> Path:
    return make_data_set(samples={"val": [4], "test": [5, 4]}, sizes=((40, 32),), classes=7)


def files(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "evaluations").iterdir())


def same(one: Any, other: Any) -> bool:
    """Whether values are equal, nan being so to itself."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@KINDS
@pytest.mark.parametrize("average", ["log-probs", "probs", "last"])
def test_the_scores_of_every_frame_and_video_are_kept(
    make_data_set: MakeDataSet, make_run: MakeRun, average: str, multi_label: bool
) -> None:
    shards = make_data_set(samples={"test": [5, 4]}, classes=7, multi_label=multi_label)
    run, data = load_run(make_run("run", shards), device="cpu"), ShardDataset(shards)
    found = evaluate(run, shards, average=average, batch_size=2, workers=0)
    assert found.kept is not None
    arrays = np.load(found.kept.with_suffix(".npz"), allow_pickle=False)
    vote = label_kind(multi_label=multi_label).votes[average]
    of_video: dict[int, list[np.ndarray]] = {}
    for number in range(len(data)):
        batch, row = data[number], int(arrays["clip_videos"][number])
        votes_TC = vote.of_frames(run.score(batch))[0].numpy()
        assert arrays["clip_keys"][number] == batch.keys[0]
        assert arrays["videos"][row] == batch.videos[0]
        assert int(arrays["video_sources"][row]) == batch.sources[0]
        valid = int(arrays["num_valid"][number])
        assert valid == int(batch.num_valid[0])
        np.testing.assert_allclose(arrays["frame_scores"][number], votes_TC, rtol=2e-3, atol=2e-3)
        assert arrays["frame_classes"][number].tolist() == batch.frame_labels[0].tolist()
        numbers = np.flatnonzero(arrays["video_classes"][row]).tolist()
        assert numbers == (
            np.flatnonzero(batch.labels[0]).tolist() if multi_label else batch.labels.tolist()
        )
        voting = slice(valid - 1, valid) if average == "last" else slice(valid)
        of_video.setdefault(row, []).extend(votes_TC[voting].astype(np.float64))
    assert arrays["frame_scores"].dtype == np.float16
    assert sorted(of_video) == list(range(len(found.videos)))
    for row, votes in of_video.items():
        np.testing.assert_allclose(arrays["video_scores"][row], np.mean(votes, axis=0), atol=1e-5)
        assert arrays["video_frames"][row] == len(votes)


def test_what_was_scored_and_what_was_found_can_be_read(shards: Path, make_run: MakeRun) -> None:
    found = evaluate(make_run("run", shards), shards, views="flip", workers=0)
    assert found.kept is not None
    assert found.kept.name.startswith("test-flip-log-probs-")
    record = json.loads(found.kept.read_text())
    assert record["figures"] == json.loads(json.dumps(found.report()))
    assert record["weights"] == {"epoch": 1, "step": 5}
    for shard in record["data"]["shards"]:
        assert shard["split"] == "test"
        assert shard["sha256"] == hashlib.sha256(Path(shard["file"]).read_bytes()).hexdigest()
    assert record["made"].keys() == {
        *("time", "seconds", "command", "device", "precision", "lrcn", "torch")
    }


@KINDS
def test_an_evaluation_can_be_had_back_whole(
    make_data_set: MakeDataSet, make_run: MakeRun, multi_label: bool
) -> None:
    shards = make_data_set(samples={"test": [5, 4]}, classes=7, multi_label=multi_label)
    calibration = None if multi_label else Calibration(temperature=1.5, videos=9, shards=["ab"])
    run = make_run("run", shards, calibration=calibration)
    found = evaluate(run, shards, views="whole", workers=0)
    assert found.kept is not None
    again = read_evaluation(found.kept)
    for field in fields(Evaluation):
        one, other = (getattr(evaluation, field.name) for evaluation in (found, again))
        if field.name == "videos":
            one, other = ([asdict(video) for video in videos] for videos in (one, other))
        elif field.name in ("result", "by_class"):
            one, other = asdict(one), asdict(other)
        assert same(one, other), field.name
    assert same(again.report(), found.report())


def test_the_same_evaluation_replaces_itself_and_another_one_lies_beside_it(
    shards: Path, make_run: MakeRun
) -> None:
    run = make_run("run", shards)
    first = evaluate(run, shards, workers=0).kept
    assert first is not None
    scores = first.with_suffix(".npz").read_bytes()
    # in which batches, and how the shards are named, decides nothing
    again = evaluate(run, [str(shards / f"test-00{n}.tar") for n in range(2)], batch_size=9).kept
    assert again == first
    assert first.with_suffix(".npz").read_bytes() == scores
    assert len(files(run)) == 2
    names = {first}
    for values in (
        {"average": "probs"},
        {"views": "flip"},
        {"views": "ten-crop"},
        {"views": "ten-crop", "crop": 0.2},
    ):
        names.add(evaluate(run, shards, workers=0, **values).kept)  # type: ignore[arg-type]
    names.add(evaluate(run, str(shards / "test-000.tar"), workers=0).kept)
    names.add(evaluate(run, str(shards / "val-000.tar"), workers=0).kept)
    names.add(evaluate(load_run(run, amp="bf16", device="cpu"), shards, workers=0).kept)
    make_run("run", shards, trained={"epoch": 2, "step": 10})
    names.add(evaluate(run, shards, workers=0).kept)
    assert len(names) == 9
    assert len(files(run)) == 18
    assert set(kept_evaluations(RunFolder(run))) == names


def test_without_its_record_an_evaluation_is_none(shards: Path, make_run: MakeRun) -> None:
    run = make_run("run", shards)
    kept = evaluate(run, shards, workers=0).kept
    assert kept is not None
    # as it is between the two files
    kept.unlink()
    assert kept_evaluations(RunFolder(run)) == []
    evaluate(run, shards, workers=0)
    assert kept_evaluations(RunFolder(run)) == [kept]


def test_other_scores_than_those_of_the_record_are_refused(shards: Path, make_run: MakeRun) -> None:
    run = make_run("run", shards)
    kept, other = (
        evaluate(run, shards, workers=0, average=average).kept for average in ("log-probs", "probs")
    )
    assert kept is not None
    assert other is not None
    shutil.copy(other.with_suffix(".npz"), kept.with_suffix(".npz"))
    with pytest.raises(LrcnError, match=r"\.npz is not the file that test-.* was written with"):
        read_evaluation(kept)
    kept.with_suffix(".npz").unlink()
    with pytest.raises(LrcnError, match=r"\.npz can't be read: No such file"):
        read_evaluation(kept)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "is no evaluation as lrcn-eval keeps it"),
        ("[1]", "is no evaluation as lrcn-eval keeps it"),
        ("not json", "is no evaluation as lrcn-eval keeps it"),
        ('{"version": 2}', "has version 2, this lrcn reads up to 1; upgrade lrcn"),
    ],
)
def test_what_is_no_evaluation_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "test.json"
    path.write_text(text)
    with pytest.raises(LrcnError, match=said):
        read_evaluation(path)


def test_nothing_is_kept_where_that_is_not_wanted(shards: Path, make_run: MakeRun) -> None:
    run = make_run("run", shards)
    found = evaluate(run, shards, keep=False, workers=0)
    assert (found.kept, found.not_kept) == (None, None)
    assert not (run / "evaluations").exists()


def test_what_has_no_folder_or_cant_write_it_is_evaluated_all_the_same(
    shards: Path, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run("run", shards)
    expected = evaluate(run, shards, keep=False, workers=0).result
    shutil.copy(run / "weights.safetensors", tmp_path / "alone.safetensors")
    store = fsspec.filesystem("memory")
    store.pipe("/kept/weights.safetensors", (run / "weights.safetensors").read_bytes())
    (run / "evaluations").write_text("a file")
    for place, said in (
        (tmp_path / "alone.safetensors", "doesn't lie in the folder of a run"),
        ("memory://kept", "memory://kept doesn't lie in the folder of a run"),
        (run, "evaluations can't be made: File exists"),
    ):
        found = evaluate(place, shards, workers=0)
        assert same(asdict(found.result), asdict(expected))
        assert found.kept is None
        assert said in str(found.not_kept)


def test_a_run_that_is_thrown_away_takes_its_evaluations_along(
    shards: Path, make_run: MakeRun
) -> None:
    run = make_run("run", shards)
    evaluate(run, shards, workers=0)
    (run / "mine.txt").write_text("")
    RunFolder(run).clear()
    assert [path.name for path in run.iterdir()] == ["mine.txt"]


def test_frames_without_a_class_are_kept_as_such(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    shards = make_data_set(samples={"test": [3]}, multi_label=True)
    kept = evaluate(make_run("run", shards), shards, workers=0).kept
    assert kept is not None
    assert (np.load(kept.with_suffix(".npz"))["frame_classes"] == UNLABELLED).all()


def test_clips_of_several_lengths_are_kept_filled_up(make_run: MakeRun) -> None:
    shards = Path(__file__).parents[2] / "golden" / "lengths"
    run, data = load_run(make_run("run", shards), device="cpu"), ShardDataset(shards)
    found = evaluate(run, str(shards / "*.tar"), batch_size=2, workers=0, views="flip")
    assert found.kept is not None
    arrays = np.load(found.kept.with_suffix(".npz"), allow_pickle=False)
    assert arrays["frame_scores"].shape[:2] == (len(data), data.seq_len)
    for number, valid in enumerate(arrays["num_valid"].tolist()):
        assert np.isfinite(arrays["frame_scores"][number, :valid]).all()
        assert np.isnan(arrays["frame_scores"][number, valid:]).all()
        assert (arrays["frame_classes"][number, valid:] == -1).all()
    assert len(set(arrays["num_valid"].tolist())) > 1
