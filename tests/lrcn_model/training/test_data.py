from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import UsageError
from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.training.data import TrainData
from lrcn_model.training.options import TrainOptions

SIZE = (32, 24)


@pytest.fixture
def shards(make_data_set: Callable[..., Path]) -> Path:
    return make_data_set(samples={"train": [6, 5], "val": [3]}, sizes=(SIZE,))


def open_data(folder: Path, *, ranks: Ranks | None = None, **values: Any) -> TrainData:
    options = TrainOptions().with_values(
        {"shards": (str(folder),), "size": SIZE, "workers": 0, "batch_size": 2, **values}
    )
    return TrainData(options, ranks or Ranks(), choose_processor("cpu", "off"))


def count_batches(data: TrainData, epoch: int, samples_done: int) -> int:
    with closing(data.train_batches(epoch, samples_done)) as batches:
        return sum(1 for _ in batches)


@pytest.mark.parametrize("samples_done", [0, 4, 10])
@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_the_steps_left_are_those_that_the_batches_make(
    shards: Path, samples_done: int, accumulate: int
) -> None:
    data = open_data(shards, accumulate=accumulate)
    batches = count_batches(data, 0, samples_done)
    assert data.steps_left(0, samples_done) == -(-batches // accumulate)


def test_an_epoch_goes_on_after_the_clips_that_are_done(shards: Path) -> None:
    data = open_data(shards)
    with closing(data.train_batches(1, 0)) as batches:
        whole = [batch.keys for batch in batches]
    assert data.samples_done(3) == 6
    with closing(data.train_batches(1, 6)) as batches:
        assert [batch.keys for batch in batches] == whole[3:]
    # counted from where the batches began
    assert data.samples_done(2) == 10
    assert data.samples_done(3) == 11


def test_the_samples_done_are_those_of_all_processes(shards: Path) -> None:
    data = open_data(shards, ranks=Ranks(rank=1, count=2))
    with closing(data.train_batches(0, 0)) as batches:
        next(batches)
    assert data.samples_done(1) == 4


def test_the_mean_is_an_image_a_colour_or_none(shards: Path) -> None:
    image = open_data(shards).mean()
    assert image is not None
    assert image.shape == (3, 24, 32)
    colour = open_data(shards, mean="channel").mean()
    assert colour is not None
    torch.testing.assert_close(colour, image.flatten(1).mean(dim=1))
    assert open_data(shards, mean="none").mean() is None


def test_shards_of_a_single_class_are_refused_unless_it_is_allowed(
    make_data_set: Callable[..., Path],
) -> None:
    folder = make_data_set(classes=1, sizes=(SIZE,))
    with pytest.raises(UsageError, match="has a single class, class 0, of which every answer"):
        open_data(folder)
    assert open_data(folder, allow_one_class=True).warnings() == []


def test_clips_of_one_of_several_classes_are_warned_about(
    make_data_set: Callable[..., Path],
) -> None:
    folder = make_data_set(samples={"train": [1]}, sizes=(SIZE,))
    [sentence] = open_data(folder).warnings()
    assert sentence.startswith("all clips to train on are of one class, class ")


def test_a_single_class_that_is_allowed_makes_no_other_run() -> None:
    allowed = TrainOptions().with_values({"allow_one_class": True})
    assert allowed.loss_values() == TrainOptions().loss_values()


def test_shards_of_another_split_and_shards_named_twice_are_warned_about(shards: Path) -> None:
    assert open_data(shards, val_shards=(str(shards),)).warnings() == []
    val = (str(shards / "val-000.tar"),)
    of_other_split, named_twice = open_data(shards, shards=val, val_shards=val).warnings()
    assert of_other_split.startswith("1 of the shards to train on are of another split")
    assert named_twice == (
        "2 videos (by the SHA-256 of their files) are trained on and validated with; val figures"
        " mean little"
    )


def test_a_training_without_shards_says_how_to_name_them(shards: Path) -> None:
    with pytest.raises(UsageError, match="no shards to train on; name them with --shards"):
        open_data(shards, shards=())


def test_what_is_kept_with_the_weights_says_what_the_clips_are(shards: Path) -> None:
    facts = open_data(shards, average="probs").facts({"epoch": 3})
    assert (facts.classes, facts.seq_len) == (["class 0", "class 1", "class 2"], 4)
    assert (facts.fps, facts.average, facts.trained) == (5, "probs", {"epoch": 3})


def test_shards_of_the_split_that_are_not_named_are_warned_about(shards: Path) -> None:
    [warning] = open_data(shards, shards=(str(shards / "train-000.tar"),)).warnings()
    assert warning.startswith("1 more shards of the train split are not among those named")
    assert warning.endswith("train-001.tar")


def test_a_run_keeps_how_its_clips_were_made(shards: Path) -> None:
    path = shards / "dataset.json"
    manifest = json.loads(path.read_text())
    recipe = {"fps": "5", "seq_len": 4, "sampling": "windows", "stride": 2, "short": "pad"}
    recipe |= {"clips": 1, "size": [32, 24], "quality": 70}
    path.write_text(json.dumps({**manifest, "options": {**recipe, "seed": 3, "check": "full"}}))
    assert open_data(shards).facts({}).recipe == recipe
