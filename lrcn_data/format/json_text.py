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
    """JSON as the format writes its files, also of records: indented, unicode, a line end last."""
    return encode_text(json.dumps(value, indent=1, ensure_ascii=False, default=members) + "\n")


def dump_json_line(value: Any) -> bytes:
    """JSON as one line of a .jsonl file."""
    return encode_text(json.dumps(value, ensure_ascii=False) + "\n")


def readable(path: str) -> str:
    r"""A path as samples have it: bytes that are no UTF-8 as \xNN, which any reader can take."""
    return os.fsencode(path).decode(errors="backslashreplace")


def members(record: DataclassInstance) -> dict[str, Any]:
    """A record's fields by name."""
    # asdict would copy all that is in them too
    return {name: getattr(record, name) for name in _names(type(record))}


@cache
def _names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))


def encode_text(text: str) -> bytes:
    """UTF-8; what a file name has that is no unicode becomes a JSON escape."""
    return text.encode(errors="backslashreplace")
