from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_model.training.progress import Progress, score_of
from lrcn_model.training.step_figures import StepFigures

SCORES = st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(-9, 0))


def test_a_checkpoints_record_has_the_keys_that_every_version_reads() -> None:
    record = Progress(epoch=2, best=(0.5, -1.0)).to_record(samples_done=7)
    assert record == record | {
        "epoch": 2,
        "samples_done": 7,
        "step": 0,
        "loss": 0.0,
        "clips": 0,
        "correct": 0,
        "seconds": 0.0,
        "best": (0.5, -1.0),
        "stale": 0,
    }


def test_what_is_recorded_is_read_back() -> None:
    progress = Progress(3, 11, 40, 1.25, 9, 4, 2.5, (0.5, -1.0), 2)
    assert Progress.from_record(progress.to_record(samples_done=11)) == progress


def test_a_record_of_an_older_version_has_losses_of_clips_only() -> None:
    record = Progress(loss=3.0, clips=4, correct=3).to_record(samples_done=7)
    del record["weight"], record["judged"]
    progress = Progress.from_record(record)
    assert (progress.mean_loss, progress.accuracy) == (0.75, 0.75)


def test_a_best_score_that_was_stored_as_a_list_is_read_as_a_tuple() -> None:
    record = {**Progress().to_record(samples_done=0), "best": [0.5, -1.0]}
    assert Progress.from_record(record).best == (0.5, -1.0)


def test_a_record_that_lacks_a_value_is_refused() -> None:
    record = Progress().to_record(samples_done=0)
    del record["stale"]
    with pytest.raises(KeyError, match="stale"):
        Progress.from_record(record)


def test_the_figures_of_steps_add_up_to_those_of_the_epoch() -> None:
    progress = Progress()
    assert (progress.mean_loss, progress.accuracy) == (0, 0)
    progress.add(StepFigures(loss=3.0, weight=2, judged=2, correct=2, clips=2, stop_votes=0))
    progress.add(StepFigures(loss=1.0, weight=2, judged=2, correct=1, clips=2, stop_votes=1))
    assert (progress.mean_loss, progress.accuracy) == (1.0, 0.75)


def test_the_next_epoch_starts_with_no_figures_but_keeps_the_best_score() -> None:
    progress = Progress(3, 11, 40, 1.25, 9, 4, 2.5, (0.5, -1.0), 2, 9.0, 9.0)
    progress.start_epoch()
    assert progress == Progress(epoch=4, step=40, best=(0.5, -1.0), stale=2)


@given(st.lists(SCORES, min_size=1))
def test_weights_are_the_best_where_their_score_is_above_all_before(
    scores: list[tuple[float, float]],
) -> None:
    progress = Progress()
    for number, score in enumerate(scores):
        best = progress.judge(score)
        assert best == all(score > earlier for earlier in scores[:number])
        assert progress.best == max(scores[: number + 1])
        assert progress.stale == number - scores.index(progress.best)


def test_without_a_validation_the_last_weights_are_always_the_best() -> None:
    progress = Progress()
    assert [progress.judge(score_of(None)) for _ in range(3)] == [True] * 3
    assert progress.stale == 0


def test_a_loss_that_is_no_number_is_no_improvement() -> None:
    progress = Progress()
    assert progress.judge((0.5, -1.0))
    assert not progress.judge((0.5, math.nan))
    assert progress.best == (0.5, -1.0)


@pytest.mark.parametrize(
    ("progress", "patience", "finished"),
    [
        (Progress(epoch=4), 0, False),
        (Progress(epoch=5), 0, True),
        (Progress(epoch=4, stale=3), 0, False),
        (Progress(epoch=4, stale=2), 3, False),
        (Progress(epoch=4, stale=3), 3, True),
    ],
)
def test_a_training_ends_with_its_epochs_or_with_its_patience(
    progress: Progress, patience: int, finished: bool
) -> None:
    assert progress.is_finished(epochs=5, patience=patience) == finished
