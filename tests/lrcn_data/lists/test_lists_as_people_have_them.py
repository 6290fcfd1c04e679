"""Lists in the forms of other tools and systems: each is read right, or refused in words."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.lines import BadLine, ListLine
from lrcn_data.lists.problems import ListError
from lrcn_data.lists.read_lists import Lists, read_lists
from lrcn_data.lists.tables import Table, find_table, parse_table

COMPOSED = unicodedata.normalize("NFC", "Küche")
DECOMPOSED = unicodedata.normalize("NFD", "Küche")


class Folder:
    """A list and empty videos in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def videos(self, *names: str) -> None:
        for name in names:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).touch()

    def read(self, text: str | bytes, *, classes: str | None = None, **options: Any) -> Lists:
        path = self.root / "train.txt"
        path.write_bytes(text if isinstance(text, bytes) else os.fsencode(text))
        class_file = None
        if classes is not None:
            class_file = self.root / "classes.txt"
            class_file.write_text(classes)
        return read_lists({"train": path}, root=self.root, classes=class_file, **options)

    def labelled(self, text: str | bytes, **options: Any) -> dict[str, str]:
        lists = self.read(text, **options)
        return {entry.path: lists.classes[entry.label] for entry in lists.entries}

    def problems(self, text: str, **options: Any) -> list[str]:
        with pytest.raises(ListError) as caught:
            self.read(text, **options)
        return [f"{problem.line}: {problem.text}" for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path)
    found.videos("a.mp4", "b.mp4", "c, d.mp4")
    return found


@pytest.mark.parametrize(
    "text",
    [
        "a.mp4,walk\nb.mp4,run\n",
        "a.mp4, walk\r\nb.mp4, run\r\n",
        "\ufeffa.mp4;walk\nb.mp4;run\n",
        '"a.mp4","walk"\n"b.mp4","run"\n',
        '"a.mp4";"walk"\n"b.mp4";run\n',
        "a.mp4\twalk\nb.mp4\trun\n",
        '"a.mp4"\t"walk"\n"b.mp4"\t"run"\n',
        "path,label\na.mp4,walk\nb.mp4,run\n",
        "path label\na.mp4 walk\nb.mp4 run\n",
        "Path\tLabel\na.mp4\twalk\nb.mp4\trun\n",
        "label;video\nwalk;a.mp4\nrun;b.mp4\n",
        "# a comment\n\nlabel,File Name\nwalk,a.mp4\n\n# none\nrun,b.mp4\n",
        ",clip_name,clip_path,label\n0,a,a.mp4,walk\n1,b,b.mp4,run\n",
        "video,label,split,fps\na.mp4,walk,train,25\nb.mp4,run,train,30\n",
    ],
)
def test_a_table_is_read_with_any_delimiter_and_with_or_without_names(
    folder: Folder, text: str
) -> None:
    assert folder.labelled(text) == {"a.mp4": "walk", "b.mp4": "run"}


@pytest.mark.parametrize("header", ["", "path,label\n"])
def test_a_quoted_path_may_hold_the_delimiter_and_a_label_may_be_a_number(
    folder: Folder, header: str
) -> None:
    text = f'{header}a.mp4,0\n"c, d.mp4",1\n'
    lists = folder.read(text)
    assert [(entry.path, entry.label) for entry in lists.entries] == [("a.mp4", 0), ("c, d.mp4", 1)]


def test_lines_with_a_comma_in_a_name_are_no_table(folder: Folder) -> None:
    folder.videos("x.mp4,y.mp4")
    text = "c, d.mp4 walk\na.mp4 run\nx.mp4,y.mp4 run\n"
    assert folder.labelled(text) == {"c, d.mp4": "walk", "a.mp4": "run", "x.mp4,y.mp4": "run"}


def test_a_video_whose_name_starts_with_a_hash_is_not_lost_in_a_table(folder: Folder) -> None:
    folder.videos("#1.mp4")
    assert folder.labelled("#1.mp4,walk\na.mp4,run\n") == {"#1.mp4": "walk", "a.mp4": "run"}


