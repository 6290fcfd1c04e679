"""Files of tensors with a record beside them: safetensors, of which damage is noticed.

The record is JSON in the file's metadata under `lrcn`. Its `sha256` is over it and the tensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lrcn_model.run_folder import run_file


class NoTensorsError(Exception):
    """A file is none that `write_tensors` wrote."""


class DamagedTensorsError(Exception):
    """A file has other bytes than `write_tensors` wrote."""


def write_tensors(path: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a file, which is there whole or not at all.

    Args:
        path: The file to write.
        record: What goes with the tensors, as JSON has it; `sha256` is no name of it.
        tensors: Tensors on the CPU, by name.

    Raises:
        LrcnError: The file can't be written.
    """
    data = tensors_as_bytes(record, tensors)
    with run_file(path) as file:
        file.write(data)


def tensors_as_bytes(record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> bytes:
    """What a file holds as `write_tensors` writes it.

    Args:
        record: What goes with the tensors, as JSON has it; `sha256` is no name of it.
        tensors: Tensors on the CPU, by name.
    """
    from safetensors.torch import save

    # one entry only: safetensors writes several in no fixed order
    metadata = {"lrcn": _dump({**record, "sha256": digest_of(tensors, _dump(record))})}
    return save(dict(tensors), metadata)


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of a file alone, in which damage is not noticed.

    Raises:
        OSError: The file can't be read.
        NoTensorsError: The file is no such file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as content:
            record: dict[str, Any] = json.loads((content.metadata() or {})["lrcn"])
    except (SafetensorError, ValueError, KeyError) as error:
        raise NoTensorsError(repr(error)) from error
    return record


def read_tensors(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a file back: its record, and its tensors, which share the memory of the file's pages.

    Raises:
        OSError: The file can't be read.
        NoTensorsError: The file is no such file.
        DamagedTensorsError: The file is not what was written.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as content:
            metadata = content.metadata() or {}
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise NoTensorsError(str(error)) from error
    if "lrcn" not in metadata:
        raise NoTensorsError("it has no record of lrcn")
    try:
        record = json.loads(metadata["lrcn"])
        sound = record.pop("sha256") == digest_of(tensors, _dump(record))
    except (ValueError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise DamagedTensorsError("its bytes are not those that were written")
    return record, tensors


def _dump(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, sort_keys=True)


def digest_of(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """The SHA-256 of tensors with their names, types and shapes, after that of a text.

    Args:
        tensors: Tensors of any device, by name; their order doesn't count.
        text: What else is digested.
    """
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
