"""The file of a run's weights: where it is, and what it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import Tensor

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.storage import locations
from lrcn_data.storage.folder import Folder
from lrcn_model.run_folder import CONFIG, WEIGHTS, RunFolder
from lrcn_model.tensor_file import (
    DamagedTensorsError,
    NoTensorsError,
    read_record,
    read_tensors,
)

_ENDING = ".safetensors"


def find_weights(run: str | os.PathLike[str]) -> tuple[Folder, str]:
    """The folder that the weights are in, and their name there.

    Args:
        run: The path or URL of the run's folder, or of the weights' file itself.

    Raises:
        UsageError: There is no such run, or it has no weights.
    """
    folder = RunFolder(run)
    above, name = locations.split_location(folder.location)
    if name.endswith(_ENDING) or (folder.is_local and folder.path.is_file()):
        return Folder(above), name
    names = folder.names()
    if not names and not (folder.is_local and folder.path.is_dir()):
        raise UsageError(f"there is no run {run}; name the folder that lrcn-train wrote")
    if WEIGHTS in names:
        return folder, WEIGHTS
    if CONFIG in names:
        raise UsageError(
            f"{run} has no {WEIGHTS} yet, which is written after every epoch; go on with"
            f" `lrcn-train --resume {run}`"
        )
    raise UsageError(f"{run} is no run: it has no {WEIGHTS}")


def read_weights(file: Path, path: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The record and the tensors of a weights' file.

    Args:
        file: The weights' file, or a copy of it on this machine.
        path: What the weights' file is called, for error messages.

    Raises:
        LrcnError: It is no such file, or is damaged.
    """
    try:
        return read_tensors(file)
    except NoTensorsError as error:
        raise LrcnError(
            f"{path} holds no weights as lrcn-train writes them ({error}); name the run's folder,"
            " or its weights.safetensors"
        ) from error
    except DamagedTensorsError as error:
        raise LrcnError(
            f"{path} is damaged: {error}; copy it again, or train anew with `lrcn-train --fresh`"
        ) from error


def what_is_trained(folder: RunFolder) -> dict[str, Any] | None:
    """What the weights of a run stand for now, `RunFacts.trained`.

    Of a run on this machine not all of them are read.

    Returns:
        None where there are no weights.

    Raises:
        LrcnError: The weights can't be read.
    """
    if not folder.has(WEIGHTS):
        return None
    try:
        with folder.local_file(WEIGHTS) as path:
            trained: dict[str, Any] = read_record(path)["trained"]
    except (NoTensorsError, KeyError) as error:
        raise LrcnError(f"{folder.at(WEIGHTS)} is damaged: {error!r}") from error
    except OSError as error:
        raise LrcnError(f"{folder.at(WEIGHTS)} can't be read: {error.strerror or error}") from error
    return trained
