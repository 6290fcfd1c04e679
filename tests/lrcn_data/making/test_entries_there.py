"""Which entries of lists a data set has, and which run has added them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.format.append import Append
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.manifest import Manifest
from lrcn_data.lists.entry import Entry
from lrcn_data.making.entries_there import find_entries, write_added

APPEND = Append(fingerprint="1", shards={}, videos={})
MANIFEST = Manifest(
    fingerprint="0", options={}, classes=[], appends=[APPEND, replace(APPEND, fingerprint="2")]
)


def entry(path: str, split: str = "train") -> Entry:
    return Entry(path=path, label=0, split=split, line=1)


@pytest.fixture
def folder(tmp_path: Path) -> DataSetFolder:
    """Two appends have added these entries."""
    folder = DataSetFolder(tmp_path)
    folder.make(".meta")
    write_added(0, [entry("b.avi", "val"), entry("b.avi")], folder)
    write_added(1, [entry("line\nend.avi"), entry(os.fsdecode(b"caf\xe9.avi"))], folder)
    return folder


def test_entries_of_any_name_are_found_by_the_run_that_has_added_them(
    folder: DataSetFolder,
) -> None:
    odd = [entry("line\nend.avi"), entry(os.fsdecode(b"caf\xe9.avi"))]
    entries = [entry("a.avi"), *odd, entry("b.avi"), entry("b.avi", "val"), entry("b.avi", "test")]
    found = find_entries(entries, MANIFEST, folder, may_be_new=False)
    assert found.by_run == [
        [entry("a.avi"), entry("b.avi", "test")],
        [entry("b.avi"), entry("b.avi", "val")],
        odd,
    ]
    assert found.new == []


def test_the_same_entries_are_written_down_the_same_in_any_order(folder: DataSetFolder) -> None:
    before = folder.read(".meta/append-0.jsonl")
    write_added(0, [entry("b.avi"), entry("b.avi", "val")], folder)
    assert folder.read(".meta/append-0.jsonl") == before


@pytest.mark.parametrize("text", [None, b"{", b"3\n", b'{"path": "a.avi"}\n'])
def test_what_an_append_has_added_must_be_known(folder: DataSetFolder, text: bytes | None) -> None:
    folder.delete(".meta/append-1.jsonl")
    if text is not None:
        folder.write(".meta/append-1.jsonl", text)
    with pytest.raises(LrcnError, match=r"append-1\.jsonl, which says what an append has added, c"):
        find_entries([entry("b.avi")], MANIFEST, folder, may_be_new=False)
