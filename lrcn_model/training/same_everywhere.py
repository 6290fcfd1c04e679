"""Whether all processes that train together were started alike."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch

from lrcn_data.errors import UsageError
from lrcn_model.ranks import Ranks
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_record import TrainedOn

Facts = dict[str, str]

_LONGEST = 60
"""Values that are longer as JSON are compared, and shown, by their hash."""


def check_same_everywhere(ranks: Ranks, options: TrainOptions, trained_on: TrainedOn) -> None:
    """Refuse to train where processes differ in what decides the losses or the steps.

    Raises:
        UsageError: They differ in an option, in the shards' content or in a version.
        LrcnError: Another process has ended.
    """
    facts: dict[str, Any] = {
        "lrcn": version("lrcn"),
        "torch": torch.__version__,
        **options.loss_values(),
        "patience": options.patience,
        "cache": options.cache,
        **asdict(trained_on),
    }
    shown = {name: _shown(value) for name, value in facts.items()}
    check_facts(ranks.gather((socket.gethostname(), shown)))


def check_facts(found: Sequence[tuple[str, Facts]]) -> None:
    """Refuse to train where processes differ.

    Args:
        found: The machine of each process, and by name what decides how it trains.

    Raises:
        UsageError: They differ.
    """
    host, first = found[0]
    for rank, (other_host, other) in enumerate(found):
        for name in {**first, **other}:
            if first.get(name) != other.get(name):
                raise UsageError(
                    f"process {rank} (on {other_host}) has {name} {other.get(name)}, process 0 (on"
                    f" {host}) {first.get(name)}; start all with the same command, the same shards"
                    " and the same versions"
                )


def check_first_sees(found: Sequence[tuple[str, bool]], run: RunFolder) -> None:
    """Refuse to begin a run anew that another machine than that of process 0 could go on with.

    Args:
        found: The machine of each process, and whether there is a run in the folder.
        run: The folder.

    Raises:
        UsageError: Another process sees a run, and process 0 doesn't.
    """
    host, there = found[0]
    for rank, (other_host, other_there) in enumerate(found):
        if other_there and not there:
            raise UsageError(
                f"process {rank} (on {other_host}) has the run {run}, but process 0 (on {host}),"
                " which would go on with it, doesn't see it; put the run's folder on a disk that"
                " all machines share"
            )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    if len(text) <= _LONGEST:
        return text
    count = f"{len(value)}, " if isinstance(value, list) else ""
    return f"({count}SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:8]})"
