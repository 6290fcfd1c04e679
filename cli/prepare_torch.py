"""What is done before torch is imported; a module of its own, so that it costs no import."""

from __future__ import annotations

import os
from importlib.util import find_spec

from lrcn_data.errors import UsageError


def prepare_torch(*, to_train: bool = False) -> None:
    """Have torch's threads sleep while they wait, and say what is missing where torch is.

    Threads that spin make each other wait where cores are shared: on two busy cores a step took
    six times as long. It must be said before torch is imported.

    Args:
        to_train: Whether the packages that only training needs must be there as well.

    Raises:
        UsageError: A package is not installed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    needed = ["torch", "safetensors", *(("tensorboard", "tomli_w") if to_train else ())]
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} can't be imported, which this command needs; install what is"
            " missing with pip install 'lrcn[train]'"
        )
