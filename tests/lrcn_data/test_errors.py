from __future__ import annotations

import pickle

import pytest

from lrcn_data.errors import LrcnError, ShardError, UsageError, VideoError
from lrcn_data.reasons import MEANINGS, NOT_BAD, Reason


@pytest.mark.parametrize(
    "error", [LrcnError("a"), UsageError("b"), ShardError("c"), VideoError(Reason.DAMAGED, "d")]
)
def test_an_error_survives_the_way_between_processes(error: LrcnError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.exit_code) == (type(error), str(error), error.exit_code)


def test_a_video_error_says_its_reason_and_its_detail() -> None:
    error = VideoError(Reason.TOO_LARGE, "has 9,000 frames a second")
    assert str(error) == "too-large: has 9,000 frames a second"


def test_only_wrong_usage_has_an_exit_code_of_its_own() -> None:
    assert UsageError.exit_code == 2
    assert {LrcnError.exit_code, ShardError.exit_code, VideoError.exit_code} == {1}


def test_every_reason_has_a_meaning_and_the_word_that_data_sets_record() -> None:
    assert set(MEANINGS) == set(Reason)
    assert set(Reason) == {
        "short",
        "missing",
        "not-fetched",
        "not-a-video",
        "unsupported",
        "damaged",
        "too-large",
        "timeout",
        "crashed",
        "partial",
    }
    assert {"short"} == NOT_BAD
