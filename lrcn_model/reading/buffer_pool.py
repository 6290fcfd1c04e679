"""Memory that is used again, so that the kernel need not hand out fresh pages for every batch.

Converting pixels to floats writes many megabytes a batch, and on a CPU the first touch of fresh
memory costs several times what the conversion does.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

_KEPT = 4


class BufferPool:
    """Gives out tensors in main memory whose memory is taken again when nobody holds them.

    A tensor given out, and every view of it, keeps its memory for itself as long as it lives; so
    what autograd has saved is safe.
    """

    def __init__(self) -> None:
        self._buffers: list[tuple[np.ndarray[Any, Any], weakref.ref[Any]]] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[BufferPool], tuple[()]]:
        return type(self), ()

    def empty(self, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        """Give out a tensor, whose content may be anything.

        Args:
            shape: The shape of the tensor.
            dtype: The dtype of the tensor.
        """
        length = math.prod(shape) * dtype.itemsize
        with self._lock:
            memory = self._take(length)
            # the tensor's storage refers to this view, not to the memory that the pool keeps
            lent = memory[:length]
            self._buffers.append((memory, weakref.ref(lent)))
        return torch.from_numpy(lent).view(dtype).view(*shape)

    def _take(self, length: int) -> np.ndarray[Any, Any]:
        """Take free memory of at least a length in bytes: the tightest fit, else new memory.

        Of equal fits the last one used is taken, which may still be in the processor's cache.
        """
        free = [memory for memory, lent in self._buffers if lent() is None][::-1]
        self._buffers = [buffer for buffer in self._buffers if buffer[1]() is not None]
        fitting = sorted((m for m in free if length <= m.size <= 2 * length), key=len)
        kept = [m for m in free if not fitting or m is not fitting[0]][:_KEPT]
        self._buffers += [(memory, weakref.ref(memory[:0])) for memory in reversed(kept)]
        return fitting[0] if fitting else np.empty(length, np.uint8)
