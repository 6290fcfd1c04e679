"""What a training needs before it has a folder: processes, processor, data and net."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from lrcn_data.machine import usable_cores
from lrcn_model.processor import (
    Processor,
    choose_processor,
    keep_freed_memory,
    out_of_memory_remedy,
)
from lrcn_model.ranks import Ranks, joined, ranks_from_environment
from lrcn_model.training.data import TrainData
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step import TrainStep


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """What a training runs with.

    Attributes:
        options: All values of the training.
        ranks: The processes that train together.
        processor: The processor that the net runs on.
        data: The clips to train on and to validate with.
    """

    options: TrainOptions
    ranks: Ranks
    processor: Processor
    data: TrainData

    def new_train_step(self) -> TrainStep:
        """The net as it is drawn at random, with its optimizer.

        Raises:
            LrcnError: The options make no net, or the shards give no mean.
        """
        return TrainStep(
            self.options,
            classes=len(self.data.train.classes),
            mean=self.data.mean(),
            frame_kind=self.data.train.frame_kind,
            processor=self.processor,
            ranks=self.ranks,
        )

    @property
    def device_name(self) -> str:
        """Name of the GPU, or the number of threads on a CPU."""
        if self.processor.is_cuda:
            return torch.cuda.get_device_name(self.processor.device)
        return f"CPU, {torch.get_num_threads()} threads"

    def environment(self) -> dict[str, Any]:
        """What the training runs on, as it is recorded for people."""
        return {
            "device": self.device_name,
            "precision": self.processor.precision,
            "threads": torch.get_num_threads(),
            "workers": self.data.workers,
            "torch": torch.__version__,
            "python": platform.python_version(),
        }


@contextmanager
def prepared(options: TrainOptions, plugins: Collection[str]) -> Iterator[Prepared]:
    """Choose the processor, connect the processes and open the data.

    Args:
        options: All values of the training.
        plugins: Names of the plug-ins that may be imported.

    Raises:
        LrcnError: The processor, the other processes or the data can't be had, or memory ran out
            while they were used.
    """
    ranks = ranks_from_environment()
    processor = choose_processor(options.device, options.amp, local_rank=ranks.local_rank)
    if not processor.is_cuda:
        _prepare_cpu()
    with joined(ranks, processor.device), out_of_memory_remedy(options.batch_size):
        data = TrainData(options, ranks, processor, plugins=plugins)
        yield Prepared(options=options, ranks=ranks, processor=processor, data=data)


def _prepare_cpu() -> None:
    keep_freed_memory()
    if "OMP_NUM_THREADS" not in os.environ:
        # not fewer where other processes read: sums depend on the number of threads
        torch.set_num_threads(usable_cores())
