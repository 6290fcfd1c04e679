"""What becomes of the ways in which reading processes end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lrcn_data.errors import LrcnError
from lrcn_model.reading.batch_loader import _next
from lrcn_model.reading.clip_batch import ClipBatch

BUS_ERROR = (
    "DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that dataloader's"
    " workers are out of shared memory. Please try to raise your shared memory limit."
)


def ending_with(error: Exception) -> Iterator[ClipBatch]:
    raise error
    yield


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (BUS_ERROR, r"/dev/shm has [\d,]+ MiB, too little .*--shm-size=2g\), or use --workers 0"),
        ("DataLoader worker (pid 12) is killed by signal: Killed.", "as for want of memory"),
    ],
)
def test_a_process_that_died_is_one_line_with_the_remedy(message: str, said: str) -> None:
    with pytest.raises(LrcnError, match=said):
        _next(ending_with(RuntimeError(message)))


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset"), EOFError()])
def test_a_process_that_died_while_it_handed_a_batch_over_is_the_same_line(
    error: Exception,
) -> None:
    with pytest.raises(LrcnError, match="a process that reads shards died"):
        _next(ending_with(error))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        _next(ending_with(RuntimeError("something else")))
