"""What the script of a page is given, read back from the page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any


def data_of(page: str) -> dict[str, Any]:
    """The data that the page's script shows."""
    [line] = re.findall(r"^const DATA = (.*);$", page, re.MULTILINE)
    found: dict[str, Any] = json.loads(line)
    return found


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def parsed(page: str) -> tuple[list[str], list[str], list[str]]:
    """The texts of a page, the addresses that it names, and its tags, as HTML is read."""
    reader = _Texts()
    reader.feed(page)
    return [text for text in reader.texts if text], reader.addresses, reader.tags
