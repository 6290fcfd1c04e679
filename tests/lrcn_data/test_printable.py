from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.printable import show


@given(st.text() | st.binary().map(os.fsdecode))
def test_what_is_shown_is_printable_text(name: str) -> None:
    shown = show(name)
    assert shown == "" or shown.isprintable()
    shown.encode()  # no stray byte is left that would break a terminal or a log


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_an_ordinary_name_is_shown_as_it_is(name: str) -> None:
    assert show(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        (os.fsdecode(b"caf\xe9"), r"caf\udce9"),
        ("right\u202eleft", r"right\u202eleft"),
        ("with space", "with space"),
    ],
)
def test_what_would_change_the_terminal_is_escaped(name: str, shown: str) -> None:
    assert show(name) == shown
