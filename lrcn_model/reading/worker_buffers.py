"""Memory that a DataLoader's workers share with the training, used again for batch after batch.

A tensor that a worker sends lies in shared memory made for it: fresh pages, whose first touch
costs almost as much as decoding the JPEGs in them (1.8 ms of 4.3 a clip of eight 320x240 frames,
measured). So each worker keeps a few buffers. A buffer is sent once, later only its number; a
byte at its start says whether it is in use, set by the worker that fills it, and cleared by the
receiver when nobody there holds the batch any more. A worker that finds none free makes another.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_HEADER = 64
_ROUNDED = 1 << 20


@dataclass(slots=True, eq=False)
class _Buffer:
    """One buffer as its worker sees it.

    Attributes:
        number: The buffer's number in its worker.
        memory: The whole buffer, uint8; its first byte says whether it is in use.
        replaces: The number of the smaller buffer whose place it took; None where there was none.
        known: Whether the receiver has the buffer already.
        sent: Whether the buffer's present content was sent.
    """

    number: int
    memory: Tensor
    replaces: int | None
    known: bool = False
    sent: bool = False

    @property
    def capacity(self) -> int:
        return self.memory.numel() - _HEADER

    @property
    def in_use(self) -> bool:
        return bool(self.memory[0])


@dataclass(slots=True)
class _Lender:
    """The buffers of a worker.

    Attributes:
        process: The id of the process that the buffers belong to.
        made: The number of buffers made so far.
        buffers: The buffers that the worker still uses.
    """

    process: int = 0
    made: int = 0
    buffers: list[_Buffer] = field(default_factory=list)


_lender = _Lender()
_received: dict[int, dict[int, Tensor]] = {}
"""In the receiver: the buffers, by the worker's process id and by number."""


def lend(length: int) -> Tensor:
    """In a worker: give out a tensor whose content will be sent to the training's process.

    Args:
        length: The length of the tensor, in bytes.

    Returns:
        uint8 (length,), whose content may be anything.
    """
    if _lender.process != os.getpid():
        _lender.process, _lender.made, _lender.buffers = os.getpid(), 0, []
    buffer = _free_buffer(length)
    buffer.memory[0], buffer.sent = 1, False
    content = buffer.memory.numpy()[_HEADER : _HEADER + length]
    weakref.finalize(content, _forget, buffer, os.getpid()).atexit = False
    return torch.from_numpy(content)


def send(content: Tensor) -> tuple[int, int, int | None, Tensor | None, int] | None:
    """In a worker: what to send instead of a tensor.

    Args:
        content: The tensor.

    Returns:
        The arguments of `receive`; None for a tensor that `lend` did not give.
    """
    if _lender.process != os.getpid() or not content.is_contiguous():
        return None
    for buffer in _lender.buffers:
        if content.data_ptr() == buffer.memory.data_ptr() + _HEADER and buffer.in_use:
            memory = None if buffer.known else buffer.memory
            buffer.known = buffer.sent = True
            return _lender.process, buffer.number, buffer.replaces, memory, content.numel()
    return None


def receive(
    worker: int, number: int, replaces: int | None, memory: Tensor | None, length: int
) -> Tensor:
    """In the training's process: the tensor that a worker sent, without a copy.

    Args:
        worker: The id of the worker's process.
        number: The buffer's number in its worker.
        replaces: The number of the smaller buffer whose place it took; None where there was none.
        memory: The buffer itself, the first time that it is sent; None later.
        length: The length of the content, in bytes.

    Returns:
        The content, uint8 (length,).
    """
    if memory is not None:
        _forget_dead_workers()
        buffers = _received.setdefault(worker, {})
        buffers[number] = memory
        if replaces is not None:
            buffers.pop(replaces, None)
    whole = _received[worker][number].numpy()
    content = whole[_HEADER : _HEADER + length]
    weakref.finalize(content, _release, whole, os.getpid()).atexit = False
    return torch.from_numpy(content)


def _free_buffer(length: int) -> _Buffer:
    free = [buffer for buffer in _lender.buffers if not buffer.in_use]
    for buffer in free:
        if buffer.capacity >= length:
            return buffer
    replaces = None
    if free:
        _lender.buffers.remove(free[0])
        replaces = free[0].number
    size = -(-(length + _HEADER) // _ROUNDED) * _ROUNDED
    storage = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call]
    memory = torch.empty(0, dtype=torch.uint8).set_(storage)
    buffer = _Buffer(number=_lender.made, memory=memory, replaces=replaces)
    _lender.made += 1
    _lender.buffers.append(buffer)
    return buffer


def _forget(buffer: _Buffer, process: int) -> None:
    """In a worker that dropped a batch: free the batch's buffer, unless it was sent."""
    if not buffer.sent and process == os.getpid():
        buffer.memory[0] = 0


def _release(whole: np.ndarray[Any, Any], process: int) -> None:
    """In the receiver, not in a fork of it, that dropped a batch: free the batch's buffer."""
    if process == os.getpid():
        whole[0] = 0


def _forget_dead_workers() -> None:
    for worker in list(_received):
        if not Path(f"/proc/{worker}").exists():
            del _received[worker]
