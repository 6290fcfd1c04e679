"""Batches from processes that read shards, and that start, end and die in an orderly way."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import nullcontext
from multiprocessing.connection import wait
from typing import Any

import torch
from torch.utils.data import DataLoader

from lrcn_data.errors import LrcnError
from lrcn_data.quiet_start import let_signals_through, signals_held_back
from lrcn_model.processor import Processor
from lrcn_model.reading.clip_batch import ClipBatch, collate

_SHARED_MEMORY = "/dev/shm"

_BATCHES_AHEAD = 2
"""How many batches are read ahead, as by each worker of torch's DataLoader."""


def load_batches(
    data: Any, sampler: Iterable[list[int]] | None, workers: int, processor: Processor
) -> Generator[ClipBatch, None, None]:
    """Load batches to where they are needed; from pinned memory the copy doesn't hold up the host.

    Args:
        data: A dataset that gives the batch of any numbers of clips, as `ShardDataset` does, or an
            iterable dataset that gives whole batches.
        sampler: The numbers of each batch's clips; None for data that gives whole batches.
        workers: The number of processes that read; 0 for reading in this process.
        processor: The processor that the batches are for.

    Yields:
        The batches of one epoch, on the processor's device.

    Raises:
        LrcnError: A process that reads died.
        ShardError: A shard is damaged.
    """
    if sampler is not None and not workers and hasattr(data, "expect"):
        # where there are workers, those that wait have read ahead
        sampler = _expected(data, sampler)
    loader = make_loader(data, sampler, workers, processor)
    with signals_held_back() if workers else nullcontext():
        batches = iter(loader)
    try:
        while (batch := _next(batches)) is not None:
            yield batch.to(processor.device, non_blocking=True) if processor.is_cuda else batch
    finally:
        # else they would live as long as an error's traceback does, which keeps the iterator, and
        # the end of this process would wait for them
        if workers:
            batches._shutdown_workers()  # type: ignore[attr-defined]


def _expected(data: Any, batches: Iterable[list[int]]) -> Iterator[list[int]]:
    """The numbers of each batch's clips, of which the next ones are read from a store meanwhile."""
    waiting: deque[list[int]] = deque()
    for batch in batches:
        data.expect(batch)
        waiting.append(batch)
        if len(waiting) > _BATCHES_AHEAD:
            yield waiting.popleft()
    yield from waiting


def _next(batches: Iterator[ClipBatch]) -> ClipBatch | None:
    try:
        return next(batches, None)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        if "shared memory" in str(error):
            raise _too_little_shared_memory() from error
        raise _reader_died() from error
    except (ConnectionError, EOFError) as error:
        # it died while it handed a batch over; what a store's connection does is a ShardError
        raise _reader_died() from error


def _reader_died() -> LrcnError:
    return LrcnError(
        "a process that reads shards died, as for want of memory; use fewer --workers or a"
        " smaller --batch-size, then the same command again"
    )


def _too_little_shared_memory() -> LrcnError:
    """Make the error of reading processes that found no room for the batches that they send."""
    room = shutil.disk_usage(_SHARED_MEMORY).total / 2**20
    return LrcnError(
        f"{_SHARED_MEMORY} has {room:,.0f} MiB, too little for the batches of the processes that"
        " read shards; give a container more (docker run --shm-size=2g), or use --workers 0"
        " or a smaller --batch-size"
    )


def make_loader(
    data: Any, sampler: Iterable[list[int]] | None, workers: int, processor: Processor
) -> DataLoader[ClipBatch]:
    """Make a DataLoader whose workers survive Ctrl-C, so that the training ends in its own time.

    Args:
        data: A dataset that gives the batch of any numbers of clips, as `ShardDataset` does, or an
            iterable dataset that gives whole batches.
        sampler: The numbers of each batch's clips; None for data that gives whole batches.
        workers: The number of processes that read; 0 for reading in this process.
        processor: The processor that the batches are for.
    """
    return DataLoader(
        data,
        batch_sampler=sampler,
        batch_size=1 if sampler is not None else None,
        collate_fn=collate,  # type: ignore[arg-type] # a batch is fetched as a whole
        num_workers=workers,
        pin_memory=processor.is_cuda,
        worker_init_fn=begin_work if workers else None,
        multiprocessing_context=_forkserver() if workers else None,
    )


def begin_work(worker: int) -> None:
    """Have a worker leave its end to the training: ignore signals, but end when that is gone.

    Args:
        worker: The worker's number, from 0, which the DataLoader passes; it is not used.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    let_signals_through()
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_training, daemon=True).start()


def _end_with_training() -> None:
    # torch looks whether its parent lives, which is the server that workers are forked from
    training = multiprocessing.parent_process()
    if training is not None:
        wait([training.sentinel])
        os._exit(1)


def _forkserver() -> Any:
    """The context in which workers are forked from a process that has imported what they need.

    That process has no threads.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lrcn_model.reading.batch_loader"])
    return context
