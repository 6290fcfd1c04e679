from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_data.size import parse_size, size_text


@given(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)))
def test_a_size_that_is_written_is_read_again(size: tuple[int, int]) -> None:
    assert parse_size(size_text(size), "--size") == size


def test_the_width_comes_first() -> None:
    assert parse_size("320X240", "--size") == (320, 240)
    assert size_text((320, 240)) == "320x240"


@pytest.mark.parametrize("text", ["", "320", "x", "320x", "x240", "-1x2", "1.5x2", "1x2x3", "axb"])
def test_what_is_no_size_is_refused_with_its_source(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text, "a.toml: size")
    assert str(caught.value) == (
        f"a.toml: size: {text!r} is no size; write WIDTHxHEIGHT, such as 216x216"
    )
