"""Which run a training is: its folder, and the options of a run that goes on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import Part
from lrcn_model.nets.net_plugins import check_named
from lrcn_model.run_copy import on_this_machine
from lrcn_model.run_folder import CONFIG, RUNS, RunFolder
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_name import run_name
from lrcn_model.training.run_record import TrainedOn, read_options


@dataclass(frozen=True, kw_only=True, slots=True)
class RunChoice:
    """Which run a training begins, or goes on with.

    Attributes:
        out: Folder or URL that --out names; None for `runs/<cnn>-<8 hex>`.
        fresh: Whether to throw away the run that is there.
        plugins: Names of the plug-ins that may be imported, if a data set has recorded one.
        figures_only: Whether the run is one of many that are tried: it has metrics.jsonl, but keeps
            no weights, no TensorBoard events, and a checkpoint once a minute at most.
        pictures: Whether the run shows itself in pictures and tables; see `run_pictures`.
    """

    out: str | os.PathLike[str] | None = None
    fresh: bool = False
    plugins: tuple[str, ...] = ()
    figures_only: bool = False
    pictures: bool = False

    def folder(self, options: TrainOptions, trained_on: TrainedOn) -> RunFolder:
        """The run's folder; it need not exist."""
        return RunFolder(self.out or RUNS / run_name(options, trained_on))


def resumed_options(run: str | os.PathLike[str], given: dict[str, Any]) -> TrainOptions:
    """The options of a run (--resume), with those given now on top.

    Raises:
        UsageError: There is no such run, its net has a plug-in that is not named in what is given,
            or a value is out of range.
    """
    with on_this_machine(RunFolder(run), [CONFIG]) as folder:
        before = read_options(folder)
    check_named(
        before.net,
        str(run),
        [Part.of(given[name]).name for name in ("cnn", "head") if name in given],
    )
    options = before.with_values(given)
    if options.epochs < before.epochs:
        raise UsageError(
            f"--epochs {options.epochs} is fewer than the {before.epochs} of {run}; give more to"
            " extend it"
        )
    return options
