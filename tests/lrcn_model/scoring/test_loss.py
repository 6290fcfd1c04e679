from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from lrcn_model.scoring.loss import clip_losses


def test_the_loss_and_the_hits_are_those_of_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        clips, frames, classes = rng.integers(1, 6), rng.integers(1, 7), rng.integers(2, 5)
        scores = rng.normal(size=(clips, frames, classes)) * 3
        labels = rng.integers(0, classes, clips)
        num_valid = rng.integers(1, frames + 1, clips)
        frame_labels = rng.integers(-1, classes, (clips, frames))
        loss, counted, correct = 0.0, 0, 0
        for clip in range(clips):
            frame_labels[clip, num_valid[clip] :] = -1
            parts, votes = [], np.zeros(classes)
            for frame in range(num_valid[clip]):
                row = scores[clip, frame]
                log_probs = row - math.log(sum(math.exp(score) for score in row))
                votes += log_probs
                if frame_labels[clip, frame] >= 0:
                    parts.append(-log_probs[frame_labels[clip, frame]])
            if parts:
                loss += sum(parts) / len(parts)
                counted += 1
                correct += votes.argmax() == labels[clip]
        found = clip_losses(
            torch.from_numpy(scores),
            torch.from_numpy(frame_labels),
            torch.from_numpy(labels),
            torch.from_numpy(num_valid),
        )
        assert math.isclose(float(found.loss), loss, rel_tol=1e-5, abs_tol=1e-6)
        assert (int(found.clips), int(found.correct)) == (counted, correct)


def test_frames_without_a_label_have_no_gradient() -> None:
    scores = torch.randn(1, 3, 4, requires_grad=True)
    losses = clip_losses(scores, torch.tensor([[2, -1, -1]]), torch.tensor([2]), torch.tensor([2]))
    losses.loss.backward()
    assert scores.grad is not None
    assert scores.grad[0, 0].any()
    assert not scores.grad[0, 1:].any()


def test_smoothed_labels_give_torchs_smoothed_cross_entropy() -> None:
    torch.manual_seed(0)
    scores = torch.randn(3, 4, 5)
    labels = torch.tensor([[1, 1, 1, -1], [4, 4, 4, 4], [0, 0, -1, -1]])
    clips = [
        functional.cross_entropy(one, wanted, ignore_index=-1, label_smoothing=0.1)
        for one, wanted in zip(scores, labels, strict=True)
    ]
    valid = torch.tensor([3, 4, 2])
    found = clip_losses(scores, labels, labels[:, 0], valid, smoothing=0.1)
    torch.testing.assert_close(found.loss, torch.stack(clips).sum())
