"""How the clips of a step are shared by other processes than a run was begun with."""

from __future__ import annotations

import pytest

from lrcn_data import UsageError
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step_share import share_steps


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "before", "now", "shared"),
    [
        (4, 1, 2, 2, (4, 1)),
        (4, 1, 2, 1, (4, 2)),
        (4, 1, 2, 4, (2, 1)),
        (4, 3, 2, 1, (4, 6)),
        (4, 3, 1, 2, (3, 2)),
        (6, 1, 2, 3, (4, 1)),
        (5, 1, 2, 1, (5, 2)),
        (3, 2, 1, 6, (1, 1)),
        (8, 1, 3, 8, (3, 1)),
    ],
)
def test_a_step_keeps_its_clips_and_no_batch_is_larger(
    batch_size: int, accumulate: int, before: int, now: int, shared: tuple[int, int]
) -> None:
    options = TrainOptions(batch_size=batch_size, accumulate=accumulate)
    found = share_steps(options, before=before, now=now)
    assert (found.batch_size, found.accumulate) == shared
    assert shared[0] * shared[1] * now == batch_size * accumulate * before
    assert shared[0] <= batch_size


def test_a_step_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(
        UsageError,
        match=r"begun by 2 processes and takes 8 clips in a step, which 3 can't .* 1 2 4 8",
    ):
        share_steps(TrainOptions(batch_size=4), before=2, now=3)
