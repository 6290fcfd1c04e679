"""Errors of a DataLoader's workers, in the one line that they have in the training's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils.data import get_worker_info

from lrcn_data.errors import ShardError


class WorkerShardError(ShardError):
    """A ShardError that a worker raised.

    A DataLoader raises it anew with the worker's whole traceback as its text; what the worker had
    to say is the end of that.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text.rpartition(f"{type(self).__name__}: ")[2].strip())


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Let a ShardError that is raised within, in a worker, reach the training as one line."""
    try:
        yield
    except ShardError as error:
        if get_worker_info() is None:
            raise
        raise WorkerShardError(str(error)) from error
