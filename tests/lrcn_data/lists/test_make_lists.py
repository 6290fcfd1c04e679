from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.lists.made_lists import MadeLists
from lrcn_data.lists.make_lists import count_absent, make_lists, write_lists
from lrcn_data.lists.read_lists import read_lists


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def splits(made: MadeLists) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for video in made.videos:
        found[video.split].append(video.path)
    return found


def read_back(folder: Path, root: Path) -> set[tuple[str, str, str]]:
    lists = read_lists(
        {path.stem: path for path in folder.glob("t*.txt")}
        | {path.stem: path for path in folder.glob("val.txt")},
        root=root,
        classes=folder / "classes.txt",
    )
    return {(entry.path, lists.classes[entry.label], entry.split) for entry in lists.entries}


def test_class_folders_become_lists_that_read_back(tmp_path: Path) -> None:
    names = [f"{c}/{n}.avi" for c in ("run", "Jumping Jack", "7") for n in range(5)]
    touch(tmp_path / "videos", *names)
    options = {"source": tmp_path / "videos", "test_fraction": 0.4, "val_fraction": 0.2}
    made = make_lists(**options)
    assert made.classes == ["7", "Jumping Jack", "run"]
    assert {split: len(paths) for split, paths in splits(made).items()} == {
        "train": 6,
        "test": 6,
        "val": 3,
    }
    written = write_lists(made, tmp_path / "out")
    assert [path.name for path in written] == ["train.txt", "val.txt", "test.txt", "classes.txt"]
    expected = {(video.path, video.class_name, video.split) for video in made.videos}
    assert read_back(tmp_path / "out", tmp_path / "videos") == expected
    assert {path for path, _, _ in expected} == set(names)


def test_lists_without_class_file_read_back_with_the_same_classes(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{c}/{n}.avi" for c in ("walk", "run") for n in range(3)))
    write_lists(make_lists(tmp_path, test_fraction=0.3), tmp_path)
    lists = read_lists(
        {split: tmp_path / f"{split}.txt" for split in ("train", "test")}, root=tmp_path
    )
    assert lists.classes == (tmp_path / "classes.txt").read_text().split()


def test_only_videos_are_listed_from_every_depth(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "run/a.avi",
        "run/deep/er/b.MP4",
        "run/notes.txt",
        "run/.hidden.avi",
        ".git/c.avi",
        "README.md",
    )
    made = make_lists(tmp_path, test_fraction=0, allow_one_class=True)
    assert [video.path for video in made.videos] == ["run/a.avi", "run/deep/er/b.MP4"]
    assert made.left_out == {
        "hidden folders": {".git": 1},
        "files that are no videos by their names": {".md": 1, ".txt": 1},
        "hidden files": {".avi": 1},
    }
    assert made.ignored == 4


def test_persons_are_kept_together(tmp_path: Path) -> None:
    persons, actions = ["daria", "denis", "eli", "ido", "ira"], ["bend", "run", "walk"]
    touch(tmp_path, *(f"{a}/{p}_{a}.avi" for a in actions for p in persons))
    for seed in range(5):
        options = {
            "source": tmp_path,
            "test_fraction": 0.2,
            "group_pattern": "^[^_]+",
            "seed": seed,
        }
        tested = splits(make_lists(**options))["test"]
        assert len(tested) == 3
        assert len({Path(path).name.split("_")[0] for path in tested}) == 1


def write_ucf101(folder: Path) -> None:
    folder.mkdir()
    (folder / "classInd.txt").write_bytes(b"1 Run\r\n2 Jump\r\n")
    (folder / "trainlist01.txt").write_bytes(
        b"Run/v_Run_g02_c01.avi 1\r\nRun/v_Run_g03_c01.avi 1\r\nJump/v_Jump_g02_c01.avi 2\r\n"
    )
    (folder / "testlist01.txt").write_bytes(b"Run/v_Run_g01_c01.avi\r\nJump/v_Jump_g01_c01.avi\r\n")


def test_ucf101s_classes_keep_their_official_order(tmp_path: Path) -> None:
    write_ucf101(tmp_path / "official")
    made = make_lists(tmp_path / "official")
    assert made.classes == ["Run", "Jump"]
    assert [(video.path, video.split) for video in made.videos][2:4] == [
        ("Jump/v_Jump_g02_c01.avi", "train"),
        ("Run/v_Run_g01_c01.avi", "test"),
    ]


def test_videos_that_are_not_there_are_left_out_and_counted(tmp_path: Path) -> None:
    write_ucf101(tmp_path / "official")
    touch(tmp_path / "videos", "Run/v_Run_g02_c01.avi", "Run/v_Run_g01_c01.avi")
    options = {"source": tmp_path / "official", "videos": tmp_path / "videos"}
    assert count_absent(make_lists(**options), tmp_path / "videos") == 3
    made = make_lists(
        tmp_path / "official", videos=tmp_path / "videos", present=True, allow_one_class=True
    )
    assert (made.absent, made.classes, len(made.videos)) == (3, ["Run"], 2)


def test_hmdb51s_files_say_what_is_trained_tested_and_unused(tmp_path: Path) -> None:
    (tmp_path / "wave_test_split1.txt").write_bytes(b"#1_wave_f.avi 1 \nb_wave_g.avi 0 \n")
    (tmp_path / "ride_bike_test_split1.txt").write_bytes(b"c d_ride_bike_g.avi 2 \n")
    made = make_lists(tmp_path)
    assert [(video.path, video.split) for video in made.videos] == [
        ("ride_bike/c d_ride_bike_g.avi", "test"),
        ("wave/#1_wave_f.avi", "train"),
    ]
    write_lists(made, tmp_path / "out")
    touch(tmp_path / "videos", *(video.path for video in made.videos))
    assert read_back(tmp_path / "out", tmp_path / "videos") == {
        ("ride_bike/c d_ride_bike_g.avi", "ride_bike", "test"),
        ("wave/#1_wave_f.avi", "wave", "train"),
    }


@pytest.mark.parametrize(
    ("text", "match"),
    [("a.avi 3 \n", "'3' must be 0, 1 or 2"), ("a.avi\n", "'a.avi' must be 0, 1 or 2")],
)
def test_a_strange_hmdb51_file_is_refused(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "wave_test_split1.txt").write_text(text)
    with pytest.raises(UsageError, match=match):
        make_lists(tmp_path)


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_ucf101(tmp_path / "official")
    with pytest.raises(UsageError, match=r"trainlist03\.txt can't be read"):
        make_lists(tmp_path / "official", official_split=3)


def test_options_without_meaning_are_refused(tmp_path: Path) -> None:
    write_ucf101(tmp_path / "official")
    touch(tmp_path / "videos", "a/b.avi")
    for options, match in (
        ({"source": tmp_path / "official", "test_fraction": 0.1}, "test list of its own"),
        ({"source": tmp_path / "official", "present": True}, "--present needs --videos"),
        ({"source": tmp_path / "videos"}, "give --test-fraction"),
        ({"source": tmp_path / "videos", "present": True}, "is no official split"),
        ({"source": tmp_path / "none", "test_fraction": 0.1}, "can't be read"),
    ):
        with pytest.raises(UsageError, match=match):
            make_lists(**options)


def test_videos_outside_of_class_folders_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.avi", "run/b.avi")
    with pytest.raises(UsageError, match="outside of class folders"):
        make_lists(tmp_path, test_fraction=0)


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "run/notes.txt")
    with pytest.raises(UsageError, match="no class folders with videos"):
        make_lists(tmp_path, test_fraction=0)


