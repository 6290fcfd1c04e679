"""Where the values of a training come from; nothing here needs torch, but what reads a run does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_model.training.options import TrainOptions, read_config
from lrcn_model.training.presets import find_config

AnyPath = str | os.PathLike[str]


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
        config: The path or URL of a TOML file with values, or the name of a preset.
        out: The folder or URL that the run is written into.
        resume: The folder or URL of a run to go on with, which has its own values.
        fresh: Whether to throw away the run that is in the folder.

    Raises:
        UsageError: A value is unknown, out of range, or contradicts another one.
    """
    if resume is None:
        before = read_config(find_config(config)) if config else {}
        return TrainOptions.of_new_run(before, given)
    for name, other in (("--config", config), ("--out", out), ("--fresh", fresh)):
        if other:
            raise UsageError(f"--resume goes on with a run as it is, and doesn't go with {name}")
    from lrcn_model.training.run_choice import resumed_options

    return resumed_options(resume, dict(given))
