from __future__ import annotations

from fractions import Fraction

import click
import pytest
from lrcn_cli.options import RateType, SizeType


def test_a_size_is_width_and_height() -> None:
    assert SizeType().convert("320X240", None, None) == (320, 240)


def test_native_is_a_size_only_where_it_may_be() -> None:
    assert SizeType(native=True).convert("native", None, None) is None
    with pytest.raises(click.BadParameter) as caught:
        SizeType().convert("native", None, None)
    assert caught.value.message == "'native' is no size; write WIDTHxHEIGHT, such as 320x240"


@pytest.mark.parametrize("text", ["320", "320x", "-3x4", "3.5x4", "axb", "1x2x3", ""])
def test_what_is_no_size_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        SizeType(native=True).convert(text, None, None)
    assert caught.value.message == (
        f"{text!r} is no size; write native or WIDTHxHEIGHT, such as 320x240"
    )


@pytest.mark.parametrize(
    ("text", "rate"),
    [("5", Fraction(5)), ("12.5", Fraction(25, 2)), ("30000/1001", Fraction(30000, 1001))],
)
def test_a_rate_is_kept_exact(text: str, rate: Fraction) -> None:
    assert RateType().convert(text, None, None) == rate


@pytest.mark.parametrize("text", ["fast", "1/0", ""])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is no rate; write 5, 12\.5 or 30000/1001"):
        RateType().convert(text, None, None)
