"""Lists of videos with several labels: as they are read with --multi-label, and told without."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.lists.entry import Entry
from lrcn_data.lists.problems import ListError
from lrcn_data.lists.read_lists import Lists, read_lists


class Folder:
    """Lists and empty videos in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(
        self, text: str, *, classes: str | None = None, multi_label: bool = True, **more: Any
    ) -> Lists:
        paths = {}
        for split, content in {"train": text, **more.pop("lists", {})}.items():
            paths[split] = self.root / f"{split}.txt"
            paths[split].write_bytes(os.fsencode(content))
        class_file = None
        if classes is not None:
            class_file = self.root / "classes.txt"
            class_file.write_text(classes)
        return read_lists(
            paths, root=self.root, classes=class_file, multi_label=multi_label, **more
        )

    def labelled(self, text: str, **options: Any) -> dict[str, str]:
        lists = self.read(text, **options)
        return {
            entry.path: " ".join(lists.classes[number] for number in entry.classes)
            for entry in lists.entries
        }

    def problems(self, text: str, **options: Any) -> list[str]:
        with pytest.raises(ListError) as caught:
            self.read(text, **options)
        return [f"{problem.line}: {problem.text}" for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for name in ("a.mp4", "b.mp4", "c.mp4", "d e.mp4", "x_g01_c01.avi", "x_g01_c02.avi"):
        (tmp_path / name).touch()
    return Folder(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "a.mp4 walk,talk\nb.mp4 walk\n",
        "a.mp4 talk, walk\nb.mp4 walk,walk\n",
        "a.mp4 walk\nb.mp4 walk\na.mp4 talk\n",
        "a.mp4 walk\nb.mp4 walk\n./a.mp4 walk,talk\n",
        'a.mp4,"walk,talk"\nb.mp4,walk\n',
        'path,label\na.mp4,"walk, talk"\nb.mp4,walk\n',
        "path,label\na.mp4,walk\na.mp4,talk\nb.mp4,walk\n",
        "a.mp4\twalk,talk\nb.mp4\twalk\n",
        "a.mp4;walk,talk\nb.mp4;walk\n",
        '"a.mp4" "walk,talk"\nb.mp4 walk\n',
        "a.mp4 walk,talk # a comment\nb.mp4 walk\n",
    ],
)
def test_a_video_has_the_labels_of_all_its_lines(folder: Folder, text: str) -> None:
    lists = folder.read(text)
    assert lists.classes == ["talk", "walk"]
    assert {entry.path: entry.label for entry in lists.entries} == {
        "a.mp4": (0, 1),
        "b.mp4": (1,),
    }


def test_an_entry_has_the_line_in_which_its_video_stands_first(folder: Folder) -> None:
    lists = folder.read("b.mp4 1\na.mp4 0\nb.mp4 0, 2\n")
    assert lists.entries == [
        Entry("b.mp4", (0, 1, 2), "train", 1),
        Entry("a.mp4", (0,), "train", 2),
    ]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a.mp4 0,2\nb.mp4 1\n", {}),
        ("a.mp4 1,3\nb.mp4 2\n", {"label_base": 1}),
        ("a.mp4 1,3\nb.mp4 2\n", {"classes": "1 x\n2 y\n3 z\n"}),
        ("a.mp4 x,z\nb.mp4 1\n", {"classes": "x\ny\nz\n", "label_base": 0}),
    ],
)
def test_numbers_mean_what_they_mean_with_one_label(
    folder: Folder, text: str, options: dict[str, Any]
) -> None:
    assert [entry.label for entry in folder.read(text, **options).entries] == [(0, 2), (1,)]


def test_a_dash_says_that_a_video_has_none_of_the_classes(folder: Folder) -> None:
    lists = folder.read("a.mp4 walk,talk\nb.mp4 -\nc.mp4 walk\n")
    assert [entry.label for entry in lists.entries] == [(0, 1), (), (1,)]
    assert lists.classes == ["talk", "walk"]


