"""What a net runs on: the CPU or a GPU, with which precision, and how its memory is used."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model.processor_names import DEVICES, PRECISIONS

Net = TypeVar("Net", bound=nn.Module)

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt, from malloc.h."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Processor:
    """The processor that a net runs on, and the precision that it computes with.

    Attributes:
        device: The CPU or the GPU, as torch names it.
        amp_type: The 16-bit type in which most of the net is computed; None for float32
            throughout.
    """

    device: torch.device
    amp_type: torch.dtype | None

    @property
    def is_cuda(self) -> bool:
        """Whether the processor is a GPU."""
        return self.device.type == "cuda"

    @property
    def needs_scaler(self) -> bool:
        """Whether gradients would underflow without being scaled."""
        return self.amp_type is torch.float16

    @property
    def precision(self) -> str:
        """The name of the precision: float32, or bf16 or fp16 as --amp names them."""
        names = {None: "float32", torch.bfloat16: "bf16", torch.float16: "fp16"}
        return names[self.amp_type]

    @property
    def name(self) -> str:
        """The name of the GPU, or the number of threads on a CPU."""
        if self.is_cuda:
            return torch.cuda.get_device_name(self.device)
        return f"CPU, {torch.get_num_threads()} threads"

    def autocast(self) -> torch.autocast:
        """The context for a forward pass: most of it is computed in `amp_type`."""
        return torch.autocast(
            self.device.type,
            dtype=self.amp_type or torch.bfloat16,
            enabled=self.amp_type is not None,
        )


def choose_processor(device: str, amp: str, *, local_rank: int = 0) -> Processor:
    """The processor that --device and --amp ask for; a GPU is set up for speed.

    Args:
        device: auto, cpu or cuda; auto takes a GPU where there is one.
        amp: off, bf16, fp16 or auto, which is bf16 on a GPU that has it, fp16 on another GPU, and
            off on a CPU.
        local_rank: The number of this process on its machine, from 0, which is also the number of
            its GPU.

    Raises:
        UsageError: There is no such device, or it can't compute with this precision.
    """
    for name, value, allowed in (("device", device, DEVICES), ("amp", amp, PRECISIONS)):
        if value not in allowed:
            raise UsageError(f"--{name} must be one of {', '.join(allowed)}, got {value!r}")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UsageError("--device cuda, but torch sees no GPU; use --device cpu or auto")
    if device == "cpu" or not available:
        if amp == "fp16":
            raise UsageError("--amp fp16 needs a GPU; on a CPU use --amp bf16 or off")
        return Processor(
            device=torch.device("cpu"), amp_type=torch.bfloat16 if amp == "bf16" else None
        )
    if local_rank >= torch.cuda.device_count():
        raise UsageError(
            f"process {local_rank} of this machine has no GPU of its own, there are"
            f" {torch.cuda.device_count()}; start as many processes as there are GPUs"
        )
    chosen = torch.device("cuda", local_rank)
    torch.cuda.set_device(chosen)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    automatic = "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    types = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    return Processor(device=chosen, amp_type=types[automatic if amp == "auto" else amp])


def move_net(net: Net, processor: Processor) -> Net:
    """Move a net to its processor, with its weights laid out in memory as its frames are.

    Args:
        net: The net, which is changed in place.
        processor: The processor that the net will run on.

    Returns:
        The same net.
    """
    net.to(processor.device)
    for parameter in net.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return net


def keep_freed_memory() -> None:
    """Have the C library keep freed memory for the tensors of the next step (glibc only).

    Otherwise every step of a training on a CPU would get its large tensors as fresh pages, whose
    first touch took a quarter of the step's time (small net, 128 frames of 64x64).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


class MemoryRanOutError(LrcnError):
    """The memory of the CPU or the GPU ran out."""


@contextmanager
def out_of_memory_remedy(batch_size: int) -> Iterator[None]:
    """Turn running out of memory into an error that says what helps.

    Args:
        batch_size: The number of clips in a batch, for the error message.

    Raises:
        MemoryRanOutError: The memory of the CPU or the GPU ran out.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(batch_size) from error
    except RuntimeError as error:
        # what torch raises where the CPU's memory ran out has no type of its own
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise _out_of_memory(batch_size) from error


def _out_of_memory(batch_size: int) -> MemoryRanOutError:
    return MemoryRanOutError(
        f"out of memory with --batch-size {batch_size}; use a smaller --batch-size, with"
        " --accumulate to keep the product, or --amp bf16, or a smaller --size"
    )
