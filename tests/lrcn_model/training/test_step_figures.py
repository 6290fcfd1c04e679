from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import distributed

from lrcn_model.ranks import Ranks
from lrcn_model.scoring.loss import ClipLosses
from lrcn_model.training.step_figures import StepFigures, StepSums

CPU = torch.device("cpu")


def losses(loss: float, clips: int, correct: int) -> ClipLosses:
    return ClipLosses.of_clips(
        torch.tensor(loss, requires_grad=True), torch.tensor(clips), torch.tensor(correct)
    )


def figures(*, loss: float, clips: int, correct: float, stop_votes: int) -> StepFigures:
    return StepFigures(
        loss=loss,
        weight=float(clips),
        judged=float(clips),
        correct=correct,
        clips=clips,
        stop_votes=stop_votes,
    )


def test_the_figures_of_a_step_are_the_sums_over_its_batches() -> None:
    sums = StepSums(CPU)
    sums.add(losses(1.5, 3, 1))
    sums.add(losses(0.25, 2, 2))
    assert sums.read() == figures(loss=1.75, clips=5, correct=3, stop_votes=0)
    assert sums.weight.item() == 5


def test_losses_are_added_up_in_double_precision() -> None:
    sums = StepSums(CPU)
    # in float32 the first would swallow the second
    sums.add(losses(2.0**24, 1, 0))
    sums.add(losses(1.0, 1, 0))
    assert sums.read().loss == 2**24 + 1


def test_a_process_that_was_asked_to_stop_has_one_vote_whatever_its_batches() -> None:
    sums = StepSums(CPU, vote_to_stop=True)
    for _ in range(3):
        sums.add(losses(1.0, 1, 1))
    assert sums.read() == figures(loss=3.0, clips=3, correct=3, stop_votes=1)


def test_adding_figures_keeps_no_graph() -> None:
    sums = StepSums(CPU)
    sums.add(losses(1.0, 1, 0))
    assert not sums.weight.requires_grad


@pytest.mark.parametrize(("clips", "mean"), [(4, 0.5), (0, 2.0)])
def test_the_mean_loss_is_that_per_clip_and_defined_without_clips(clips: int, mean: float) -> None:
    assert figures(loss=2.0, clips=clips, correct=0, stop_votes=0).mean_loss == mean


def sums_of_process(rank: int, votes: list[bool]) -> StepFigures:
    sums = StepSums(CPU, vote_to_stop=votes[rank])
    sums.add(losses(rank + 0.5, rank + 1, rank))
    sums.add_other_processes(Ranks(rank=rank, count=len(votes)))
    return sums.read()


def process(rank: int, store: str, results: str) -> None:
    votes = [False, True]
    distributed.init_process_group(
        "gloo", store=distributed.FileStore(store, 2), rank=rank, world_size=2
    )
    Path(results, str(rank)).write_text(repr(sums_of_process(rank, votes)))
    distributed.destroy_process_group()


@pytest.mark.slow  # two imports of torch; test_step.py has two processes do a whole step
def test_both_of_two_processes_get_the_sums_and_votes_of_both(tmp_path: Path) -> None:
    context = torch.multiprocessing.get_context("spawn")
    arguments = (str(tmp_path / "store"), str(tmp_path))
    processes = [context.Process(target=process, args=(rank, *arguments)) for rank in range(2)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(120)
        assert one.exitcode == 0
    expected = repr(figures(loss=2.0, clips=3, correct=1.0, stop_votes=1))
    assert [(tmp_path / str(rank)).read_text() for rank in range(2)] == [expected] * 2
