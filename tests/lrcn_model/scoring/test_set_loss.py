from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrcn_model.scoring.set_loss import set_losses


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_losses_and_overlaps_are_those_of_a_loop(seed: int, smoothing: float) -> None:
    rng = np.random.default_rng(seed)
    clips, frames, classes = 6, 5, 4
    scores = rng.normal(size=(clips, frames, classes)) * 3
    labels = rng.integers(0, 2, (clips, classes))
    valid = rng.integers(1, frames + 1, clips)
    loss = overlap = 0.0
    for clip in range(clips):
        parts = []
        for frame in range(valid[clip]):
            for number in range(classes):
                yes = 1 / (1 + math.exp(-scores[clip, frame, number]))
                wanted = labels[clip, number] * (1 - smoothing) + smoothing / 2
                parts.append(-wanted * math.log(yes) - (1 - wanted) * math.log(1 - yes))
        loss += sum(parts) / len(parts)
        mean = scores[clip, : valid[clip]].mean(axis=0)
        found, true = set(np.flatnonzero(mean >= 0)), set(np.flatnonzero(labels[clip]))
        overlap += len(found & true) / len(found | true) if found | true else 1.0
    got = set_losses(
        torch.from_numpy(scores),
        torch.from_numpy(labels).to(torch.uint8),
        torch.from_numpy(valid),
        smoothing=smoothing,
    )
    assert float(got.loss) == pytest.approx(loss, rel=1e-5)
    assert float(got.correct) == pytest.approx(overlap)
    assert int(got.clips) == clips


def test_repeated_frames_have_no_gradient() -> None:
    scores = torch.randn(2, 3, 4, requires_grad=True)
    labels = torch.tensor([[1, 0, 0, 1], [0, 0, 0, 0]], dtype=torch.uint8)
    set_losses(scores, labels, torch.tensor([2, 3])).loss.backward()
    assert scores.grad is not None
    assert not scores.grad[0, 2].any()
    assert scores.grad[0, :2].all()
    assert scores.grad[1].all()
