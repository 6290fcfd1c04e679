"""What tests of loaders need."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import active_children

import pytest

from tests.lrcn_data.conftest import write_video

__all__ = ["workers_ended", "write_video"]


@pytest.fixture
def workers_ended() -> Iterator[None]:
    """End the workers of a loader that has failed, for which torch may wait for 5 s."""
    before = set(active_children())
    yield
    for worker in set(active_children()) - before:
        worker.terminate()
