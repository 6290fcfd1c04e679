"""Training by values as `lrcn-train` has them, from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from lrcn_data.format.shard_patterns import Patterns, each_pattern
from lrcn_data.size import size_text
from lrcn_model.nets.net_config import Part
from lrcn_model.training.options import values_from_toml
from lrcn_model.training.reports import (
    CacheReport,
    EpochReport,
    StartReport,
    StepReport,
    TrainingObserver,
)
from lrcn_model.training.run import Outcome, run_training
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.stop_signals import StopSignals
from lrcn_model.training.training_options import training_options

AnyPath = str | os.PathLike[str]


class SilentObserver(TrainingObserver):
    """Hears all that a training tells, and says nothing."""

    def start(self, report: StartReport) -> None:
        """Say nothing."""

    def cache(self, report: CacheReport) -> None:
        """Say nothing."""

    def step(self, report: StepReport) -> None:
        """Say nothing."""

    def epoch(self, report: EpochReport) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""


def train(
    shards: Patterns = (),
    *,
    val_shards: Patterns = (),
    config: AnyPath | None = None,
    out: AnyPath | None = None,
    resume: AnyPath | None = None,
    fresh: bool = False,
    plugins: Sequence[str] = (),
    pictures: bool = False,
    observer: TrainingObserver | None = None,
    **values: Any,
) -> Outcome:
    """Train a net on shards, or go on training it, to the last epoch.

    If a training was stopped, the same call goes on from there.

    Args:
        shards: The shards to train on: paths, folders, globs, ranges or URLs, one or several.
        val_shards: The shards to score after every epoch.
        config: The path or URL of a TOML file with values, or the name of a preset such as "paper".
        out: The folder or URL that the run is written into; None for `runs/<cnn>-<hash>`.
        resume: The folder or URL of a run to go on with, with its own values.
        fresh: Whether to throw away the run that is in the folder.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        pictures: Whether the run's folder gets pictures and tables for people to look at, such as
            the learning curves.
        observer: The object that is told what happens; None for nobody.
        **values: Any values of `lrcn-train`, by the names of `training.options.OPTIONS`: for
            example `cnn="small", size=(64, 64), epochs=3`. They override those of `config`.

    Returns:
        Where the run is, and how it ended.

    Raises:
        UsageError: A value is unknown, out of range, or contradicts another one.
        LrcnError: The training can't be done; the message says why and what helps.
    """
    given = values_from_toml({name: _as_toml(value) for name, value in values.items()}, "train")
    for name, patterns in (("shards", shards), ("val_shards", val_shards)):
        if patterns:
            given[name] = tuple(each_pattern(patterns))
    options = training_options(given, config=config, out=out, resume=resume, fresh=fresh)
    choice = RunChoice(out=resume or out, fresh=fresh, plugins=tuple(plugins), pictures=pictures)
    # not entered: signals do here what they do in the caller's program
    return run_training(options, choice, observer or SilentObserver(), StopSignals())


def _as_toml(value: Any) -> Any:
    """A value as a TOML file would have it, by which types are checked."""
    if isinstance(value, Part):
        return value.to_json()
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(n, int) for n in value):
        return size_text(value)
    return list(value) if isinstance(value, tuple) else value
