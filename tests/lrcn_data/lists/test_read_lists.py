from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.problems import ListError
from lrcn_data.lists.read_lists import Lists, read_lists
from tests.yardstick import within


class Folder:
    """Lists and empty videos in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.write_bytes(content if isinstance(content, bytes) else os.fsencode(content))
        return path

    def videos(self, *names: str, content: bytes = b"") -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def read(self, *, classes: str | None = None, **options: Any) -> Lists:
        lists = [self.root / f"{split}.txt" for split in ("train", "val", "test")]
        return read_lists(
            {path.stem: path for path in lists if path.exists()},
            root=self.root,
            classes=self.root / classes if classes else None,
            **options,
        )

    def problems(self, **options: Any) -> list[str]:
        with pytest.raises(ListError) as caught:
            self.read(**options)
        assert caught.value.exit_code == 2
        return [str(problem).replace(f"{self.root}/", "") for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_entries_come_by_split_and_line(folder: Folder) -> None:
    folder.videos("a.avi", "b c.avi", "d.mp4")
    folder.write("test.txt", "d.mp4 1\n")
    folder.write("train.txt", "\n# two\nb c.avi 1\na.avi 0\n")
    lists = folder.read()
    assert lists.entries == [
        Entry("b c.avi", 1, "train", 3),
        Entry("a.avi", 0, "train", 4),
        Entry("d.mp4", 1, "test", 1),
    ]
    assert lists.classes == ["0", "1"]
    assert lists.warnings == []


def test_class_names_are_numbered_in_their_order(folder: Folder) -> None:
    folder.videos("a.avi", "b.avi", "c.avi")
    folder.write("train.txt", "a.avi walk\nb.avi run\n")
    folder.write("test.txt", "c.avi walk\n")
    lists = folder.read()
    assert lists.classes == ["run", "walk"]
    assert [entry.label for entry in lists.entries] == [1, 0, 1]


def test_given_class_names_decide_the_numbers(folder: Folder) -> None:
    folder.videos("a.avi", "b.avi")
    folder.write("train.txt", "a.avi walk\nb.avi Jumping Jack\n")
    folder.write("classes.txt", "walk\nswim\nJumping Jack\n")
    lists = folder.read(classes="classes.txt")
    assert [entry.label for entry in lists.entries] == [0, 2]
    assert lists.warnings == ["1 of 3 classes have no train video: swim"]


@pytest.mark.parametrize(
    ("labels", "classes", "label_base", "expected"),
    [
        ("0 1 2", None, None, [0, 1, 2]),
        ("1 2 3", None, 1, [0, 1, 2]),
        ("0 2", "a\nb\nc\n", None, [0, 2]),
        ("1 3", "a\nb\nc\n", None, [0, 2]),
        ("1 2", "a\nb\nc\n", 0, [1, 2]),
        ("1 2", "a\nb\nc\n", 1, [0, 1]),
        ("2 3", "1 a\n2 b\n3 c\n", None, [1, 2]),
        ("1 2", "0 a\n1 b\n2 c\n", None, [1, 2]),
        ("1 2", "1 a\n2 b\n3 c\n", 0, [1, 2]),
        ("01 2", "1 a\n2 b\n", None, [0, 1]),
        ("a 1", "1 a\n2 b\n", None, [0, 0]),
        ("7 8", "8\n7\n", None, [1, 0]),
    ],
)
def test_numbers_are_read_by_what_is_known_of_their_start(
    folder: Folder, labels: str, classes: str | None, label_base: int | None, expected: list[int]
) -> None:
    names = [f"v{number}.avi" for number in range(len(labels.split()))]
    folder.videos(*names)
    pairs = zip(names, labels.split(), strict=True)
    folder.write("train.txt", "".join(f"{name} {label}\n" for name, label in pairs))
    if classes:
        folder.write("classes.txt", classes)
    lists = folder.read(classes="classes.txt" if classes else None, label_base=label_base)
    assert [entry.label for entry in lists.entries] == expected


def test_numbered_classes_take_the_names_of_their_folders(folder: Folder) -> None:
    folder.videos("run/a.avi", "walk/b.avi", "walk/c.avi")
    folder.write("train.txt", "run/a.avi 1\nwalk/b.avi 2\n")
    folder.write("test.txt", "walk/c.avi\n")
    lists = folder.read(label_base=1)
    assert lists.classes == ["run", "walk"]
    assert lists.entries[-1] == Entry("walk/c.avi", 1, "test", 1)


def test_a_folder_of_two_classes_names_none(folder: Folder) -> None:
    folder.videos("x/a.avi", "x/b.avi")
    folder.write("train.txt", "x/a.avi 0\nx/b.avi 1\n")
    assert folder.read().classes == ["0", "1"]


def test_a_list_without_labels_takes_classes_from_the_folders(folder: Folder) -> None:
    folder.videos("b/x.avi", "deep/a/y.avi")
    folder.write("test.txt", "b/x.avi\r\ndeep/a/y.avi\r\n")
    folder.write("classes.txt", "1 a\r\n2 b\r\n")
    assert [entry.label for entry in folder.read(classes="classes.txt").entries] == [1, 0]


@pytest.mark.parametrize(
    ("text", "line"), [("1 a\n3 b\n", 2), ("2 a\n3 b\n", 1), ("1 a\n2 b\n2 c\n", 3)]
)
def test_a_numbered_class_file_with_a_gap_is_no_list_of_names(
    folder: Folder, text: str, line: int
) -> None:
    folder.write("train.txt", "a.avi 1\n")
    folder.write("classes.txt", text)
    with pytest.raises(ListError, match=f"classes.txt:{line}: its numbers must rise by one"):
        folder.read(classes="classes.txt")


def test_a_video_whose_name_starts_with_a_hash_is_not_lost(folder: Folder) -> None:
    folder.videos("#437_ride.avi")
    folder.write("train.txt", "#437_ride.avi 0\n# off.avi 0\n")
    assert [entry.path for entry in folder.read().entries] == ["#437_ride.avi"]


def test_names_that_are_no_utf8_are_found_on_disk(folder: Folder) -> None:
    folder.videos(os.fsdecode(b"caf\xe9.avi"))
    folder.write("train.txt", b"caf\xe9.avi 0\n")
    assert os.fsencode(folder.read().entries[0].path) == b"caf\xe9.avi"


def test_a_symbolic_link_to_a_video_is_a_video(folder: Folder) -> None:
    folder.videos("a.avi")
    (folder.root / "b.avi").symlink_to("a.avi")
    folder.write("train.txt", "a.avi 0\nb.avi 0\n")
    assert len(folder.read().entries) == 2


def test_missing_videos_may_be_let_through(folder: Folder) -> None:
    folder.write("train.txt", "gone.avi 0\n")
    assert len(folder.read(allow_missing=True).entries) == 1


def test_leaks_may_be_let_through(folder: Folder) -> None:
    names = ["v_A_g01_c01.avi", "v_A_g01_c02.avi", "c.avi"]
    folder.videos(*names)
    folder.write("train.txt", "v_A_g01_c01.avi 0\nc.avi 0\n")
    folder.write("test.txt", "v_A_g01_c02.avi 0\nc.avi 0\n")
    assert len(folder.read(allow_leakage=True).entries) == 4


Files = dict[str, str | bytes]
NUMBERS = "a.avi 0\nb.avi 1\n"

BAD_LISTS: dict[str, tuple[Files, dict[str, Any], list[str]]] = {
    "empty": ({"train.txt": ""}, {}, ["train.txt: this list has no video"]),
    "only comments": ({"train.txt": "# a\n\n#b\n"}, {}, ["train.txt: this list has no video"]),
    "utf16": ({"train.txt": "a.avi 0\n".encode("utf-16")}, {}, ["train.txt: this list is UTF-16"]),
    "nul": ({"train.txt": b"a.avi 0\nb\0.avi 1\n"}, {}, ["train.txt:2: a NUL byte"]),
    "a video as a list": ({"train.txt": b"RIFF\0\0\0\0AVI "}, {}, ["train.txt:1: a NUL byte"]),
    "missing": (
        {"train.txt": "a.avi 0\nnone.avi 0\n"},
        {},
        ["train.txt:2: no such file: none.avi"],
    ),
    "a folder": ({"train.txt": "a.avi 0\nfolder 0\n"}, {}, ["train.txt:2: no regular file"]),
    "folder with slash": ({"train.txt": "a.avi 0\nfolder/ 0\n"}, {}, ["train.txt:2: no regular"]),
    "URL": (
        {"train.txt": "https://example.org/a.avi 0\n"},
        {},
        ["no such file: https://example.org/a.avi; a URL is not read from: download the video"],
    ),
    "case": ({"train.txt": "A.avi 0\n"}, {}, ["train.txt:1: no such file: A.avi"]),
    "too long": ({"train.txt": f"{'x' * 5000}.avi 0\n"}, {}, ["train.txt:1: no such file"]),
    "below a file": ({"train.txt": "a.avi/b.avi 0\n"}, {}, ["train.txt:1: no such file"]),
    "hash": ({"train.txt": "#b.avi 0\n"}, {}, ["put a space after the #"]),
    "latin-1": ({"train.txt": b"\xe9.avi 0\n"}, {}, ["the line is not UTF-8"]),
    "no zero": (
        {"train.txt": "a.avi 1\nb.avi 2\n"},
        {},
        ["train.txt: labels start at 1, none is 0; give --label-base 1"],
    ),
    "gap": (
        {"train.txt": "a.avi 0\nb.avi 3\n"},
        {},
        ["train.txt: labels go up to 3, but no video has label 1, 2;"],
    ),
    "gap from one": (
        {"train.txt": "a.avi 1\nb.avi 3\n"},
        {"label_base": 1},
        ["labels go up to 3, but no video has label 2;"],
    ),
    "huge gap": ({"train.txt": "a.avi 0\nb.avi 999999999\n"}, {}, ["and 999999993 more"]),
    "absurd number": ({"train.txt": f"a.avi 0\nb.avi {'9' * 5000}\n"}, {}, ["numbers (0) and"]),
    "negative": ({"train.txt": "a.avi 0\nb.avi -1\n"}, {}, ["train.txt:2: label -1 of b.avi"]),
    "below base": (
        {"train.txt": "a.avi 0\nb.avi 1\n"},
        {"label_base": 1},
        ["train.txt:1: label 0 of a.avi is not a number from 1 on"],
    ),
    "numbers and names": (
        {"train.txt": "a.avi 0\nb.avi walk\n"},
        {},
        ["train.txt: labels are numbers (0) and names (walk)"],
    ),
    "unknown name": (
        {"train.txt": "a.avi walk\nb.avi wlak\n", "classes.txt": "walk\nrun\n"},
        {"classes": "classes.txt"},
        ["train.txt:2: label wlak of b.avi is not one of 2 class names"],
    ),
    "out of range": (
        {"train.txt": "a.avi 0\nb.avi 2\n", "classes.txt": "walk\nrun\n"},
        {"classes": "classes.txt"},
        ["train.txt:2: label 2 of b.avi is not one of 2 class names or a number from 0 to 1"],
    ),
    "unclear base": (
        {"train.txt": "a.avi 1\nb.avi 2\n", "classes.txt": "x\ny\nz\n"},
        {"classes": "classes.txt"},
        ["train.txt: labels from 1 to 2 for 3 class names don't tell"],
    ),
    "number among numeric names": (
        {"train.txt": "a.avi 10\nb.avi 0\n", "classes.txt": "10\n20\n"},
        {"classes": "classes.txt"},
        ["train.txt:2: label 0 of b.avi is not one of 2 class names"],
    ),
    "no label": ({"train.txt": "a.avi\n"}, {}, ["train.txt: no video has a label"]),
    "no label in one line": (
        {"train.txt": "a.avi 0\nb.avi\n"},
        {},
        ["train.txt:2: b.avi has no label, and its folder (none)"],
    ),
    "comma": (
        {"train.txt": "a.avi 0\nb.avi,1\n"},
        {},
        ["train.txt:2: b.avi,1 has no label; put a space", "train.txt:2: no such file: b.avi,1"],
    ),
    "unknown folder": (
        {"train.txt": "run/a.avi\n", "classes.txt": "walk\n"},
        {"classes": "classes.txt", "allow_missing": True},
        ["train.txt:1: run/a.avi has no label, and its folder run is no known class"],
    ),
    "twice": (
        {"train.txt": "a.avi 0\nb.avi 1\n./a.avi 0\n"},
        {},
        ["train.txt:3: ./a.avi already stands in line 1"],
    ),
    "twice with two labels": (
        {"train.txt": "a.avi 0\nb.avi 1\na.avi 1\n"},
        {},
        ["train.txt:3: a.avi already stands in line 1, with another label"],
    ),
    "in two splits": (
        {"train.txt": NUMBERS, "val.txt": "b.avi 1\n", "test.txt": "a.avi 0\n"},
        {},
        [
            "val.txt:1: b.avi already stands in train.txt:2",
            "test.txt:1: a.avi already stands in train.txt:1",
        ],
    ),
    "group in two splits": (
        {
            "train.txt": "v_A_g01_c01.avi 0\nv_A_g02_c01.avi 0\n",
            "test.txt": "v_A_g03_c01.avi 0\nv_A_g02_c02.avi 0\nv_A_g02_c03.avi 0\n",
        },
        {"allow_missing": True},
        ["test.txt:2: group v_A_g02 is in train.txt:2 too"],
    ),
    "class file missing": (
        {"train.txt": NUMBERS},
        {"classes": "none.txt"},
        ["none.txt: this class file can't be read (No such file or directory)"],
    ),
    "class file empty": (
        {"train.txt": NUMBERS, "classes.txt": "\n"},
        {"classes": "classes.txt"},
        ["classes.txt: no class name"],
    ),
    "class twice": (
        {"train.txt": NUMBERS, "classes.txt": "x\ny\nx\n"},
        {"classes": "classes.txt"},
        ["classes.txt:3: class x already stands in line 1"],
    ),
}


@pytest.mark.promise(15, "bad lists: every problem with its line, before anything is decoded")
@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_bad_list_is_refused_with_its_line(folder: Folder, name: str) -> None:
    files, options, expected = BAD_LISTS[name]
    folder.videos("a.avi", "b.avi", "folder/x.avi")
    for file, content in files.items():
        folder.write(file, content)
    found = folder.problems(**options)
    assert len(found) == len(expected), found
    for text, part in zip(found, expected, strict=True):
        assert part in text


def test_the_numbers_of_hmdb51s_split_files_are_not_taken_for_classes(folder: Folder) -> None:
    path = folder.write("wave_test_split1.txt", "a.avi 1 \nb.avi 2 \n")
    with pytest.raises(ListError, match=r"split file of HMDB51.*`lrcn-data lists"):
        read_lists({"train": path}, root=folder.root)


@pytest.mark.promise(15, "all problems of several lists in one report")
def test_all_problems_of_all_lists_come_in_one_report(folder: Folder) -> None:
    folder.videos("a.avi", "b.avi", "c.avi", "v_A_g01_c01.avi", "v_A_g01_c02.avi")
    folder.write("train.txt", "a.avi x\nb.avi nosuch\na.avi x\nv_A_g01_c01.avi x\n")
    folder.write("val.txt", "")
    folder.write("test.txt", "c.avi 7\nv_A_g01_c02.avi x\ngone.avi y\na.avi x\n")
    folder.write("classes.txt", "x\ny\ny\n")
    found = folder.problems(classes="classes.txt")
    places = [text.split(": ")[0] for text in found]
    assert places == [
        "classes.txt:3",
        "val.txt",
        "train.txt:2",
        "test.txt:1",
        "train.txt:3",
        "test.txt:4",
        "test.txt:2",
        "test.txt:3",
    ]


def test_a_single_problem_is_one_line_with_a_remedy(folder: Folder) -> None:
    folder.videos("a.avi")
    folder.write("train.txt", "a.avi 0\ntypo.avi 0\n")
    with pytest.raises(ListError) as caught:
        folder.read()
    assert str(caught.value) == (
        f"{folder.root}/train.txt:2: no such file: {folder.root}/typo.avi; correct the list, or"
        f" --root, now {folder.root}"
    )


def test_many_problems_of_one_kind_are_shortened_in_print_only(folder: Folder) -> None:
    folder.write("train.txt", "".join(f"{number}.avi 0\n" for number in range(50)))
    with pytest.raises(ListError) as caught:
        folder.read()
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) == 50
    assert lines[0] == "50 problems in the lists; nothing was decoded"
    assert sum("no such file: " in line for line in lines) == 20
    assert lines[-2:] == [
        "  ... and 30 more: no such file",
        f"  paths are relative to --root, now {folder.root}",
    ]


def test_names_are_printed_without_control_characters(folder: Folder) -> None:
    folder.write("train.txt", "a\x1b[31m.avi 0\n")
    assert "a\\x1b[31m.avi" in folder.problems()[0]


def test_equal_files_under_two_names_are_found_on_demand(folder: Folder) -> None:
    folder.videos("a.avi", "b.avi", content=b"same")
    folder.videos("c.avi", content=b"else")
    folder.videos("d.avi", content=b"longer")
    folder.write("train.txt", "a.avi 0\nc.avi 0\nd.avi 0\n")
    folder.write("test.txt", "b.avi 0\n")
    assert len(folder.read().entries) == 4
    found = folder.problems(check_content=True)
    assert len(found) == 1
    assert found[0].startswith("test.txt:1: b.avi has the same content as a.avi in train.txt:1")


def test_the_content_of_a_pipe_is_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe.avi")
    folder.videos("a.avi")
    folder.write("train.txt", "a.avi 0\npipe.avi 0\n")
    assert [text.split(": ")[1] for text in folder.problems(check_content=True)] == [
        "no regular file"
    ]


def test_planted_copies_are_all_found(folder: Folder) -> None:
    for number in range(20):
        folder.videos(f"train/{number}.avi", f"test/{number}x.avi", content=b"%02d" % number)
        folder.videos(f"test/{number}y.avi", content=b"other %02d" % number)
    train = "".join(f"train/{n}.avi 0\n" for n in range(20))
    test = "".join(f"test/{n}x.avi 0\ntest/{n}y.avi 0\n" for n in range(20))
    folder.write("train.txt", train)
    folder.write("test.txt", test)
    assert len(folder.problems(check_content=True)) == 20


def test_without_a_list_or_with_a_strange_base_the_usage_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one or more"):
        read_lists({}, root=tmp_path)
    with pytest.raises(UsageError, match="label-base must be 0 or 1, got 2"):
        read_lists({"train": tmp_path / "x"}, root=tmp_path, label_base=2)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"nosuch\.txt: this list can't be read"):
        read_lists({"train": tmp_path / "nosuch.txt"}, root=tmp_path)


file_names = st.text(
    st.characters(exclude_characters="/\n\0\r\t #", exclude_categories=["Cs", "Zs"]),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", "..") and name == name.strip())


@given(st.dictionaries(file_names, st.integers(0, 4), min_size=1, max_size=30))
def test_every_listed_video_is_an_entry_with_its_label(labels: dict[str, int]) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        names = {f"{name}.mp4": label for name, label in labels.items()}
        for name in names:
            (root / name).touch()
        (root / "train.txt").write_text("".join(f"{n} {label}\n" for n, label in names.items()))
        (root / "classes").write_text("a\nb\nc\nd\ne\n")
        lists = read_lists(
            {"train": root / "train.txt"}, root=root, classes=root / "classes", label_base=0
        )
        assert {entry.path: entry.label for entry in lists.entries} == names
        assert len(lists.entries) == len(names)
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def real_videos() -> Path:
    folder = os.environ.get("LRCN_REAL_VIDEOS")
    if not folder:
        pytest.skip("LRCN_REAL_VIDEOS is not set")
    return Path(folder)


def official(lists: Path, number: int) -> dict[str, Path]:
    return {
        "train": lists / f"trainlist{number:02d}.txt",
        "test": lists / f"testlist{number:02d}.txt",
    }


@pytest.mark.parametrize(
    ("number", "train", "test"), [(1, 9537, 3783), (2, 9586, 3734), (3, 9624, 3696)]
)
@pytest.mark.parametrize("how", ["classes", "label_base"])
def test_ucf101s_official_files_are_read_as_they_are(
    real_videos: Path, number: int, train: int, test: int, how: str
) -> None:
    folder = real_videos / "lists/ucf101"
    options: dict[str, Any] = {"label_base": 1}
    if how == "classes":
        options = {"classes": folder / "classInd.txt"}
    lists = read_lists(official(folder, number), root=folder, allow_missing=True, **options)
    assert Counter(entry.split for entry in lists.entries) == {"train": train, "test": test}
    expected = [line.split()[1] for line in (folder / "classInd.txt").read_text().splitlines()]
    assert lists.classes == expected
    assert all(entry.path.startswith(f"{lists.classes[entry.label]}/") for entry in lists.entries)


def test_the_clips_that_are_there_are_read_with_the_official_names(real_videos: Path) -> None:
    lists = read_lists(
        official(real_videos / "lists/ucf101-present", 1),
        root=real_videos / "actions",
        classes=real_videos / "lists/ucf101/classInd.txt",
    )
    assert len(lists.entries) == 79
    assert len(lists.classes) == 101


def test_official_labels_of_a_part_are_not_guessed(real_videos: Path) -> None:
    with pytest.raises(ListError, match="labels start at 3, none is 0"):
        read_lists(official(real_videos / "lists/ucf101-present", 1), root=real_videos / "actions")


@pytest.mark.slow
def test_a_million_lines_are_read_in_a_small_time_and_memory(tmp_path: Path) -> None:
    import resource
    import time

    for number in range(100):
        (tmp_path / f"Class{number:03d}").mkdir()
    with (tmp_path / "train.txt").open("w") as file:
        for number in range(1_000_000):
            label = number % 100
            file.write(f"Class{label:03d}/v_Class{label:03d}_g01_c{number}.avi {label}\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    lists = read_lists({"train": tmp_path / "train.txt"}, root=tmp_path, allow_missing=True)
    assert within(time.process_time() - start, limit=20)  # 4 s where it was measured
    assert len(lists.entries) == 1_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000
