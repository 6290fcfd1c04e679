"""Training by values as `lrcn-train` has them, from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrcn_data.errors import UsageError
from lrcn_model.training.options import TrainOptions, read_config
from lrcn_model.training.presets import find_config
from lrcn_model.training.reports import (
    EpochReport,
    StartReport,
    StepReport,
    TrainingObserver,
)

if TYPE_CHECKING:
    from lrcn_model.training.run import Outcome

AnyPath = str | os.PathLike[str]


class SilentObserver(TrainingObserver):
    """Hears all that a training tells, and says nothing."""

    def start(self, report: StartReport) -> None:
        """Say nothing."""

    def step(self, report: StepReport) -> None:
        """Say nothing."""

    def epoch(self, report: EpochReport) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""


def train(
    shards: AnyPath | Sequence[AnyPath] = (),
    *,
    val_shards: AnyPath | Sequence[AnyPath] = (),
    config: AnyPath | None = None,
    out: AnyPath | None = None,
    resume: AnyPath | None = None,
    fresh: bool = False,
    plugins: Sequence[str] = (),
    observer: TrainingObserver | None = None,
    **values: Any,
) -> Outcome:
    """Train a net on shards, or go on training it, to the last epoch.

    If a training was stopped, the same call goes on from there.

    Args:
        shards: The shards to train on: paths, folders, globs, ranges or URLs, one or several.
        val_shards: The shards to score after every epoch.
        config: A TOML file with values, or the name of a preset such as "paper".
        out: The folder that the run is written into; None for `runs/<cnn>-<hash>`.
        resume: The folder of a run to go on with, with its own values.
        fresh: Whether to throw away the run that is in the folder.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        observer: The object that is told what happens; None for nobody.
        **values: Any values of `lrcn-train`, by the names of `training.options.OPTIONS`: for
            example `cnn="small", size=(64, 64), epochs=3`. They override those of `config`.

    Returns:
        Where the run is, and how it ended.

    Raises:
        UsageError: A value is unknown, out of range, or contradicts another one.
        LrcnError: The training can't be done; the message says why and what helps.
    """
    from lrcn_model.training.run import run_training
    from lrcn_model.training.run_choice import RunChoice
    from lrcn_model.training.stop_signals import StopSignals

    for name, patterns in (("shards", shards), ("val_shards", val_shards)):
        if patterns:
            values[name] = _texts(patterns)
    options = training_options(values, config=config, out=out, resume=resume, fresh=fresh)
    choice = RunChoice(out=resume or out, fresh=fresh, plugins=tuple(plugins))
    # not entered: signals do here what they do in the caller's program
    return run_training(options, choice, observer or SilentObserver(), StopSignals())


def training_options(
    given: Mapping[str, Any],
    *,
    config: AnyPath | None = None,
    out: AnyPath | None = None,
    resume: AnyPath | None = None,
    fresh: bool = False,
) -> TrainOptions:
    """The values given, then those of the TOML file or of the run to resume, then the defaults.

    Args:
        given: Values by the names of `training.options.OPTIONS`.
        config: A TOML file with values, or the name of a preset.
        out: The folder that the run is written into.
        resume: The folder of a run to go on with, which has its own values.
        fresh: Whether to throw away the run that is in the folder.

    Raises:
        UsageError: A value is unknown, out of range, or contradicts another one.
    """
    if resume is None:
        before = read_config(find_config(Path(config))) if config else {}
        return TrainOptions.of_new_run(before, given)
    for name, other in (("--config", config), ("--out", out), ("--fresh", fresh)):
        if other:
            raise UsageError(f"--resume goes on with a run as it is, and doesn't go with {name}")
    from lrcn_model.training.run_choice import resumed_options

    return resumed_options(resume, dict(given))


def _texts(patterns: AnyPath | Sequence[AnyPath]) -> tuple[str, ...]:
    several = [patterns] if isinstance(patterns, str | os.PathLike) else patterns
    return tuple(os.fspath(pattern) for pattern in several)