cells = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), min_size=1)
labels = cells.filter(lambda text: text.strip() == text and not text.startswith("#"))


@given(
    st.lists(st.tuples(labels.map(lambda text: f"{text}.mp4"), labels), min_size=1),
    st.sampled_from(",;\t"),
)
def test_a_table_that_a_csv_library_wrote_reads_as_it_was_written(
    rows: list[tuple[str, str]], delimiter: str
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("path", "label"), *rows])
    data = written.getvalue().encode()
    table = find_table(data)
    assert isinstance(table, Table)
    assert list(parse_table(data, table)) == [
        ListLine(line=number, path=path, label=label)
        for number, (path, label) in enumerate(rows, 2)
    ]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a.mp4,walk\nb.mp4 run\n", 2, "b.mp4 run is no row of 2 columns, separated by commas"),
        ("path;label\na.mp4;walk\nb.mp4\n", 3, "no row of 2 columns, separated by semicolons"),
        ('path,label\na.mp4,walk\n"b.mp4,run\n', 3, "is no row of 2 columns"),
        ("path,label\na.mp4,walk\n,run\n", 3, "is no row of 2 columns"),
        ("a.mp4,walk,25\n", 1, "3 columns without names; put their names above"),
        ("Datei;Klasse\na.mp4;walk\n", 1, "it isn't known what the columns Datei, Klasse are"),
        ("Klasse,Person,Datei\nwalk,1,a.mp4\n", 1, "call those that count video and label"),
        ("id,label\na,walk\n", 1, "of the columns id, label none is called path"),
        ("path,id,label,split\na.mp4,1,x,train\nb.mp4,2,x,test\n", 3, "several splits (train, te"),
        ("video label path\na.mp4 walk x\n", 1, "the columns must be a path and a label, not"),
        ('{"a.mp4": 0, "b.mp4": 1}', 0, "this list is JSON; write it as lines"),
        ('{"path": "a.mp4"}\n{"path": "b.mp4"}\n', 0, "this list is JSON"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_what_it_holds(
    folder: Folder, text: str, line: int, part: str
) -> None:
    [found] = folder.problems(text)
    assert found.startswith(f"{line}: ")
    assert part in found


@pytest.mark.parametrize(
    "text",
    [
        "label,youtube_id,time_start,time_end,split\nabseiling,_4YTwq0-73Y,15,25,train\n",
        "abseiling,_4YTwq0-73Y,15,25,train\n",
        "path;start time;stop time;label\na.mp4;5;16;walk\n",
        "video label start end\na.mp4 walk 5 16\n",
        "a.mp4,walk,5.82,16.19\n",
        "a.mp4 lifting 5.82 16.19\n",
        "a.mp4 lifting 5 16\n",
        "a.mp4 lifting weights 5 16\n",
        "a.mp4\tlifting\t5.82\t16.19\n",
        "a.mp4 5.82 16.19 lifting\n",
        "a.mp4 5 16 lifting weights\n",
        "a.mp4 5.82 16.19\n",
        "a.mp4 3 5.82 16.19\n",
        "a.mp4 lifting 0:05 1:16\n",
        "a.mp4 lifting 16.19 3.5\n",
        '"a.mp4" lifting 5.82 16.19\n',
        "clip_0001 lifting 5.82 16.19\n",
    ],
)
def test_segments_are_refused_with_a_word_on_them(folder: Folder, text: str) -> None:
    [found] = folder.problems(text)
    assert "a CSV with the columns video,start,end,label" in found


def test_a_class_name_that_ends_in_numbers_is_read_where_the_classes_are_given(
    folder: Folder,
) -> None:
    text = "a.mp4 take 1 2\nb.mp4 other\n"
    assert "give --classes FILE" in folder.problems(text)[0]
    expected = {"a.mp4": "take 1 2", "b.mp4": "other"}
    assert folder.labelled(text, classes="take 1 2\nother\n") == expected


@pytest.mark.parametrize("label", ["level 2", "take 2 1", "50 m", "2 2"])
def test_labels_with_numbers_that_are_no_segment_are_classes(folder: Folder, label: str) -> None:
    text = f"a.mp4 {label} x\nb.mp4 other\n"
    assert folder.labelled(text)["a.mp4"] == f"{label} x"


@pytest.mark.parametrize("numbers", ["120 0", "0 2", "1 2 3"])
def test_several_numbers_behind_a_video_are_refused(folder: Folder, numbers: str) -> None:
    [found] = folder.problems(f"a.mp4 {numbers}\n")
    count = len(numbers.split())
    assert found.startswith(f"1: behind a.mp4 stand {count} numbers ({numbers}), and a line has")


def test_a_file_whose_name_ends_in_a_number_is_read_where_it_is_there(folder: Folder) -> None:
    folder.videos("a.mp4 12")
    assert folder.labelled("a.mp4 12 0\nb.mp4 1\n") == {"a.mp4 12": "0", "b.mp4": "1"}


@pytest.mark.parametrize(
    "path", ["v\\a.mp4", "v\\\\a.mp4", ".\\v\\a.mp4", f"{COMPOSED}\\{DECOMPOSED}.mp4"]
)
def test_backslashes_are_read_as_slashes_where_that_is_a_file(folder: Folder, path: str) -> None:
    folder.videos("v/a.mp4", f"{COMPOSED}/{COMPOSED}.mp4")
    lists = folder.read(f"{path} 0\nb.mp4 1\n")
    assert (folder.root / lists.entries[0].path).is_file()
    assert "\\" not in lists.entries[0].path
    [sentence] = lists.warnings
    assert sentence.startswith("1 paths are not written as on the disk, which has ")


def test_the_folder_of_a_path_with_backslashes_is_its_class(folder: Folder) -> None:
    folder.videos("run/1.mp4", "walk/1.mp4")
    text = "run\\1.mp4\nwalk\\1.mp4\n"
    expected = {"run/1.mp4": "run", "walk/1.mp4": "walk"}
    assert folder.labelled(text, classes="run\nwalk\n") == expected


def test_a_file_with_a_backslash_in_its_name_is_taken_as_it_is(folder: Folder) -> None:
    folder.videos("v\\a.mp4", "v/a.mp4")
    lists = folder.read("v\\a.mp4 0\nb.mp4 1\n")
    assert lists.entries[0].path == "v\\a.mp4"
    assert lists.warnings == []


def test_a_path_of_windows_that_is_not_there_is_refused_in_words(folder: Folder) -> None:
    [found] = folder.problems("C:\\videos\\a.mp4 0\n")
    assert "it is written as on Windows: paths are relative to --root, and have slashes" in found


@pytest.mark.parametrize(("on_disk", "in_list"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_path_in_another_unicode_form_finds_its_file(
    folder: Folder, on_disk: str, in_list: str
) -> None:
    folder.videos(f"{on_disk}/{on_disk}.mp4")
    lists = folder.read(f"{in_list}/{in_list}.mp4 0\nb.mp4 1\n")
    assert lists.entries[0].path == f"{on_disk}/{on_disk}.mp4"
    assert lists.warnings == [
        f"1 paths are not written as on the disk, which has {lists.entries[0].path!a} for"
        f" {f'{in_list}/{in_list}.mp4'!a}; the disk's are taken"
    ]


def test_two_files_that_differ_by_unicode_form_are_two_videos(folder: Folder) -> None:
    folder.videos(f"{COMPOSED}.mp4", f"{DECOMPOSED}.mp4")
    lists = folder.read(f"{COMPOSED}.mp4 0\n{DECOMPOSED}.mp4 1\n")
    assert [entry.path for entry in lists.entries] == [f"{COMPOSED}.mp4", f"{DECOMPOSED}.mp4"]


def test_one_file_in_two_unicode_forms_stands_twice_in_the_list(folder: Folder) -> None:
    folder.videos(f"{COMPOSED}.mp4")
    [found] = folder.problems(f"{COMPOSED}.mp4 0\n{DECOMPOSED}.mp4 1\n")
    assert "already stands in line 1, with another label" in found


@pytest.mark.parametrize("classes", [None, f"{COMPOSED}\nwalk\n", f"{DECOMPOSED}\nwalk\n"])
def test_labels_in_two_unicode_forms_are_one_class(folder: Folder, classes: str | None) -> None:
    text = f"a.mp4 {COMPOSED}\nb.mp4 {DECOMPOSED}\nc, d.mp4 walk\n"
    lists = folder.read(text, classes=classes)
    first = lists.entries[0].label
    assert [entry.label for entry in lists.entries] == [first, first, 1 - first]
    assert len(lists.classes) == 2


@pytest.mark.parametrize("form", [COMPOSED, DECOMPOSED])
def test_a_class_in_one_unicode_form_keeps_it(folder: Folder, form: str) -> None:
    assert folder.read(f"a.mp4 {form}\nb.mp4 walk\n").classes == [form, "walk"]


def test_a_class_file_with_one_class_in_two_unicode_forms_is_refused(folder: Folder) -> None:
    found = folder.problems("a.mp4 0\n", classes=f"{COMPOSED}\n{DECOMPOSED}\n")
    assert "already stands in line 1" in found[0]


def test_classes_that_differ_only_by_case_are_named(folder: Folder) -> None:
    lists = folder.read("a.mp4 Walk\nb.mp4 walk\n")
    assert lists.warnings == ["the classes Walk and walk differ only by case"]


def test_a_missing_video_that_is_there_in_another_case_is_named(folder: Folder) -> None:
    folder.videos("Walk/Clip.MP4")
    [found] = folder.problems("walk/clip.mp4 0\n")
    assert found.endswith("; there is Walk/Clip.MP4, whose letters differ in case")


def test_bad_rows_come_with_all_other_problems(folder: Folder) -> None:
    table = find_table(b"path,label\n")
    assert isinstance(table, Table)
    assert list(parse_table(b"path,label\nx\n", table)) == [
        BadLine(line=2, text="x is no row of 2 columns, separated by commas as in the first line")
    ]
    found = folder.problems("path,label\na.mp4,0\nb.mp4\ngone.mp4,0\n")
    assert [text.partition(":")[0] for text in found] == ["3", "4"]


@pytest.mark.parametrize(
    "text", ["clip 1 3 0\nclip2 1\n", "clip 1 0\nclip2 2 1\n", "clip 1\t3\t0\nclip2 2 1\n"]
)
def test_a_folder_of_pictures_may_have_its_count_before_the_label(
    folder: Folder, text: str
) -> None:
    folder.videos(*(f"clip 1/img_{n}.jpg" for n in range(3)), "clip2/1.png", "clip2/2.png")
    lists = folder.read(text, pictures=True)
    assert [(entry.path, entry.label) for entry in lists.entries] == [("clip 1", 0), ("clip2", 1)]


def test_a_count_of_pictures_that_is_wrong_is_refused(folder: Folder) -> None:
    folder.videos("clip/1.jpg", "clip/2.jpg")
    [found] = folder.problems("clip 120 0\n", pictures=True)
    assert found == "1: 120 pictures are said to be in clip, and there are 2"


def test_a_folder_of_pictures_without_a_rate_is_refused_with_the_option(folder: Folder) -> None:
    folder.videos("clip/1.jpg", "clip/2.jpg")
    [found] = folder.problems("clip 2 0\n")
    assert found.startswith("1: a folder of pictures: ")
    assert "; --picture-rate 25 would read it as a video of 25 pictures a second" in found


@pytest.mark.parametrize("label", ["1", "two words"])
def test_a_folder_without_numbered_pictures_is_no_video(folder: Folder, label: str) -> None:
    folder.videos("clip/notes.txt")
    found = folder.problems(f"clip {label}\na.mp4 0\n", pictures=True, classes="x\ny\n")
    assert any("no regular file" in text or "no such file" in text for text in found)
