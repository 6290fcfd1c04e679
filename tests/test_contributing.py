"""What CONTRIBUTING.md points to is there."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TEXT = (PROJECT / "CONTRIBUTING.md").read_text()


def test_the_table_says_of_twenty_things_and_more_where_they_are() -> None:
    rows = re.findall(r"^\| .* \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        folder = Path()
        for name in re.findall(r"`([\w/]+\.(?:py|md))`", row):
            # a name without a folder lies beside the one before it
            folder = Path(name).parent if "/" in name else folder
            if "NAME" not in name:
                assert (PROJECT / folder / Path(name).name).is_file(), name


def test_the_rooms_are_those_that_there_are() -> None:
    picture = TEXT.partition("## The rooms")[2].partition("## To change")[0]
    for package in ("lrcn_data", "lrcn_model"):
        for init in (PROJECT / package).glob("*/__init__.py"):
            assert re.search(rf"\b{init.parent.name}\b", picture), init.parent.name
