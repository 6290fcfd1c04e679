"""Lists of segments: from when to when a video has a class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.problems import ListError
from lrcn_data.lists.read_lists import Lists, read_lists
from lrcn_data.lists.spans import parse_frame, parse_rate, parse_seconds
from lrcn_data.lists.time_labels import Segment, TimeLabels
from lrcn_data.making.fingerprint import hash_entries

HEADER = "video,start,end,label\n"
FRAMES = "video,start_frame,end_frame,label\n"


class Folder:
    """Lists and empty videos in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("a.mp4", "b.mp4", "c d.mp4"):
            (root / name).touch()

    def read(
        self, train: str | bytes, val: str | None = None, *, classes: str | None = None, **more: Any
    ) -> Lists:
        paths = {"train": self.root / "train.csv"}
        paths["train"].write_bytes(train if isinstance(train, bytes) else os.fsencode(train))
        if val is not None:
            paths["val"] = self.root / "val.csv"
            paths["val"].write_text(val)
        class_file = None
        if classes is not None:
            class_file = self.root / "classes.txt"
            class_file.write_text(classes)
        return read_lists(paths, root=self.root, classes=class_file, **more)

    def problems(self, train: str, val: str | None = None, **more: Any) -> list[str]:
        with pytest.raises(ListError) as caught:
            self.read(train, val, **more)
        return [f"{problem.line}: {problem.text}" for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_all_rows_of_a_video_make_one_entry_wherever_they_stand(folder: Folder) -> None:
    lists = folder.read(HEADER + "a.mp4,0,1.5,run\nb.mp4,2,3,jump\n./a.mp4,1.5,4,jump\n")
    assert lists.classes == ["jump", "run"]
    a = TimeLabels((Segment(0.0, 1.5, 1), Segment(1.5, 4.0, 0)), "seconds")
    b = TimeLabels((Segment(2.0, 3.0, 0),), "seconds")
    assert lists.entries == [
        Entry("a.mp4", 0, "train", 2, a),
        Entry("b.mp4", 0, "train", 3, b),
    ]
    assert lists.warnings == []


def test_the_header_says_that_segments_are_frames(folder: Folder) -> None:
    (entry,) = folder.read(FRAMES + "a.mp4,0,4,run\na.mp4,4,9.0,sit\n").entries
    assert entry.times == TimeLabels((Segment(0, 4, 0), Segment(4, 9, 1)), "frames")
    assert entry.times.at([0, 3, 4, 8, 9]) == [0, 0, 1, 1, -1]


@pytest.mark.parametrize(
    "text",
    [
        b'\xef\xbb\xbfvideo,start,end,label,fps\r\nc d.mp4,1.5,62.25,"cut, mix",25\r\n',
        b"fps;end;Label;start;path\n25;1:02.25;cut, mix;0:1.5;c d.mp4\n",
        b"video\tstart\tend\tclass\tfps\nc d.mp4\t00:00:01.5\t0:01:02.25\tcut, mix\t25.0\n",
    ],
    ids=["windows", "semicolons", "tabs"],
)
def test_columns_may_have_any_order_and_separator(folder: Folder, text: bytes) -> None:
    lists = folder.read(text)
    assert lists.classes == ["cut, mix"]
    assert lists.entries[0].times == TimeLabels((Segment(1.5, 62.25, 0),), "seconds", 25.0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.mp4,5,4,run", "the segment ends at 4, before it starts at 5"),
        ("a.mp4,nan,4,run", "nan is no time"),
        ("a.mp4,1,inf,run", "inf is no time"),
        ("a.mp4,-1,4,run", "-1 is negative"),
        ("a.mp4,,4,run", "an empty field is no time"),
        ("a.mp4,1:75,4:00,run", "1:75 is no time"),
        ('a.mp4,"1,5",4,run', "1,5 has a decimal comma; write a point, as in 1.5"),
        ("a.mp4,1,4,", "the segment of a.mp4 has no label"),
        ("a.mp4,1,4", "is no row of 4 columns"),
    ],
)
def test_a_segment_that_can_t_be_meant_is_refused(folder: Folder, row: str, said: str) -> None:
    (problem,) = folder.problems(HEADER + "b.mp4,0,1,run\n" + row + "\n")
    assert problem.startswith("3: ")
    assert said in problem


