from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from lrcn_model.scoring.loss import clip_losses, losses_in_time
from lrcn_model.scoring.video_vote import VOTES


def log_probs_of(scores: np.ndarray) -> np.ndarray:
    return scores - math.log(sum(math.exp(score) for score in scores))


@pytest.mark.parametrize("average", ["log-probs", "probs", "last"])
@pytest.mark.parametrize("at", ["every", "last", "mean"])
def test_the_loss_and_the_hits_are_those_of_a_naive_loop(at: str, average: str) -> None:
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
                log_probs = log_probs_of(scores[clip, frame])
                if average == "last":
                    votes = log_probs
                else:
                    votes += np.exp(log_probs) if average == "probs" else log_probs
                if frame_labels[clip, frame] >= 0:
                    parts.append(-log_probs[frame_labels[clip, frame]])
            if parts:
                mean = sum(scores[clip, frame] for frame in range(num_valid[clip]))
                loss += {
                    "every": sum(parts) / len(parts),
                    "last": parts[-1],
                    "mean": -log_probs_of(mean / num_valid[clip])[labels[clip]],
                }[at]
                counted += 1
                correct += votes.argmax() == labels[clip]
        found = clip_losses(
            torch.from_numpy(scores),
            torch.from_numpy(frame_labels),
            torch.from_numpy(labels),
            torch.from_numpy(num_valid),
            at=at,
            average=average,
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


@pytest.mark.parametrize(("at", "reached"), [("every", 3), ("last", 1), ("mean", 3)])
def test_the_gradient_reaches_the_frames_where_the_loss_is_taken(at: str, reached: int) -> None:
    scores = torch.randn(1, 5, 4, requires_grad=True)
    labels = torch.tensor([[2, 2, 2, -1, -1]])
    clip_losses(scores, labels, torch.tensor([2]), torch.tensor([3]), at=at).loss.backward()
    assert scores.grad is not None
    frames = scores.grad.any(dim=-1)[0].nonzero().flatten().tolist()
    assert frames == list(range(3 - reached, 3))


@pytest.mark.parametrize("at", ["every", "last", "mean"])
def test_the_loss_is_the_same_whatever_is_in_the_padding(at: str) -> None:
    scores, labels = torch.randn(2, 5, 4), torch.tensor([[1, 1, -1, -1, -1], [3, 3, 3, 3, -1]])
    valid = torch.tensor([2, 4])
    expected = clip_losses(scores, labels, labels[:, 0], valid, at=at).loss
    scores[0, 2:], scores[1, 4:] = 1e30, -7.0
    assert torch.equal(clip_losses(scores, labels, labels[:, 0], valid, at=at).loss, expected)


def test_the_loss_at_the_mean_is_that_of_the_probabilities_that_a_vote_gives() -> None:
    scores, labels = torch.randn(1, 5, 4), torch.full((1, 5), 2)
    found = clip_losses(scores, labels, torch.tensor([2]), torch.tensor([5]), at="mean")
    vote = VOTES["log-probs"]
    probabilities = vote.probabilities(vote.of_frames(scores[0].log_softmax(-1)).mean(0))
    torch.testing.assert_close(found.loss, -probabilities[2].log())


@pytest.mark.parametrize("at", ["last", "mean"])
def test_labels_are_smoothed_wherever_the_loss_is_taken(at: str) -> None:
    scores, labels = torch.randn(1, 3, 5), torch.tensor([[4, 4, -1]])
    one = scores[0, 1] if at == "last" else scores[0, :2].mean(0)
    expected = functional.cross_entropy(one, torch.tensor(4), label_smoothing=0.1)
    valid = torch.tensor([2])
    found = clip_losses(scores, labels, labels[:, 0], valid, smoothing=0.1, at=at)
    torch.testing.assert_close(found.loss, expected)


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


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_clips_count_by_the_weights_of_their_classes(weighted: bool, smoothing: float) -> None:
    scores, labels = torch.randn(5, 3, 4), torch.tensor([0, 3, 1, 1, 2])
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0]) if weighted else None
    frame_labels = labels[:, None].repeat(1, 3)
    found = clip_losses(
        scores,
        frame_labels,
        labels,
        torch.full((5,), 3),
        smoothing=smoothing,
        class_weights_C=weights,
    )
    # torch's smoothing weighs what is spread by the class that it is spread to
    mean = sum(
        (1.0 if weights is None else float(weights[label]))
        * functional.cross_entropy(one, of_frames, label_smoothing=smoothing)
        for one, of_frames, label in zip(scores, frame_labels, labels, strict=True)
    )
    torch.testing.assert_close(found.loss, torch.as_tensor(mean))
    assert float(found.weight) == (5 if weights is None else float(weights[labels].sum()))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("at", ["every", "last"])
def test_labelled_frames_in_time_count_one_by_one(at: str, weighted: bool) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        clips, frames, classes = rng.integers(1, 6), rng.integers(1, 7), rng.integers(2, 5)
        scores = rng.normal(size=(clips, frames, classes)) * 3
        labels = rng.integers(-1, classes, (clips, frames))
        weights = rng.uniform(0.1, 3, classes) if weighted else np.ones(classes)
        loss = weight = 0.0
        judged = correct = labelled_clips = 0
        for clip in range(clips):
            places = [frame for frame in range(frames) if labels[clip, frame] >= 0]
            labelled_clips += bool(places)
            for frame in places if at == "every" else places[-1:]:
                label = labels[clip, frame]
                loss -= weights[label] * log_probs_of(scores[clip, frame])[label]
                weight += weights[label]
                judged += 1
                correct += scores[clip, frame].argmax() == label
        found = losses_in_time(
            torch.from_numpy(scores),
            torch.from_numpy(labels),
            at=at,
            class_weights_C=torch.from_numpy(weights).float() if weighted else None,
        )
        assert math.isclose(float(found.loss), loss, rel_tol=1e-4, abs_tol=1e-5)
        assert math.isclose(float(found.weight), weight, rel_tol=1e-5, abs_tol=1e-6)
        assert (int(found.judged), int(found.correct)) == (judged, correct)
        assert int(found.clips) == labelled_clips
