"""Values that options take: sizes, rates, signals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import click


class SizeType(click.ParamType):  # type: ignore[type-arg]
    """WIDTHxHEIGHT as (width, height); with `native`, None."""

    name = "WxH"

    def __init__(self, *, native: bool = False) -> None:
        self._native = native

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int] | None:
        """Read the text; the library checks the range."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        if self._native and value == "native":
            return None
        width, _, height = value.lower().partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            other = "native or " if self._native else ""
            self.fail(f"{value!r} is no size; write {other}WIDTHxHEIGHT, such as 320x240")
        return int(width), int(height)


class RateType(click.ParamType):  # type: ignore[type-arg]
    """Frames a second: a whole number, a decimal or a fraction, kept exact."""

    name = "rate"

    def convert(self, value: Any, param: Any, ctx: Any) -> Fraction:
        """Read the text; the library checks the range."""
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is no rate; write 5, 12.5 or 30000/1001")
