from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.labels import LabelTable, folder_of, label_table
from lrcn_data.lists.lines import ListLine, parse_classes, parse_list


def table_of(
    text: str, classes: str = "", base: int | None = None, before: Sequence[str] = ()
) -> LabelTable:
    known = parse_classes(classes.encode()) if classes else None
    return label_table(parse_list(text.encode()), known, base, before)


def line(path: str, label: str | None) -> ListLine:
    return ListLine(line=1, path=path, label=label)


@given(st.sets(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1))
def test_names_are_numbered_alphabetically(names: set[str]) -> None:
    table = table_of("".join(f"v.avi {name}\n" for name in names))
    numbers = [table.class_of(line("v.avi", name)) for name in sorted(names)]
    assert numbers == list(range(len(names)))
    assert table.names == sorted(names)


@given(st.integers(1, 9), st.sampled_from([0, 1]))
def test_numbers_are_shifted_to_start_at_0(count: int, base: int) -> None:
    text = "".join(f"v.avi {number}\n" for number in range(base, base + count))
    table = table_of(text, base=base)
    found = [table.class_of(line("v.avi", str(base + number))) for number in range(count)]
    assert found == list(range(count))


def test_a_video_without_a_label_belongs_to_the_class_of_its_folder() -> None:
    table = table_of("run/a.avi\n", classes="walk\nrun\n")
    assert table.class_of(line("deep/run/b.avi", None)) == 1
    assert table.class_of(line("swim/b.avi", None)) is None


def test_a_label_without_a_class_is_explained_with_what_would_be_one() -> None:
    table = table_of("v.avi 0\nv.avi 1\n", classes="walk\nrun\n")
    why = table.why_no_class(line("v.avi", "2"))
    assert why == "label 2 of v.avi is not one of 2 class names or a number from 0 to 1"


def test_what_the_problem_of_all_labels_says_is_not_said_again_for_each() -> None:
    table = table_of("v.avi 1\n", classes="walk\nrun\nswim\n")
    assert "don't tell whether they start at 0 or 1" in (table.problem or "")
    assert table.why_no_class(line("v.avi", "1")) is None
    assert "is not one of 3 class names" in (table.why_no_class(line("v.avi", "typo")) or "")


@pytest.mark.parametrize(
    ("labels", "missing"),
    [((0, 2), "1"), ((0, 1, 4), "2, 3"), ((0, 8), "1, 2, 3, 4, 5 and 2 more")],
)
def test_class_numbers_that_no_video_has_are_named(labels: tuple[int, ...], missing: str) -> None:
    table = table_of("".join(f"v.avi {label}\n" for label in labels))
    assert f"but no video has label {missing};" in (table.problem or "")


@pytest.mark.parametrize(
    ("path", "folder"), [("a.avi", ""), ("run/a.avi", "run"), ("/deep/run/a.avi", "run")]
)
def test_the_folder_of_a_path_is_the_last_one(path: str, folder: str) -> None:
    assert folder_of(path) == folder


def test_new_names_are_numbered_after_those_that_have_numbers_already() -> None:
    table = table_of("v.avi run\nv.avi b\nv.avi a\n", before=["walk", "run"])
    assert table.names == ["walk", "run", "a", "b"]
    assert [table.class_of(line("v.avi", name)) for name in ("run", "a", "b")] == [1, 2, 3]


def test_a_name_in_another_unicode_form_is_no_new_class() -> None:
    table = table_of("v.avi Cafe\u0301\n", before=["Caf\u00e9"])
    assert table.names == ["Caf\u00e9"]
    assert table.class_of(line("v.avi", "Cafe\u0301")) == 0


def test_numbers_keep_the_names_that_they_have_already() -> None:
    table = table_of("jump/v.avi 0\nv.avi 1\nv.avi 2\n", before=["walk", "run"])
    assert table.names == ["walk", "run", "2"]
    assert table.class_of(line("v.avi", "1")) == 1
