from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import UsageError
from lrcn_model import train
from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.loss import clip_losses
from lrcn_model.training.mixup import Mixing, draw_mixing
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step import TrainStep

LENGTHS = Path(__file__).parents[2] / "golden" / "lengths"
VALUES: dict[str, Any] = {"cnn": "small", "size": (32, 32), "mean": "none", "dropout": 0.0}


@pytest.fixture
def data(make_data_set: Callable[..., Path]) -> ShardDataset:
    return ShardDataset(make_data_set(samples={"train": [6]}, sizes=((32, 32),), seq_len=3))


def test_frames_and_losses_are_weighted_means_of_two_clips(data: ShardDataset) -> None:
    batch = data.__getitems__([0, 1, 2])
    mixing = Mixing(partners=torch.tensor([2, 0, 1]), share=0.75)
    values = torch.arange(6.0).view(3, 2)
    expected = 0.75 * values + 0.25 * values[[2, 0, 1]]
    torch.testing.assert_close(mixing.seen(values), expected)
    longest = [max(batch.num_valid[i], batch.num_valid[j]) for i, j in ((0, 2), (1, 0), (2, 1))]
    assert mixing.lengths(batch.num_valid).tolist() == longest

    scores = torch.randn(3, 3, 3)

    def of(clips: Any) -> Any:
        return clip_losses(scores, clips.frame_labels, clips.labels, clips.num_valid)

    partners = data.__getitems__([2, 0, 1])
    found = mixing.losses(batch, of)
    torch.testing.assert_close(found.loss, 0.75 * of(batch).loss + 0.25 * of(partners).loss)
    assert found.clips == 3
    assert float(found.correct) == pytest.approx(
        0.75 * float(of(batch).correct) + 0.25 * float(of(partners).correct)
    )


def test_shares_are_of_the_beta_distribution(data: ShardDataset) -> None:
    torch.manual_seed(0)
    batch = data.__getitems__([0, 1, 2, 3])
    drawn = [draw_mixing(batch, 0.4) for _ in range(2000)]
    shares = torch.tensor([one.share for one in drawn])
    # the variance of Beta(a, a) is 1 / (4 (2 a + 1))
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(1 / (4 * 1.8), abs=0.01)
    assert all(sorted(one.partners.tolist()) == [0, 1, 2, 3] for one in drawn)


def test_a_step_is_repeatable_and_is_that_of_the_mixed_clips(data: ShardDataset) -> None:
    def weights(mixup: float) -> list[torch.Tensor]:
        options = TrainOptions().with_values({**VALUES, "mixup": mixup})
        cpu = choose_processor("cpu", "off")
        step = TrainStep(options, classes=3, mean=None, processor=cpu, ranks=Ranks())
        figures = step.run([data.__getitems__([0, 1, 2, 3])], step=5, epoch=0, lr=0.1).read()
        assert figures.clips == 4
        return [value.detach().clone() for value in step.net.parameters()]

    mixed, again, plain = weights(0.4), weights(0.4), weights(0.0)
    assert all(map(torch.equal, mixed, again))
    assert not all(map(torch.equal, mixed, plain))


def test_clips_of_several_lengths_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--mixup 0.4 mixes frames of clips of one length"):
        train(LENGTHS, out=tmp_path / "run", **VALUES, mixup=0.4)


def test_clips_of_several_labels_are_mixed_as_well(
    make_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    shards = make_data_set(samples={"train": [6]}, sizes=((32, 32),), multi_label=True)
    train(shards, out=tmp_path / "run", **VALUES, mixup=0.4, epochs=1, device="cpu")
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert all(map(math.isfinite, losses))
