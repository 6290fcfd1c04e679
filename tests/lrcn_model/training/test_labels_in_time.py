"""Trainings on labels in time: windows, carried states, and what becomes of their nets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lrcn_data.errors import UsageError
from lrcn_model import LRCN, NetConfig, Preprocess, ShardDataset, evaluate, load_run, train
from lrcn_model.nets.side_by_side import side_by_side
from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.augmentation import Augmentation, ClipChange
from lrcn_model.reading.recut_clips import RecutClips
from lrcn_model.reading.stream_sampler import StreamSampler
from lrcn_model.scoring.evaluate_in_time import evaluate_in_time
from lrcn_model.training.dry_run import dry_run
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.step import TrainStep

MakeDataSet = Callable[..., Path]

VALUES: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "head": {"name": "gru", "hidden": 5},
    "batch_size": 3,
    "epochs": 3,
    "lr": 1e-2,
    "log_every": 1,
    "device": "cpu",
}
FROZEN = {"pretrained": "before", "freeze": ["cnn"]}
"""What makes a training one of a head on a CNN that was trained before."""

SHARDS: dict[str, Any] = {
    "samples": {"train": [5, 6], "val": [4, 3], "test": [4]},
    "sizes": ((40, 36),),
    "seq_len": 8,
    "labels_in_time": True,
    "recipe": {"sampling": "windows", "stride": 8},
    # of these the carried windows of every step have three frames together, or more: the CNN rounds
    # the features of a single one otherwise
    "seed": 6,
}
CUT = {"window": 5, "window_stride": 3}
CARRIED = {"window": 5, "carry_state": True}


@pytest.fixture
def data(make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of up to two windows of each video; its parent is the current folder."""
    folder = make_data_set(**SHARDS)
    monkeypatch.chdir(folder.parent)
    return folder


def figures(run: str) -> list[dict[str, Any]]:
    """All lines of a run's metrics.jsonl, without its times."""
    lines = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k not in ("clips_per_s", "seconds")} for line in lines
    ]


def trained(data: Path, run: str, **values: Any) -> list[dict[str, Any]]:
    train(data, val_shards=data, out=run, **{**VALUES, **values})
    return figures(run)