@pytest.mark.parametrize("number", ["1.5", "0x1", "1e3", "-1", "1,5", ""])
def test_numbers_of_frames_are_whole(folder: Folder, number: str) -> None:
    (problem,) = folder.problems(FRAMES + f'a.mp4,"{number}",9,run\n')
    assert "2: a.mp4: " in problem


def test_empty_segments_are_left_out_and_counted(folder: Folder) -> None:
    lists = folder.read(HEADER + "a.mp4,0,1,run\na.mp4,2,2,walk\nb.mp4,3,3,walk\n")
    assert [entry.path for entry in lists.entries] == ["a.mp4"]
    assert lists.classes == ["run"]
    (warning,) = lists.warnings
    assert "2 segments of the train list end where they start" in warning
    assert "b.mp4" in warning


def test_numbers_are_names_of_classes_in_their_order_and_never_shifted(folder: Folder) -> None:
    rows = "a.mp4,0,1,10\na.mp4,1,2,-1\na.mp4,2,3,2\n"
    lists = folder.read(HEADER + rows)
    assert lists.classes == ["-1", "2", "10"]
    assert [segment.label for segment in lists.entries[0].times.segments] == [2, 0, 1]  # type: ignore[union-attr]
    (warning,) = lists.warnings
    assert "the class -1 is taken as a class like any other" in warning


def test_a_class_file_that_names_a_negative_number_means_a_class(folder: Folder) -> None:
    lists = folder.read(HEADER + "a.mp4,0,1,-1\na.mp4,1,2,1\n", classes="1\n-1\n")
    assert lists.classes == ["1", "-1"]
    assert lists.entries[0].classes == (0, 1)
    assert lists.warnings == []


def test_one_number_written_in_two_ways_is_refused(folder: Folder) -> None:
    (problem,) = folder.problems(HEADER + "a.mp4,0,1,1\na.mp4,1,2,01\n")
    assert "labels 01 and 1 are one number" in problem


def test_a_label_that_the_class_file_hasn_t_is_refused(folder: Folder) -> None:
    (problem,) = folder.problems(HEADER + "a.mp4,0,1,run\na.mp4,1,2,jump\n", classes="run\nwalk\n")
    assert problem == "3: label jump of a.mp4 is not one of 2 class names"


def test_overlaps_of_different_classes_are_told(folder: Folder) -> None:
    rows = "a.mp4,0,3,run\na.mp4,1,2,walk\nb.mp4,0,3,run\nb.mp4,1,2,run\n"
    lists = folder.read(HEADER + rows)
    assert lists.entries[0].times.at([0.5, 1.5, 2.5]) == [0, 1, 0]  # type: ignore[union-attr]
    (warning,) = lists.warnings
    assert "overlap in 1 of 2 videos, by 1 seconds" in warning
    assert "starts last" in warning


def test_ends_that_seem_to_be_counted_in_are_told(folder: Folder) -> None:
    lists = folder.read(FRAMES + "a.mp4,1,30,run\na.mp4,31,60,sit\na.mp4,61,70,run\n")
    (warning,) = lists.warnings
    assert "2 segments start a frame behind the end of the one before" in warning
    assert folder.read(FRAMES + "a.mp4,0,30,run\na.mp4,30,60,sit\na.mp4,61,70,run\n").warnings == []


def test_a_video_has_one_rate(folder: Folder) -> None:
    header = "video,start,end,label,fps\n"
    rows = "a.mp4,0,1,run,25\na.mp4,1,2,run,\nb.mp4,0,1,run,30000/1001\na.mp4,2,3,run,30\n"
    (problem,) = folder.problems(header + rows)
    assert problem == "5: a.mp4 has fps 30 here and 25 in a row before; a video has one rate"


@pytest.mark.parametrize("rate", ["0", "-25", "nan", "1/0", "fast"])
def test_a_rate_is_a_positive_number(folder: Folder, rate: str) -> None:
    (problem,) = folder.problems(f"video,start,end,label,fps\na.mp4,0,1,run,{rate}\n")
    assert problem.startswith("2: a.mp4: ")


