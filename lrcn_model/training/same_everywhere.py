"""Sees to it that all processes of a training do the same one: data, values and the run itself."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict
from importlib.metadata import version

from lrcn_data.errors import UsageError
from lrcn_model.ranks import Ranks
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_record import TrainedOn

_SHOWN = 60
"""The most characters of a value that is named; of longer ones only the name is."""


def check_same_everywhere(ranks: Ranks, options: TrainOptions, trained_on: TrainedOn) -> None:
    """Refuse processes that would train on other data or with other values than the first one.

    Args:
        ranks: The processes that train together.
        options: The options that this process was given.
        trained_on: The data that this process sees.

    Raises:
        UsageError: Another version of lrcn, other data, or a value that changes the losses is used
            somewhere; all processes raise it.
    """
    values = {"lrcn": version("lrcn"), **options.loss_values(), **asdict(trained_on)}
    mine = platform.node(), {name: _short(value) for name, value in values.items()}
    (first_machine, first), *others = ranks.gather(mine)
    for rank, (machine, its) in enumerate(others, 1):
        for name in {**first, **its}:
            if its.get(name) != first.get(name):
                both = _both(its.get(name), first.get(name))
                raise UsageError(
                    f"process {rank} on {machine} has another {name} than process 0 on"
                    f" {first_machine}{both}; give all of them the same shards, values and version"
                    " of lrcn"
                )


def is_there_first(ranks: Ranks, folder: RunFolder) -> bool:
    """Whether there is a run to go on with, as the first process sees it.

    Raises:
        UsageError: Another process sees it and the first doesn't, as it is on another machine.
    """
    mine = platform.node(), folder.exists()
    (first_machine, first), *others = ranks.gather(mine)
    for rank, (machine, its) in enumerate(others, 1):
        if its and not first:
            raise UsageError(
                f"process {rank} on {machine} has the run {folder.path}, but process 0, which would"
                f" go on with it, doesn't see it on {first_machine}; put the run's folder on a disk"
                " that all machines share"
            )
    return bool(first)


def _short(value: object) -> str:
    """A value as a text that is sent to all processes: a hash where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _both(one: str | None, other: str | None) -> str:
    if any(text and text.startswith("sha256:") for text in (one, other)):
        return ""
    return f" ({one}, not {other})"
