"""Lists of videos with a label each, which `lists` divides."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data import make_lists
from lrcn_data.errors import UsageError
from lrcn_data.lists.annotated_lists import AnnotationOptions
from lrcn_data.lists.make_folds import make_folds

NAMES = [f"IMG_{number}.MP4" for number in range(8)]
LABELS = ["walk", "sit down"] * 4


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder without folders of classes, as a phone has it."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("header", "delimiter", "ending"),
    [
        ("video,label", ",", ""),
        ("Class;File Name", ";", ".mp4"),
        ("", ",", ".MP4"),
        ("", " ", ".MP4"),
        ("name\tlabel\tperson", "\t", ".MP4"),
    ],
)
def test_a_list_is_divided_and_its_names_are_looked_for(
    tmp_path: Path, videos: Path, header: str, delimiter: str, ending: str
) -> None:
    rows = [[Path(name).stem + ending, label] for name, label in zip(NAMES, LABELS, strict=True)]
    if header.startswith("Class"):
        rows = [row[::-1] for row in rows]
    if "person" in header:
        rows = [[*row, "p1"] for row in rows]
    lines = [*([header] if header else []), *(delimiter.join(row) for row in rows)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    made = make_lists(tmp_path / "labels.csv", videos=videos, test_fraction=0.25)
    assert made.classes == ["sit down", "walk"]
    assert {video.path: video.class_name for video in made.videos} == dict(
        zip(NAMES, LABELS, strict=True)
    )
    assert (made.count("train"), made.count("test")) == (6, 2)
    assert not made.in_time
    folds = make_folds(tmp_path / "labels.csv", videos=videos, folds=4)
    assert [fold.count("test") for fold in folds.folds.values()] == [2] * 4


def test_videos_that_belong_together_are_in_one_split(tmp_path: Path, videos: Path) -> None:
    rows = [f"{name},{label}" for name, label in zip(NAMES, LABELS, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["video,label", *rows]))
    for name in NAMES:
        (videos / ("anna" if name[4] > "3" else "ben")).mkdir(exist_ok=True)
        (videos / name).rename(videos / ("anna" if name[4] > "3" else "ben") / name)
    made = make_lists(
        tmp_path / "labels.csv", videos=videos, test_fraction=0.5, group_pattern="^[a-z]+"
    )
    assert made.groups is not None
    assert made.groups.groups == 2
    assert len({(video.path.partition("/")[0], video.split) for video in made.videos}) == 2


def test_classes_that_are_numbers_keep_their_order(tmp_path: Path, videos: Path) -> None:
    rows = [f"{name},{number + 7}" for number, name in enumerate(NAMES)]
    (tmp_path / "labels.csv").write_text("\n".join(["video,label", *rows]))
    made = make_lists(tmp_path / "labels.csv", videos=videos)
    assert made.classes == [str(number) for number in range(7, 15)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("IMG_0,walk\nIMG_0,sit\n", r"labels\.csv:3: IMG_0 stands in another line already"),
        ("IMG_0,walk\nIMG_1,\n", r"labels\.csv:3: IMG_1 has no label; add it"),
        ("IMG_0,walk\nIMG_9,sit\n", "1 of 2 videos are not under .*: IMG_9; .* or give --present"),
        ("IMG_0,walk\nimg_0.mp4,sit\n", r"IMG_0 and img_0\.mp4 both fit IMG_0\.MP4"),
        ("IMG_0,walk\nIMG_1,sit,3\n", "is no row of 2 columns"),
    ],
)
def test_what_cannot_be_divided_is_named(
    tmp_path: Path, videos: Path, rows: str, said: str
) -> None:
    (tmp_path / "labels.csv").write_text(f"video,label\n{rows}")
    with pytest.raises(UsageError, match=said):
        make_lists(tmp_path / "labels.csv", videos=videos, test_fraction=0.5)


def test_videos_that_are_not_there_are_left_out_where_that_is_asked_for(
    tmp_path: Path, videos: Path
) -> None:
    (tmp_path / "labels.csv").write_text("video,label\nIMG_0,walk\nIMG_9,sit\nIMG_1,sit\n")
    made = make_lists(tmp_path / "labels.csv", videos=videos, present=True)
    assert (len(made.videos), made.absent) == (2, 1)


def test_options_of_segments_have_no_meaning_for_it(tmp_path: Path, videos: Path) -> None:
    (tmp_path / "labels.csv").write_text("video,label\nIMG_0,walk\nIMG_1,sit\n")
    with pytest.raises(UsageError, match="has a label for each video as a whole; leave"):
        make_lists(
            tmp_path / "labels.csv", videos=videos, annotation=AnnotationOptions(first_frame=1)
        )