def test_a_split_without_segments_beside_one_with_them_is_refused(folder: Folder) -> None:
    (problem,) = folder.problems(HEADER + "a.mp4,0,1,run\n", "b.mp4 run\n")
    assert "this list has whole videos, and" in problem


def test_segments_have_one_class_a_frame(folder: Folder) -> None:
    with pytest.raises(UsageError, match="--multi-label doesn't go with lists of segments"):
        folder.read(HEADER + "a.mp4,0,1,run\n", multi_label=True)


def test_a_label_base_has_no_meaning_for_numbers_that_are_names(folder: Folder) -> None:
    with pytest.raises(UsageError, match="--label-base 1 has no meaning for segments"):
        folder.read(HEADER + "a.mp4,0,1,1\n", label_base=1)


def test_missing_files_and_leaks_are_found_once_a_video(folder: Folder) -> None:
    train = HEADER + "a.mp4,0,1,run\nx.mp4,0,1,run\na.mp4,1,2,walk\nx.mp4,1,2,run\n"
    found = folder.problems(train, HEADER + "a.mp4,3,4,run\n")
    assert len(found) == 2
    assert "a.mp4 already stands in" in found[0]
    assert found[1].startswith("3: no such file")


def test_clips_of_a_group_may_not_be_in_two_splits_whatever_their_longest_classes(
    folder: Folder,
) -> None:
    for name in ("v_Run_g01_c01.avi", "v_Run_g01_c02.avi"):
        (folder.root / name).touch()
    (problem,) = folder.problems(
        HEADER + "v_Run_g01_c01.avi,0,1,run\n", HEADER + "v_Run_g01_c02.avi,0,1,walk\n"
    )
    assert "group v_Run_g01 is in" in problem


@pytest.mark.parametrize(
    "header",
    [
        "video,label,num_frames,start_frame,end_frame",
        "video,type,type_idx,start,end,startFrame,endFrame",
        "video,start,end,label,start_frame,end_frame",
        "video,start,end,label,action",
        "video_id,start_timestamp,stop_timestamp,verb,noun",
        "video,start,start,end,label",
    ],
)
def test_tables_with_other_columns_are_refused_with_the_way_to_convert_them(
    folder: Folder, header: str
) -> None:
    (problem,) = folder.problems(header + "\n")
    assert "lrcn-data lists FILE" in problem


def test_a_segment_in_a_plain_line_names_the_form_that_segments_have(folder: Folder) -> None:
    (problem,) = folder.problems("a.mp4 lifting 5.82 16.19\n")
    assert "a CSV with the columns video,start,end,label" in problem


def test_the_hash_of_entries_covers_segments_unit_and_rate() -> None:
    def hashed(times: TimeLabels | None) -> str:
        return hash_entries([Entry("a.mp4", 0, "train", 1, times)])["train"]

    segment = Segment(0, 4, 0)
    times = [
        None,
        TimeLabels((segment,), "frames"),
        TimeLabels((segment,), "seconds"),
        TimeLabels((segment,), "frames", 25.0),
        TimeLabels((segment, Segment(4, 5, 0)), "frames"),
        TimeLabels((Segment(0, 4, 1),), "frames"),
    ]
    assert len(set(map(hashed, times))) == len(times)
    # as it was before entries had labels in time: sha256 of "a.mp4\0" "0\n"
    assert hashed(None) == "e1d3bf970850ab44d33f81c23ce7d49151d19f15977119b941da3eb08ff48c32"


@given(st.integers(0, 10**7))
def test_the_same_time_reads_the_same_in_all_its_forms(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    minutes, rest = divmod(milliseconds, 60_000)
    hours, left = divmod(minutes, 60)
    assert parse_seconds(f"{seconds:.3f}") == seconds
    assert parse_seconds(f"{minutes}:{rest / 1000:06.3f}") == pytest.approx(seconds)
    assert parse_seconds(f"{hours:02}:{left:02}:{rest / 1000:06.3f}") == pytest.approx(seconds)


def test_rates_and_frames_are_read_as_they_are_written() -> None:
    assert parse_rate("30000/1001") == pytest.approx(29.97003)
    assert parse_rate("29.97") == 29.97
    assert parse_frame("12.0") == 12
    assert parse_frame("0012") == 12
