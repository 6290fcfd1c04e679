from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.checks import (
    find_duplicates,
    find_missing,
    find_same_content,
    find_shared_groups,
)
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.problems import Problem

FILES = {split: Path(f"{split}.txt") for split in ("train", "val", "test")}
SPLITS = st.sampled_from(["train", "test"])


def entries_of(named: list[tuple[str, str]]) -> list[Entry]:
    """Entries of (path, split), each split's lines numbered from 1, in the order of the lists."""
    ordered = [pair for split in FILES for pair in named if pair[1] == split]
    splits = [split for _, split in ordered]
    return [
        Entry(path, 0, split, splits[: number + 1].count(split))
        for number, (path, split) in enumerate(ordered)
    ]


def lines(problems: list[Problem]) -> list[tuple[str, int]]:
    return [(problem.file.stem, problem.line) for problem in problems]


@given(st.lists(st.tuples(st.sampled_from("abcde"), SPLITS), max_size=12))
def test_every_entry_whose_video_came_before_is_a_duplicate(named: list[tuple[str, str]]) -> None:
    entries = entries_of(named)
    expected = [
        (entry.split, entry.line)
        for number, entry in enumerate(entries)
        if any(before.path == entry.path for before in entries[:number])
    ]
    assert lines(list(find_duplicates(entries, FILES))) == expected


@given(st.lists(st.tuples(st.sampled_from("abcde"), SPLITS), max_size=12))
def test_within_a_split_only_its_own_entries_count(named: list[tuple[str, str]]) -> None:
    entries = entries_of(named)
    expected = [
        (entry.split, entry.line)
        for number, entry in enumerate(entries)
        if any((e.path, e.split) == (entry.path, entry.split) for e in entries[:number])
    ]
    assert lines(list(find_duplicates(entries, FILES, across_splits=False))) == expected


def test_a_detour_in_a_path_hides_no_duplicate() -> None:
    entries = entries_of([("a/b.avi", "train"), ("a//b.avi", "train"), ("./a/b.avi", "test")])
    assert lines(list(find_duplicates(entries, FILES))) == [("train", 2), ("test", 1)]


@given(st.lists(st.tuples(st.integers(1, 3), SPLITS), max_size=12))
def test_a_group_in_two_splits_is_told_once(members: list[tuple[int, str]]) -> None:
    named = [(f"v_A_g{g:02d}_c{n:02d}.avi", split) for n, (g, split) in enumerate(members)]
    found = list(find_shared_groups(entries_of(named), FILES))
    shared = {
        g for g, _ in members if {split for h, split in members if h == g} == {"train", "test"}
    }
    assert len(found) == len(shared)
    assert {problem.file.stem for problem in found} <= {"test"}


def test_missing_files_are_told_in_the_order_of_the_lists(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(0, 40, 2):
        (tmp_path / f"many/{number}.avi").touch()
    (tmp_path / "many/folder.avi").mkdir()
    named = [(f"many/{number}.avi", "train") for number in range(40)]
    named += [("few/a.avi", "train"), ("many/folder.avi", "test"), ("many/1.avi", "test")]
    found = list(find_missing(entries_of(named), FILES, tmp_path))
    expected = [("train", number + 1) for number in range(1, 40, 2)]
    assert lines(found) == [*expected, ("train", 41), ("test", 1), ("test", 2)]
    assert [problem.kind for problem in found][-2:] == ["no regular file", "no such file"]


def test_a_missing_file_whose_name_starts_with_a_hash_may_be_meant_as_a_comment(
    tmp_path: Path,
) -> None:
    [problem] = find_missing(entries_of([("#a.avi", "train")]), FILES, tmp_path)
    assert problem.text.endswith("if the line is meant as a comment, put a space after the #")


@given(st.lists(st.sampled_from([b"", b"a", b"b", b"aa", b"ab"]), min_size=1, max_size=8))
def test_of_equal_contents_all_but_the_first_are_told(contents: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(contents):
            Path(folder, f"{number}.avi").write_bytes(content)
        entries = entries_of([(f"{number}.avi", "train") for number in range(len(contents))])
        found = list(find_same_content(entries, FILES, Path(folder)))
    expected = [n + 1 for n, content in enumerate(contents) if content in contents[:n]]
    assert [problem.line for problem in found] == expected


def test_a_video_that_is_listed_twice_has_not_the_same_content_as_another(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_bytes(b"a")
    (tmp_path / "b.avi").symlink_to("a.avi")
    twice = entries_of([("a.avi", "train"), ("./a.avi", "test")])
    assert list(find_same_content(twice, FILES, tmp_path)) == []
    linked = entries_of([("a.avi", "train"), ("b.avi", "test")])
    assert lines(list(find_same_content(linked, FILES, tmp_path))) == [("test", 1)]
