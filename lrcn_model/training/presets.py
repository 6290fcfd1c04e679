"""The TOML files that come with lrcn, which `--config` takes by name: `--config paper`."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.storage.locations import is_url, normal_location

_ENDING = ".toml"


def preset_names() -> list[str]:
    """The names of the files that come with lrcn, without their ending."""
    found = (entry.name for entry in files("lrcn_model.configs").iterdir())
    return sorted(name.removesuffix(_ENDING) for name in found if name.endswith(_ENDING))


def find_config(config: str | os.PathLike[str]) -> Path | str:
    """The file that `--config` means: one that is there, else the preset of that name.

    Returns:
        Its path, or its URL.

    Raises:
        UsageError: There is neither such a file nor such a preset.
    """
    location = normal_location(config)
    if is_url(location):
        return location
    names, config = preset_names(), Path(config)
    if config.is_file():
        return config
    if str(config) in names:
        return Path(str(files("lrcn_model.configs") / f"{config}{_ENDING}"))
    if config.exists():
        return config  # what is wrong with it is said where it is read
    raise UsageError(
        f"--config {config}: there is no such file, and no preset of that name; the presets are"
        f" {', '.join(names)}"
    )