def test_a_class_that_is_called_dash_is_one(folder: Folder) -> None:
    assert folder.labelled("a.mp4 -,x\nb.mp4 -\n", classes="-\nx\n") == {
        "a.mp4": "- x",
        "b.mp4": "-",
    }


def test_what_is_the_name_of_a_class_as_a_whole_is_that_class(folder: Folder) -> None:
    assert folder.labelled("a.mp4 up, down\nb.mp4 up,left\n", classes="up, down\nup\nleft\n") == {
        "a.mp4": "up, down",
        "b.mp4": "up left",
    }


def test_a_folder_s_name_is_the_class_of_a_video_without_a_label(folder: Folder) -> None:
    (folder.root / "walk").mkdir()
    (folder.root / "walk/a.mp4").touch()
    found = folder.labelled("walk/a.mp4\na.mp4 walk,talk\n", classes="talk\nwalk\n")
    assert found == {"walk/a.mp4": "walk", "a.mp4": "talk walk"}


def test_a_line_that_says_nothing_new_of_its_video_is_told(folder: Folder) -> None:
    assert folder.problems("a.mp4 x,y\nb.mp4 x\na.mp4 y\n") == [
        "3: a.mp4 already stands in line 1, with the same labels"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a.mp4 x\na.mp4 -\n", 2), ("a.mp4 -\na.mp4 x\n", 2), ("a.mp4 x,-\nb.mp4 y\n", 1)],
)
def test_a_dash_beside_labels_is_told(folder: Folder, text: str, line: int) -> None:
    assert folder.problems(text) == [
        f"{line}: a.mp4, first in line 1, has labels as well as -, which means none of the classes;"
        " leave one out"
    ]


def test_every_label_without_a_class_is_told(folder: Folder) -> None:
    assert folder.problems("a.mp4 x,q\nb.mp4 r\n", classes="x\ny\n") == [
        "1: label q of a.mp4 is not one of 2 class names",
        "2: label r of b.mp4 is not one of 2 class names",
    ]


def test_a_video_in_two_splits_is_told_whatever_its_labels(folder: Folder) -> None:
    found = folder.problems("a.mp4 x,y\n", lists={"test": "a.mp4 y\n"})
    assert len(found) == 1
    assert "already stands in" in found[0]


def test_clips_of_one_recording_in_two_splits_are_told_whatever_their_labels(
    folder: Folder,
) -> None:
    found = folder.problems("x_g01_c01.avi x,y\n", lists={"test": "x_g01_c02.avi y\n"})
    assert len(found) == 1
    assert "group x_g01 is in" in found[0]


@pytest.mark.parametrize("label", ["0 3 5", "walk 5.82 16.19", "1.5 2.5"])
def test_what_is_no_label_is_told_with_several_labels_too(folder: Folder, label: str) -> None:
    (problem,) = folder.problems(f"a.mp4 {label}\nb.mp4 0,1\n")[:1]
    assert problem.startswith("1: ")
    assert "segment" in problem or "with commas between them" in problem


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a.mp4 walk,talk\nb.mp4 walk\n", {"classes": "walk\ntalk\n"}),
        ("a.mp4 0,3\nb.mp4 1\n", {}),
        ("a.mp4 walk\na.mp4 talk\n", {}),
        ("a.mp4,walk,talk\nb.mp4,walk\n", {}),
        ("a.mp4 5 3\nb.mp4 1\n", {}),
    ],
)
def test_without_the_option_errors_name_it_where_it_may_be_meant(
    folder: Folder, text: str, options: dict[str, Any]
) -> None:
    assert "--multi-label" in folder.problems(text, multi_label=False, **options)[0]


def test_without_the_option_a_text_with_commas_is_one_class_and_a_warning(folder: Folder) -> None:
    lists = folder.read("a.mp4 walk,talk\nb.mp4 walk\nc.mp4 talk\n", multi_label=False)
    assert lists.classes == ["talk", "walk", "walk,talk"]
    assert [entry.label for entry in lists.entries] == [2, 1, 0]
    assert lists.warnings == [
        "the class walk,talk has the names of others, with commas between them; if such videos"
        " show several classes, give --multi-label"
    ]
