from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from lrcn_model.scoring.video_vote import VOTES

LOG_PROBS_TC = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)


REAL_BT = torch.arange(5) < torch.tensor([[5], [1], [3]])


def mean_vote(name: str) -> torch.Tensor:
    return VOTES[name].probabilities(VOTES[name].of_frames(LOG_PROBS_TC).mean(dim=0))


@pytest.mark.parametrize("name", list(VOTES))
def test_probabilities_add_up_to_one(name: str) -> None:
    assert float(mean_vote(name).sum()) == pytest.approx(1, abs=1e-6)


def test_averaged_probabilities_are_their_arithmetic_mean() -> None:
    torch.testing.assert_close(mean_vote("probs"), LOG_PROBS_TC.exp().sum(0) / 6)


def test_averaged_log_probabilities_are_the_geometric_mean_made_to_add_up_to_one() -> None:
    geometric = LOG_PROBS_TC.exp().prod(dim=0) ** (1 / 6)
    torch.testing.assert_close(mean_vote("log-probs"), geometric / geometric.sum())


@pytest.mark.parametrize("name", ["log-probs", "probs"])
def test_all_real_frames_vote(name: str) -> None:
    assert torch.equal(VOTES[name].voting(REAL_BT), REAL_BT)


def test_only_the_last_real_frame_of_each_clip_votes_with_last() -> None:
    assert VOTES["last"].voting(REAL_BT).nonzero().tolist() == [[0, 4], [1, 0], [2, 2]]


@pytest.mark.parametrize("module", ["video_vote", "loss_at"])
def test_the_names_are_known_without_torch(module: str) -> None:
    code = f"import sys; sys.modules['torch'] = None; import lrcn_model.scoring.{module}"
    subprocess.run([sys.executable, "-c", code], check=True)
