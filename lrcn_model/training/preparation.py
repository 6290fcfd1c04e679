"""What a training needs before it has a folder: processes, processor, data and net."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
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

_GIT_TIME = 5.0
"""The longest time, in seconds, that git may take to say what is checked out."""


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
            multi_label=self.data.train.multi_label,
            labels_in_time=self.data.train.labels_in_time,
            class_weights=self.data.class_weights(),
            processor=self.processor,
            ranks=self.ranks,
        )

    def environment(self) -> dict[str, Any]:
        """What trains, and on what, as it is recorded for people."""
        return {
            "command": sys.argv,
            "lrcn": version("lrcn"),
            "git_commit": git_commit(),
            "device": self.processor.name,
            "precision": self.processor.precision,
            "threads": torch.get_num_threads(),
            "workers": self.data.workers,
            "torch": torch.__version__,
            "python": platform.python_version(),
        }


def git_commit() -> str | None:
    """The commit that is checked out where the training was started; None where there is none."""
    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_GIT_TIME
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


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
