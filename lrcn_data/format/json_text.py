"""How the format writes JSON: the same text for the same values, whatever a file name holds."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump_json(value: Any) -> bytes:
    """Write a file of the format as JSON: indented, in Unicode, with a line end at the end.

    Args:
        value: The value to write; dataclasses in it are written as objects of their fields.
    """
    return encode_text(json.dumps(value, indent=1, ensure_ascii=False, default=members) + "\n")


def dump_json_line(value: Any) -> bytes:
    """Write a value as one line of a .jsonl file."""
    return encode_text(json.dumps(value, ensure_ascii=False) + "\n")


def readable(path: str) -> str:
    r"""Write a path as samples have it: bytes that aren't UTF-8 become \xNN, for any reader."""
    return os.fsencode(path).decode(errors="backslashreplace")


def members(record: DataclassInstance) -> dict[str, Any]:
    """The values of a record's fields, by the fields' names."""
    # asdict would copy all that is in them too
    return {name: getattr(record, name) for name in _names(type(record))}


@cache
def _names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def encode_text(text: str) -> bytes:
    """Encode text as UTF-8; bytes of a file name that aren't Unicode become JSON escapes."""
    return text.encode(errors="backslashreplace")
