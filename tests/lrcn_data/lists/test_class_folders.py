"""Which folders are splits, which are classes, and which are neither."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import av
import pytest
from av.format import ContainerFormat

from lrcn_data.errors import UsageError
from lrcn_data.lists.lines import VIDEO_ENDINGS
from lrcn_data.lists.made_lists import MadeLists
from lrcn_data.lists.make_lists import make_lists, write_lists
from lrcn_data.lists.read_lists import read_lists
from lrcn_data.video.allowed import ALLOWED_DEMUXERS

LISTED = "links to folders that are listed already, or that hold the link"


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def link(root: Path, name: str, target: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(root / target, target_is_directory=True)


def listed(made: MadeLists) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for video in made.videos:
        found[video.split].add((video.path, video.class_name))
    return found


def refusal(root: Path, **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        make_lists(root, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train", "val", "test"), ("train", "val", "test")),
        (("training", "validation", "testing"), ("train", "val", "test")),
        (("Train", "VALID", "Test"), ("train", "val", "test")),
        (("train", "test"), ("train", "test")),
        (("train", "val"), ("train", "val")),
    ],
)
def test_folders_named_after_splits_become_the_splits(
    tmp_path: Path, folders: tuple[str, ...], splits: tuple[str, ...]
) -> None:
    touch(tmp_path, *(f"{f}/{c}/deep/{n}.mp4" for f in folders for c in "ab" for n in range(2)))
    made = make_lists(tmp_path)
    assert made.classes == ["a", "b"]
    assert listed(made) == {
        split: {(f"{folder}/{c}/deep/{n}.mp4", c) for c in "ab" for n in range(2)}
        for folder, split in zip(folders, splits, strict=True)
    }
    assert made.warnings == []


def test_lists_of_split_folders_read_back(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{s}/{c}/1.mp4" for s in ("train", "test") for c in ("walk", "Jump up")))
    write_lists(make_lists(tmp_path), tmp_path)
    files = {split: tmp_path / f"{split}.txt" for split in ("train", "test")}
    lists = read_lists(files, root=tmp_path, classes=tmp_path / "classes.txt")
    assert {(entry.path, lists.classes[entry.label], entry.split) for entry in lists.entries} == {
        (f"{s}/{c}/1.mp4", c, s) for s in ("train", "test") for c in ("walk", "Jump up")
    }


def test_a_split_without_a_folder_is_drawn_from_the_training_videos(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{s}/{c}/{n}.mp4" for s in ("train", "test") for c in "ab" for n in "1234"))
    made = make_lists(tmp_path, val_fraction=0.25)
    assert {split: made.count(split) for split in ("train", "val", "test")} == {
        "train": 6,
        "val": 2,
        "test": 8,
    }


def test_a_fraction_of_a_split_that_has_a_folder_is_not_used_and_that_is_said(
    tmp_path: Path,
) -> None:
    touch(tmp_path, *(f"{s}/{c}/{n}.mp4" for s in ("train", "test") for c in "ab" for n in "1234"))
    made = make_lists(tmp_path, test_fraction=0.5)
    assert (made.count("train"), made.count("test")) == (8, 8)
    assert made.warnings == [
        "--test-fraction is not used: the test videos have a folder of their own"
    ]


def test_a_train_folder_alone_needs_a_fraction(tmp_path: Path) -> None:
    touch(tmp_path, *(f"train/{c}/{n}.mp4" for c in "ab" for n in range(2)))
    assert "give --test-fraction" in refusal(tmp_path)
    assert make_lists(tmp_path, test_fraction=0).classes == ["a", "b"]


def test_splits_beside_other_folders_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.mp4", "test/b/1.mp4", "extra/a/1.mp4")
    assert "holds test/, train/, named after splits, and extra/" in refusal(tmp_path)


def test_a_class_may_be_called_train_and_that_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "bus/1.mp4", "train/1.mp4")
    made = make_lists(tmp_path, test_fraction=0)
    assert made.classes == ["bus", "train"]
    assert made.warnings == ["train/ is taken for a class, beside folders of other names"]


def test_a_split_in_two_folders_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.mp4", "val/a/1.mp4", "validation/b/1.mp4")
    assert "the val split twice, in val/, validation/" in refusal(tmp_path)


def test_videos_beside_the_class_folders_of_a_split_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.mp4", "train/2.mp4", "test/a/1.mp4")
    assert "train holds videos outside of class folders (2.mp4)" in refusal(tmp_path)


def test_a_folder_too_high_is_refused_with_the_folder_below(tmp_path: Path) -> None:
    touch(tmp_path, *(f"My Data/deep/{c}/{n}.mp4" for c in ("run", "walk") for n in range(3)))
    text = refusal(tmp_path, test_fraction=0.3)
    assert f"those in {tmp_path}/My Data/deep (run/, walk/), name that folder" in text
    made = make_lists(tmp_path / "My Data/deep", test_fraction=0.3)
    assert made.classes == ["run", "walk"]


def test_a_folder_too_high_above_split_folders_is_refused_with_the_folder_below(
    tmp_path: Path,
) -> None:
    touch(tmp_path, *(f"set/{s}/{c}/1.mp4" for s in ("train", "test") for c in ("run", "walk")))
    assert f"those in {tmp_path}/set (test/, train/)" in refusal(tmp_path, test_fraction=0.3)


def test_classes_one_folder_too_low_in_each_split_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{s}/set/{c}/1.mp4" for s in ("train", "test") for c in ("run", "walk")))
    assert "the set of each split" in refusal(tmp_path)


def test_folders_in_several_classes_are_no_classes(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{c}/person{n}/1.mp4" for c in ("run", "walk") for n in range(3)))
    assert make_lists(tmp_path, test_fraction=0).classes == ["run", "walk"]


@pytest.mark.parametrize("name", ["walk/1.mp4", "walk/person/1.mp4"])
def test_a_single_class_is_refused_unless_it_is_allowed(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    assert "has a single class, walk" in refusal(tmp_path, test_fraction=0)
    made = make_lists(tmp_path, test_fraction=0, allow_one_class=True)
    assert [(video.path, video.class_name) for video in made.videos] == [(name, "walk")]


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    touch(tmp_path, *(f"store/p{p}/{n}.mp4" for p in (1, 2) for n in range(3)))
    touch(tmp_path, "sym/walk/w.mp4")
    link(tmp_path, "sym/walk/p1", "store/p1")
    link(tmp_path, "sym/run", "store/p2")
    made = make_lists(tmp_path / "sym", test_fraction=0)
    assert {path for path, _ in listed(made)["train"]} == {
        "walk/w.mp4",
        *(f"walk/p1/{n}.mp4" for n in range(3)),
        *(f"run/{n}.mp4" for n in range(3)),
    }
    assert made.left_out == {}


@pytest.mark.parametrize("target", ["set/walk", "set/walk/p", "set", "."])
def test_a_loop_of_links_ends_and_is_counted(tmp_path: Path, target: str) -> None:
    touch(tmp_path, "set/walk/p/1.mp4", "set/run/2.mp4")
    link(tmp_path, "set/walk/p/up", target)
    made = make_lists(tmp_path / "set", test_fraction=0)
    assert {path for path, _ in listed(made)["train"]} == {"walk/p/1.mp4", "run/2.mp4"}
    assert made.left_out == {LISTED: {"walk/p/up": 1}}


def test_a_folder_with_a_place_of_its_own_is_listed_there_and_not_at_its_links(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "walk/p/1.mp4", "run/2.mp4")
    link(tmp_path, "walk/a", "walk/p")
    made = make_lists(tmp_path, test_fraction=0)
    assert {path for path, _ in listed(made)["train"]} == {"walk/p/1.mp4", "run/2.mp4"}
    assert made.left_out == {LISTED: {"walk/a": 1}}


def test_many_crossing_links_are_listed_in_a_moment(tmp_path: Path) -> None:
    for number in range(35):  # the system follows 40 links in a path
        touch(tmp_path, f"store/{number}/{number}.mp4")
        for way in "ab":
            link(tmp_path, f"store/{number}/{way}", f"store/{number + 1}")
    touch(tmp_path, "set/run/r.mp4", "store/35/35.mp4")
    link(tmp_path, "set/walk", "store/0")
    made = make_lists(tmp_path / "set", test_fraction=0)
    assert made.class_counts == {"run": 1, "walk": 36}


@pytest.mark.parametrize("name", ["run/p", "train/walk/p"])
def test_a_folder_that_links_put_into_two_classes_is_refused(tmp_path: Path, name: str) -> None:
    folders = ("train/walk", "test/walk") if name.startswith("train") else ("walk", "run")
    touch(tmp_path, *(f"{folder}/1.mp4" for folder in folders), f"{folders[1]}/q/2.mp4")
    link(tmp_path, f"{folders[0]}/p", f"{folders[1]}/q")
    text = refusal(tmp_path, test_fraction=None if name.startswith("train") else 0)
    assert f"{folders[0]}/p and {folders[1]}/q are one folder, by links" in text


def test_everything_left_out_is_counted_by_reason_with_its_ending(tmp_path: Path) -> None:
    touch(tmp_path, "run/1.mp4", "walk/1.mp4", "walk/a.TXT", "walk/b.txt", "walk/c.jpg")
    touch(tmp_path, "walk/README", "walk/.DS_Store", "walk/._1.mp4", "swim/notes.txt", "licence")
    touch(tmp_path, "walk/.cache/2.mp4")
    (tmp_path / "walk/gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "walk/self.mp4").symlink_to(tmp_path / "walk/self.mp4")
    os.mkfifo(tmp_path / "run/pipe.mp4")
    made = make_lists(tmp_path, test_fraction=0)
    assert made.left_out == {
        "links that lead nowhere": {"gone": 1, "walk/gone.mp4": 1, "walk/self.mp4": 1},
        "files that are no videos by their names": {".txt": 3, "no ending": 2, ".jpg": 1},
        "pipes, devices and the like": {".mp4": 1},
        "hidden files": {".ds_store": 1, ".mp4": 1},
        "hidden folders": {"walk/.cache": 1},
    }
    assert made.warnings == ["no videos are in swim/: no classes"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "run/1.mp4", "walk/1.mp4", "walk/p/2.mp4")
    (tmp_path / "walk/p").chmod(0)
    made = make_lists(tmp_path, test_fraction=0)
    assert made.left_out == {"folders that can't be read": {"walk/p": 1}}


NO_VIDEOS = {"avif", "heic", "heif", "ism", "isma", "m4a", "m4b", "mka", "mks", "ra", "wma"}
"""Endings of sound, pictures, subtitles and manifests in the containers of videos."""


@pytest.mark.parametrize("demuxer", ALLOWED_DEMUXERS)
def test_every_ending_of_what_shard_opens_is_that_of_a_video(demuxer: str) -> None:
    endings: set[str] = set()
    for mode in "rw":
        try:
            endings |= ContainerFormat(demuxer, mode).extensions
        except ValueError:  # libav can't read it, or can't write it
            continue
    assert endings - NO_VIDEOS <= VIDEO_ENDINGS, av.__version__


@pytest.mark.parametrize("ending", ["h264", "hevc", "ivf", "H265", "obu", "ogg", "mj2", "dv"])
def test_raw_streams_are_videos(tmp_path: Path, ending: str) -> None:
    touch(tmp_path, f"run/1.{ending}", "walk/1.mp4")
    made = make_lists(tmp_path, test_fraction=0)
    assert made.class_counts == {"run": 1, "walk": 1}


def test_a_group_pattern_is_searched_for_in_the_path_below_the_class(tmp_path: Path) -> None:
    names = [f"{c}/person0{p}/clip_{n}.mp4" for c in ("run", "walk") for p in "1234" for n in "12"]
    touch(tmp_path, *names)
    made = make_lists(tmp_path, test_fraction=0.25, group_pattern="person[0-9]+")
    persons = {path.split("/")[1] for path, _ in listed(made)["test"]}
    assert len(persons) == 1
    assert made.count("test") == 4
    assert made.groups is not None
    assert (made.groups.names, made.groups.matched, made.groups.groups) == (16, 16, 4)


@pytest.mark.parametrize("pattern", ["subject[0-9]+", "run", "x*", r"\.mp4"])
def test_a_group_pattern_that_matches_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, *(f"{c}/person{p}/1.mp4" for c in ("run", "walk") for p in "12"))
    text = refusal(tmp_path, test_fraction=0.5, group_pattern=pattern)
    assert "matches none of the 4 names, such as person1/1.mp4" in text


def test_groups_that_the_folders_put_into_two_splits_are_named(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{s}/{c}/p1_{s}.mp4" for s in ("train", "test") for c in ("run", "walk")))
    made = make_lists(tmp_path, group_pattern="^p[0-9]")
    assert made.warnings == [
        "1 groups have videos in several splits, such as p1; what is trained on should share none"
        " with what is tested on"
    ]


def test_classes_and_videos_that_differ_only_by_case_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "Walk/1.mp4", "walk/2.mp4", "run/a.mp4", "run/A.mp4")
    made = make_lists(tmp_path, test_fraction=0)
    assert made.classes == ["Walk", "run", "walk"]
    assert made.warnings == [
        "the classes Walk and walk differ only by case",
        "the videos run/A.mp4 and run/a.mp4 differ only by case",
    ]


def test_class_folders_that_differ_only_by_unicode_form_are_one_class(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "Küche")
    decomposed = unicodedata.normalize("NFD", "Küche")
    touch(tmp_path, f"train/{composed}/1.mp4", f"test/{decomposed}/2.mp4")
    touch(tmp_path, "train/Bad/1.mp4", "test/Bad/1.mp4")
    made = make_lists(tmp_path)
    assert made.classes == ["Bad", composed]
    assert listed(made)["test"] == {
        ("test/Bad/1.mp4", "Bad"),
        (f"test/{decomposed}/2.mp4", composed),
    }
    assert made.warnings == [
        "the folders 'Ku\\u0308che' and 'K\\xfcche' differ only by Unicode form; they are taken for"
        " one class"
    ]


def test_a_class_that_is_only_tested_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "train/run/1.mp4", "train/walk/1.mp4", "test/run/1.mp4", "test/Wlak/1.mp4")
    made = make_lists(tmp_path)
    assert made.warnings == ["1 classes have no train video, such as Wlak"]


def test_folders_of_numbered_pictures_are_videos_where_they_are_wanted(tmp_path: Path) -> None:
    clips = ("walk/1", "walk/deep/2", "run/3")
    touch(tmp_path, *(f"{clip}/img_{n:03}.jpg" for clip in clips for n in range(3)))
    touch(tmp_path, "run/4.mp4", "run/thumbs/4.jpg", "walk/1/notes.txt")
    made = make_lists(tmp_path, test_fraction=0, pictures=True)
    assert listed(made)["train"] == {
        *(("walk/1", "walk"), ("walk/deep/2", "walk"), ("run/3", "run"), ("run/4.mp4", "run"))
    }
    assert made.left_out == {"files that are no videos by their names": {".jpg": 1, ".txt": 1}}
    without = make_lists(tmp_path, test_fraction=0, allow_one_class=True)
    assert listed(without)["train"] == {("run/4.mp4", "run")}
    assert without.left_out == {"files that are no videos by their names": {".jpg": 10, ".txt": 1}}


def test_pictures_in_the_folders_of_splits_are_listed_by_split(tmp_path: Path) -> None:
    clips = [f"{split}/{c}/clip 1" for split in ("train", "test") for c in ("run", "Jump up")]
    touch(tmp_path, *(f"{clip}/{n}.png" for clip in clips for n in (8, 9, 10)))
    write_lists(make_lists(tmp_path, pictures=True), tmp_path)
    files = {split: tmp_path / f"{split}.txt" for split in ("train", "test")}
    classes = tmp_path / "classes.txt"
    lists = read_lists(files, root=tmp_path, classes=classes, pictures=True)
    assert sorted(entry.path for entry in lists.entries) == sorted(clips)


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("walk", "walk holds numbered pictures itself; put those of each video into a folder"),
        ("train/walk", "train holds videos outside of class folders (walk)"),
    ],
)
def test_pictures_that_lie_in_a_class_folder_itself_are_refused(
    tmp_path: Path, folder: str, part: str
) -> None:
    touch(tmp_path, f"{folder}/1.jpg", f"{folder}/2.jpg", "test/run/clip/1.jpg")
    touch(tmp_path, "test/run/clip/2.jpg")
    assert part in refusal(tmp_path, test_fraction=0, pictures=True)