def weights(run: str) -> bytes:
    return Path(run, "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    "values",
    [
        {},
        CUT,
        {"window": 0},
        CARRIED,
        {"loss_at": "last", **CUT},
        {"class_weights": "balanced", "label_smoothing": 0.1},
        {"balanced": True, **CUT},
        {"shuffle_window": 1, **CUT},
        {"ema": 0.5, "accumulate": 2, **CARRIED},
        {"smooth": 3, **CUT},
        {"head": {"name": "lstm", "hidden": 4, "bidirectional": True}, "window": 0},
    ],
    ids=str,
)
def test_what_an_epoch_says_of_its_weights_an_evaluation_says_as_well(
    data: Path, values: dict[str, Any]
) -> None:
    epochs = [line for line in trained(data, "run", **values) if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    best = max(epochs, key=lambda line: (line["val_frame_map"], -line["val_frame_loss"]))
    assert [line for line in epochs if line["best"]][-1] == best
    run = load_run("run", device="cpu")
    assert run.facts.trained["val_frame_map"] == best["val_frame_map"]

    # in the same batches: other ones round otherwise, and scores may be so close that ranks change
    batch_size = VALUES["batch_size"]
    found = evaluate_in_time(run, f"{data}/val-*.tar", workers=0, batch_size=batch_size)

    for name in ("frame_map", "frame_accuracy", "f1_50", "edit", "frame_loss"):
        assert getattr(found.result, name) == pytest.approx(best[f"val_{name}"], rel=1e-5), name


@pytest.mark.parametrize("at", ["every", "last"])
@pytest.mark.parametrize("parts", [[[0, 1, 2, 3]], [[0, 1], [2], [3]]], ids=str)
def test_a_step_is_that_of_a_loop_over_frames(data: Path, parts: list[list[int]], at: str) -> None:
    # class 2 counts five times
    class_weights = [1.0, 0.5, 5.0]
    options = TrainOptions().with_values(
        {"cnn": "small", "size": (32, 32), "lstm_hidden": 8, "dropout": 0.0},
        {"mean": "none", "optimizer": "sgd", "loss_at": at},
    )
    step = TrainStep(
        options,
        classes=3,
        mean=None,
        processor=choose_processor("cpu", "off"),
        ranks=Ranks(),
        labels_in_time=True,
        class_weights=torch.tensor(class_weights),
    )
    dataset = ShardDataset(data, split="train")
    batches = [dataset.__getitems__(part) for part in parts]
    found = step.run(batches, step=0, epoch=0, lr=0.1).read()

    torch.manual_seed(options.seed)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), lstm_hidden=8, dropout=0.0))
    losses, counted = [], 0.0
    for batch in batches:
        scores = net(Preprocess((32, 32))(batch), batch.num_valid)
        for clip, labels in enumerate(batch.frame_labels.tolist()):
            frames = [frame for frame, label in enumerate(labels) if label != -1]
            for frame in frames if at == "every" else frames[-1:]:
                log_probs = functional.log_softmax(scores[clip, frame], dim=0)
                weight = class_weights[labels[frame]]
                losses.append(-weight * log_probs[labels[frame]])
                counted += weight
    loss = sum(losses) / counted
    assert found.mean_loss == pytest.approx(loss.item(), rel=1e-5)
    loss.backward()
    with torch.no_grad():
        for (name, mine), naive in zip(step.net.named_parameters(), net.parameters(), strict=True):
            expected = naive - 0.1 * naive.grad
            torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    "values",
    [
        {},
        CUT,
        {"window": 0, "head": {"name": "gru", "hidden": 5, "bidirectional": True}, "dropout": 0.3},
        {**CARRIED, "ema": 0.9},
        {**CUT, "mixup": 0.4, "class_weights": "balanced"},
        {"window": 0, "mixup": 0.4},
        {**CUT, "flip": 0.5, "crop": 0.3, "fixed_views": 2},
        {**CARRIED, "flip": 0.5, "crop": 0.3, "fixed_views": 2},
    ],
    ids=str,
)
def test_a_head_learns_the_same_from_cached_features(data: Path, values: dict[str, Any]) -> None:
    # a fully connected layer rounds the features of three frames otherwise than those of many
    layers = ({"conv": 6, "pool": 2}, {"conv": 8, "batch_norm": True}, {"global_pool": "mean"})
    values = {"cnn": {"name": "layers", "layers": layers}, **values}
    train(data, out="before", **{**VALUES, **values, "epochs": 1, "mixup": 0})
    with_cache = trained(data, "with", **FROZEN, **values)

    assert Path("features").exists()
    assert with_cache == trained(data, "without", **FROZEN, **values, cache="off")
    assert weights("with") == weights("without")


def test_contrast_that_is_about_a_window_s_own_mean_is_not_cached(data: Path) -> None:
    train(data, out="before", **{**VALUES, "epochs": 1})
    trained(data, "cut", **FROZEN, **CUT, jitter=0.3, fixed_views=2)
    assert not Path("features").exists()
    trained(data, "stored", **FROZEN, jitter=0.3, fixed_views=2)
    assert Path("features").exists()