def test_lists_are_replaced_only_when_asked_and_then_all_of_them(tmp_path: Path) -> None:
    touch(tmp_path / "videos", *(f"{c}/{n}.avi" for c in ("run", "walk") for n in range(9)))
    with_val = make_lists(tmp_path / "videos", test_fraction=0.2, val_fraction=0.2)
    without = make_lists(tmp_path / "videos", test_fraction=0.2)
    write_lists(with_val, tmp_path)
    with pytest.raises(UsageError, match=r"train\.txt, val\.txt, test\.txt, classes\.txt already"):
        write_lists(without, tmp_path)
    write_lists(without, tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == [
        "classes.txt",
        "test.txt",
        "train.txt",
    ]


def test_a_name_that_no_list_can_hold_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "videos", "run/a\nb.avi", "walk/a.avi")
    with pytest.raises(UsageError, match="rename the file"):
        write_lists(make_lists(tmp_path / "videos", test_fraction=0), tmp_path)


@pytest.fixture(scope="session")
def real_videos() -> Path:
    folder = os.environ.get("LRCN_REAL_VIDEOS")
    if not folder:
        pytest.skip("LRCN_REAL_VIDEOS is not set")
    return Path(folder)


def test_ucf101s_official_split_is_kept_and_validated_in_whole_groups(real_videos: Path) -> None:
    made = make_lists(real_videos / "lists/ucf101", val_fraction=0.1)
    assert made.count("test") == 3783
    assert made.count("train") + made.count("val") == 9537
    assert made.count("val") == pytest.approx(953.7, rel=0.1)
    per_class = Counter(video.class_name for video in made.videos if video.split == "val")
    assert len(per_class) == 101
    groups = defaultdict(set)
    for video in made.videos:
        groups[video.path.rsplit("_c", 1)[0]].add(video.split)
    assert all(len(found) == 1 for found in groups.values())


def test_hmdb51s_official_splits_have_70_and_30_clips_a_class(real_videos: Path) -> None:
    for number in (1, 2, 3):
        options = {"source": real_videos / "lists/hmdb51", "official_split": number}
        counts = Counter((video.class_name, video.split) for video in make_lists(**options).videos)
        assert set(counts.values()) == {70, 30}
        assert {split for (_, split), count in counts.items() if count == 70} == {"train"}


def test_weizmann_is_split_by_person(real_videos: Path) -> None:
    made = make_lists(real_videos / "weizmann", test_fraction=0.2, group_pattern="^[^_]+")
    tested = splits(made)["test"]
    assert len(tested) == 10
    assert len({Path(path).name.split("_")[0] for path in tested}) == 1
