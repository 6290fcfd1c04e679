"""The colour of a class, the same on every picture."""

from __future__ import annotations

import colorsys

_GOLDEN = 0.618034
"""Hues at multiples of the golden ratio are far from each other, however many there are."""


def class_colour(label: int) -> tuple[int, int, int]:
    """The colour of a class, as red, green and blue from 0 to 255."""
    red, green, blue = colorsys.hsv_to_rgb((0.58 + label * _GOLDEN) % 1, 0.7, 0.92)
    return round(red * 255), round(green * 255), round(blue * 255)


def class_hex(label: int) -> str:
    """The colour of a class, such as #4680eb."""
    return "#{:02x}{:02x}{:02x}".format(*class_colour(label))
