"""Processes of one training that were started with other data or values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from lrcn_data import UsageError
from lrcn_model.ranks import Ranks
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_record import TrainedOn
from lrcn_model.training.same_everywhere import check_same_everywhere

DATA = TrainedOn(shards=["a" * 64, "b" * 64], val_shards=[], classes=["x"], seq_len=8, fps="5")


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting(Ranks):
    """One of several processes, which come one after the other; the last one meets the others."""

    said: list[Any]

    def gather(self, value: Any) -> list[Any]:
        """What all have said so far."""
        self.said.append(value)
        return self.said


def meet(*all_given: tuple[TrainOptions, TrainedOn]) -> None:
    said: list[Any] = []
    for rank, given in enumerate(all_given):
        check_same_everywhere(Meeting(rank=rank, count=len(all_given), said=said), *given)


def test_the_same_values_are_taken_whatever_does_not_change_losses() -> None:
    options = TrainOptions()
    meet((options, DATA), (options, DATA), (replace(options, workers=3, shards=("x",)), DATA))


@pytest.mark.parametrize(
    ("options", "data", "said"),
    [
        (TrainOptions(seed=7), DATA, r"process 1 on .* has another seed than process 0 on .* \(7,"),
        (TrainOptions(epochs=7), DATA, r"another epochs than process 0 on .* \(7, not 10\)"),
        (TrainOptions(), replace(DATA, shards=["c" * 64]), r"another shards than process 0 on"),
        (TrainOptions(), replace(DATA, fps="6"), r"another fps than .* \('6', not '5'\); give all"),
    ],
)
def test_what_differs_is_named_with_both_values(
    options: TrainOptions, data: TrainedOn, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        meet((TrainOptions(), DATA), (options, data))
