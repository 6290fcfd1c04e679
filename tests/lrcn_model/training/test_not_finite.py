from __future__ import annotations

import math

import pytest
import torch

from lrcn_model.training.not_finite import all_finite, loss_not_finite, weights_not_finite


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_one_number_that_is_not_finite_is_found_however_deep_it_lies(wrong: float) -> None:
    values = torch.ones(3, 4)
    state = {"net": {"weight": torch.zeros(2)}, "optimizer": {"state": {0: {"moment": values}}}}
    assert all_finite(state)
    values[2, 1] = wrong
    assert not all_finite(state)


def test_whole_numbers_and_what_is_no_tensor_are_finite() -> None:
    assert all_finite({"step": torch.tensor(3), "lr": math.inf, "betas": (0.9, 0.999)})


def test_the_error_of_a_loss_names_the_clips_of_the_step_and_of_the_one_before() -> None:
    error = loss_not_finite(7, math.nan, ("a", "b"), keys_before=("c",))
    assert str(error) == (
        "the loss of step 7 is nan (clips a, b; or of the step before: c); nothing of it was saved:"
        " try a smaller --lr, --clip-grad 1 or --amp off, and look at the clips with `lrcn-data"
        " preview`"
    )


def test_the_error_of_a_first_step_names_no_step_before() -> None:
    assert "before" not in str(loss_not_finite(1, math.inf, ("a",), keys_before=()))


def test_of_many_clips_the_error_names_eight_and_counts_the_others() -> None:
    error = weights_not_finite(3, tuple("abcdefghijk"))
    assert "after step 3 (clips a, b, c, d, e, f, g, h and 3 more)" in str(error)
