"""Training on clips with sets of classes: steps, the best epoch, and what doesn't go together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from lrcn_data.errors import UsageError
from lrcn_model import evaluate, load_run, train
from lrcn_model.nets.net import LRCN, NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.set_scorer import SetResult, SetScorer
from lrcn_model.scoring.trained_run import save_weights
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.progress import score_of
from lrcn_model.training.step import TrainStep

MakeDataSet = Callable[..., Path]
NET: dict[str, Any] = {"cnn": "small", "size": (32, 32), "lstm_hidden": 8, "dropout": 0.0}
VALUES: dict[str, Any] = {**NET, "epochs": 2, "workers": 0, "device": "cpu"}
TWO = {"train": [3, 2], "val": [4], "test": [4]}


@pytest.fixture
def sets(make_data_set: MakeDataSet) -> Path:
    return make_data_set("sets", samples=TWO, multi_label=True)


@pytest.fixture
def ones(make_data_set: MakeDataSet) -> Path:
    return make_data_set("ones", samples=TWO)


@pytest.mark.parametrize("parts", [[[0, 1, 2, 3, 4]], [[0, 1], [2], [3, 4]]])
def test_a_step_is_that_of_a_loop_over_clips_and_frames(sets: Path, parts: list[list[int]]) -> None:
    options = TrainOptions().with_values(NET, {"mean": "none", "optimizer": "sgd"})
    step = TrainStep(
        options,
        classes=3,
        mean=None,
        processor=choose_processor("cpu", "off"),
        ranks=Ranks(),
        multi_label=True,
    )
    dataset = ShardDataset(sets, split="train")
    batches = [dataset.__getitems__(part) for part in parts]
    figures = step.run(batches, step=0, epoch=0, lr=0.1).read()
    torch.manual_seed(options.seed)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), lstm_hidden=8, dropout=0.0))
    losses = []
    for batch in batches:
        scores = net(Preprocess((32, 32))(batch), batch.num_valid)
        for clip in range(len(batch)):
            wanted = batch.labels[clip].float()
            frames = [
                functional.binary_cross_entropy(scores[clip, frame].sigmoid(), wanted)
                for frame in range(int(batch.num_valid[clip]))
            ]
            losses.append(sum(frames) / len(frames))
    loss = sum(losses) / len(losses)
    assert figures.mean_loss == pytest.approx(loss.item(), rel=1e-5)
    loss.backward()
    with torch.no_grad():
        for (name, mine), naive in zip(step.net.named_parameters(), net.parameters(), strict=True):
            expected = naive - 0.1 * naive.grad
            torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_a_run_keeps_the_epoch_with_the_best_map_and_is_scored_alike(
    sets: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train(str(sets), val_shards=str(sets), out=run, **VALUES)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    best = max(epochs, key=lambda e: (e["val_mean_average_precision"], -e["val_frame_loss"]))
    assert [line for line in epochs if line["best"]][-1] == best
    trained = load_run(run)
    assert trained.facts.multi_label
    assert trained.facts.trained["val_mean_average_precision"] == best["val_mean_average_precision"]
    result = evaluate(trained, str(sets / "val-*.tar"), workers=0).result
    assert isinstance(result, SetResult)
    assert result.mean_average_precision == pytest.approx(best["val_mean_average_precision"])
    assert json.loads((run / "run.json").read_bytes())["multi_label"] is True


def test_a_run_of_one_class_a_clip_says_nothing_of_sets(ones: Path, tmp_path: Path) -> None:
    train(str(ones), out=tmp_path / "run", **VALUES | {"epochs": 1})
    assert "multi_label" not in json.loads((tmp_path / "run/run.json").read_bytes())
    assert not load_run(tmp_path / "run").facts.multi_label


@pytest.mark.parametrize("first", ["sets", "ones"])
def test_shards_to_train_on_and_to_validate_with_must_be_labelled_alike(
    sets: Path, ones: Path, tmp_path: Path, first: str
) -> None:
    one, other = (sets, ones) if first == "sets" else (ones, sets)
    remedy = "make shards with" if first == "sets" else "make shards without"
    with pytest.raises(UsageError, match=f"labels? a clip.*{remedy}.*--multi-label"):
        train(str(one), val_shards=str(other), out=tmp_path / "run", **VALUES)


def test_a_run_is_scored_on_and_begins_with_what_is_labelled_as_its_clips(
    sets: Path, ones: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train(str(ones), out=run, **VALUES | {"epochs": 1})
    with pytest.raises(UsageError, match="has several labels a clip, the run"):
        evaluate(run, str(sets))
    with pytest.raises(UsageError, match="was trained on one label a clip"):
        train(str(sets), init=str(run), out=tmp_path / "other", **VALUES)


def test_older_versions_refuse_the_weights(sets: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    train(str(sets), out=tmp_path / "run", **VALUES | {"epochs": 1})
    path = tmp_path / "run/weights.safetensors"
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["lrcn"])["version"] == 3
    trained = load_run(path)
    facts = replace(trained.facts, multi_label=False)
    save_weights(tmp_path / "one.safetensors", trained.net, trained.preprocess, facts)
    with safe_open(tmp_path / "one.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["lrcn"])["version"] == 2


def test_balancing_clips_of_several_classes_is_refused(sets: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--balanced"):
        train(str(sets), balanced=True, out=tmp_path / "run", **VALUES)


def test_a_single_class_is_a_question_where_some_clips_don_t_have_it(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    one = make_data_set("one", samples={"train": [8]}, classes=1, multi_label=True)
    assert 0 < ShardDataset(one).class_counts()[0] < 8
    train(str(one), out=tmp_path / "run", **VALUES | {"epochs": 1})
    ones = make_data_set("ones", samples={"train": [8]}, classes=1)
    with pytest.raises(UsageError, match="has a single class"):
        train(str(ones), out=tmp_path / "other", **VALUES)


def test_of_clips_to_validate_with_that_have_no_class_the_loss_decides() -> None:
    nothing = SetScorer(3).result()
    worse, better = (replace(nothing, frame_loss=loss) for loss in (0.5, 0.4))
    assert score_of(worse) < score_of(better)