def test_windows_of_a_video_are_varied_alike_in_an_epoch_that_carries_its_state(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[int, set[str]] = {}
    draw = Augmentation.draw

    def noted(self: Augmentation, indices: Tensor, *, seed: int, epoch: int) -> list[ClipChange]:
        changes = draw(self, indices, seed=seed, epoch=epoch)
        drawn.setdefault(epoch, set()).update(map(repr, changes))
        return changes

    monkeypatch.setattr(Augmentation, "draw", noted)
    trained(data, "run", **CARRIED, crop=0.5, epochs=2)

    videos = len({*ShardDataset(data, split="train").sources.tolist()})
    assert len(drawn[0]) == len(drawn[1]) == videos < len(load_windows(data, 5))
    assert drawn[0] != drawn[1]


def test_a_net_learns_the_same_from_decoded_frames(data: Path) -> None:
    learning = trained(data, "shards", **CUT, flip=0.5)
    assert trained(data, "host", **CUT, flip=0.5, cache="host") == learning


@pytest.mark.parametrize("values", [CARRIED, pytest.param(CUT, marks=pytest.mark.long)], ids=str)
def test_readers_of_any_number_make_the_same_training(data: Path, values: dict[str, Any]) -> None:
    alone = trained(data, "alone", **values, workers=0, epochs=2)
    assert trained(data, "two", **values, workers=2, epochs=2) == alone


def test_a_carried_state_scores_as_the_whole_video_at_once(data: Path) -> None:
    trained(data, "run", **CARRIED)
    run = load_run("run", device="cpu")
    whole = replace(run, facts=replace(run.facts, window=0, carry_state=False))

    for batch_size in (1, 3):
        found, at_once = (
            evaluate_in_time(one, data, batch_size=batch_size, workers=0, keep=False)
            for one in (run, whole)
        )
        for track, same in zip(found.tracks, at_once.tracks, strict=True):
            assert track.identity == same.identity
            assert track.positions.tolist() == list(range(len(track.labels)))
            assert track.scores == pytest.approx(same.scores, abs=1e-5)


def test_steps_that_carry_states_are_those_of_a_loop_over_windows(data: Path) -> None:
    net_values = {"cnn": "small", "size": (32, 32), "lstm_hidden": 8, "dropout": 0.0}
    options = TrainOptions().with_values(net_values, CARRIED, {"mean": "none", "optimizer": "sgd"})
    step = TrainStep(
        options,
        classes=3,
        mean=None,
        processor=choose_processor("cpu", "off"),
        ranks=Ranks(),
        labels_in_time=True,
    )
    windows = RecutClips.cut(ShardDataset(data, split="train"), length=5, stride=None)
    batches = [windows.__getitems__(numbers) for numbers in StreamSampler(windows, batch_size=2)]
    found = [
        step.run([batch], step=number, epoch=0, lr=0.1).read().mean_loss
        for number, batch in enumerate(batches)
    ]

    torch.manual_seed(options.seed)
    net = LRCN(NetConfig(classes=3, **net_values))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    states: dict[str, Any] = {}
    losses, begun = [], 0
    for batch in batches:
        lengths = batch.num_valid.tolist()
        features = net.features(Preprocess((32, 32))(batch), batch.num_valid)
        if features.dim() == 2:
            features = side_by_side(features, lengths)
        scores, labels = [], []
        for window, (video, length) in enumerate(zip(batch.videos, lengths, strict=True)):
            begun += video not in states
            of_window, state = net.score_features(
                features[window : window + 1, :length], None, states.get(video)
            )
            states[video] = tuple(part.detach() for part in state)
            scores.append(of_window[0])
            labels.append(batch.frame_labels[window, :length])
        loss = functional.cross_entropy(torch.cat(scores), torch.cat(labels), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert begun == len(states) < len(windows)
    assert found == pytest.approx(losses, rel=1e-4)


@pytest.mark.parametrize("values", [CUT, {**CARRIED, "ema": 0.9}, {"window": 0}], ids=str)
def test_a_training_that_goes_on_is_one_that_never_stopped(
    data: Path, values: dict[str, Any]
) -> None:
    whole = trained(data, "whole", **values)
    trained(data, "run", **values, epochs=1)
    train(resume="run", epochs=3)
    assert figures("run") == whole
    assert weights("run") == weights("whole")


def test_a_dry_run_of_carried_states_takes_windows_that_begin_their_videos(
    data: Path, seen: list[int]
) -> None:
    values = {**VALUES, **CARRIED, "shards": (str(data),)}
    found = dry_run(TrainOptions().with_values(values), RunChoice())

    assert seen[-1] == 3 * 5
    assert found.clips == len(load_windows(data, 5))
    dry_run(TrainOptions().with_values({**values, "window": 0, "carry_state": False}), RunChoice())


def load_windows(data: Path, length: int) -> list[int]:
    """The lengths of the windows of so many frames that follow one another in the train videos."""
    dataset, found = ShardDataset(data, split="train"), []
    frames: dict[str, int] = {}
    for number in range(len(dataset)):
        record = dataset.data_set.read_sample(number).record
        frames[record.video] = frames.get(record.video, 0) + record.num_valid
    for count in frames.values():
        found += [min(length, count - start) for start in range(0, count, length)]
    return found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"window_stride": 3}, "--window-stride 3 says how far --window moves; give its length"),
        ({"window": 0, "window_stride": 3}, "--window-stride 3 says how far --window moves"),
        ({"carry_state": True}, "--carry-state goes through videos in windows; give their length"),
        ({"window": 0, "carry_state": True}, "--carry-state goes through videos in windows"),
        ({**CARRIED, "window_stride": 2}, "none to come; leave --window-stride out"),
        ({**CARRIED, "balanced": True}, "none to come; leave --balanced out"),
        ({**CARRIED, "shuffle_window": 1}, "none to come; leave --shuffle-window out"),
        ({**CARRIED, "mixup": 0.2}, "none to come; leave --mixup out"),
        ({**CARRIED, "compile": True}, "none to come; leave --compile out"),
        ({**CARRIED, "smooth": 3}, "none to come; leave --smooth out"),
        ({"smooth": 2}, "--smooth takes an odd number of frames"),
        ({**CARRIED, "head": "mean"}, "--head mean looks at frames to come; take a causal head"),
        ({**CUT, "loss_at": "last", "head": "mean"}, "--loss-at last of a --window goes on from"),
        ({"window": 4, "reader": "webdataset"}, "--window 4 goes with --reader shards"),
        ({"loss_at": "mean"}, "--loss-at mean is against the class of a whole clip"),
        ({"average": "last"}, "--average last is how a video's class follows"),
        ({**CUT, "window": 30, "mixup": 0.2}, "--mixup 0.2 mixes frames of clips of one length"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused_in_one_line(
    data: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as error:
        train(data, out="run", **{**VALUES, **values})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_shards_of_other_labels_or_samplings_are_refused(
    data: Path, make_data_set: MakeDataSet
) -> None:
    whole = make_data_set("whole", samples=SHARDS["samples"], seq_len=8)
    blocks = make_data_set("blocks", **{**SHARDS, "recipe": {"sampling": "blocks"}})
    with pytest.raises(UsageError, match="has labels of whole clips, and --window cuts videos"):
        train(whole, out="run", **VALUES, window=4)
    with pytest.raises(UsageError, match="--smooth 3 averages frames around a frame, and these"):
        train(whole, out="run", **VALUES, smooth=3)
    for values in ({}, CUT):
        with pytest.raises(UsageError, match="made with --sampling blocks; make shards with"):
            train(blocks, out="run", **VALUES, **values)
    with pytest.raises(UsageError, match=r"has one label a clip, .* labels in time"):
        train(data, val_shards=whole, out="run", **VALUES)
    train(data, out="run", **{**VALUES, "epochs": 1})
    with pytest.raises(UsageError, match="made with --sampling blocks; make shards with"):
        evaluate_in_time("run", blocks, allow_other_sampling=True)
    with pytest.raises(UsageError, match=r"labels in time; score it with evaluate_in_time\(\)"):
        evaluate("run", data)
    train(whole, out="other", **{**VALUES, "epochs": 1})
    with pytest.raises(UsageError, match=r"or several; score it with evaluate\(\)"):
        evaluate_in_time("other", whole)
    with pytest.raises(UsageError, match="has one label a clip, the run run has labels in time"):
        evaluate_in_time("run", whole)


def test_windows_are_cut_from_stored_ones_of_any_length(
    data: Path, make_data_set: MakeDataSet
) -> None:
    other = make_data_set(
        "other", **{**SHARDS, "seq_len": 6, "recipe": {"sampling": "windows", "stride": 6}}
    )
    train(data, val_shards=other, out="cut", **VALUES, **CUT)
    assert evaluate_in_time("cut", other, keep=False).result.frames
    train(data, out="stored", **VALUES)
    with pytest.raises(UsageError, match="has clips of 6 frames, the run stored has 8"):
        evaluate_in_time("stored", other, keep=False)


def test_a_run_says_what_it_was_trained_on(data: Path) -> None:
    trained(data, "run", **CARRIED, class_weights="balanced", epochs=1)
    assert json.loads(Path("run/run.json").read_bytes())["labels_in_time"] is True
    config = Path("run/config.toml").read_text()
    for line in ("window = 5", "carry_state = true", 'class_weights = "balanced"'):
        assert line in config
    facts = load_run("run", device="cpu").facts
    assert (facts.labels_in_time, facts.window, facts.carry_state) == (True, 5, True)


def test_a_video_twice_side_by_side_is_refused(data: Path, make_data_set: MakeDataSet) -> None:
    again = make_data_set("again", **SHARDS)
    with pytest.raises(Exception, match="come side by side; where states are carried, name") as e:
        train([data, again], out="run", **{**VALUES, **CARRIED, "batch_size": 12})
    assert "\n" not in str(e.value)


def test_a_single_class_teaches_nothing_though_some_frames_have_none(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    data = make_data_set(**{**SHARDS, "samples": {"train": [8]}}, classes=1)
    with pytest.raises(UsageError, match="has a single class"):
        train(data, out=tmp_path / "run", **VALUES)
