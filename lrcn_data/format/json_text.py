"""How the format writes JSON: the same text for the same values, whatever a file name holds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, fields
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


def known_values(kind: type[DataclassInstance], record: Mapping[str, Any]) -> dict[str, Any]:
    """Take the values of a dataclass's fields out of what a file holds.

    Keys that the class doesn't know are left out, as a later version of the format may have them.
    So are fields that the file lacks and that have a default.

    Args:
        kind: The dataclass.
        record: The object that was read from JSON.

    Raises:
        KeyError: A field without a default is missing.
        TypeError: It is no object.
    """
    return {
        f.name: record[f.name]
        for f in fields(kind)
        if f.name in record or (f.default is MISSING and f.default_factory is MISSING)
    }


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
