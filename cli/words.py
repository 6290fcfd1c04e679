"""Lines broken between words, so that a terminal breaks no number and no path."""

from __future__ import annotations

import shutil
import textwrap
from typing import TextIO


def on_stream(text: str, stream: TextIO) -> str:
    """A text with lines that fit the terminal that it goes to; for what is none, as it is."""
    return at_words(text, shutil.get_terminal_size().columns) if stream.isatty() else text


def at_words(text: str, width: int) -> str:
    """A text with lines of a width, but for words that are longer, which are kept whole."""
    if all(len(line) <= width for line in text.splitlines()):
        return text
    wrapper = textwrap.TextWrapper(
        width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
    return "\n".join(wrapper.fill(line) for line in text.splitlines())
