from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.make_folds import MadeFolds, make_folds, write_folds
from lrcn_data.lists.official_splits import group_across_classes
from lrcn_data.lists.read_lists import read_lists

ACTIONS = ("bend", "run", "walk")
PERSONS = ("daria", "denis", "eli", "ido", "ira")


def touch(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.fixture
def weizmann(tmp_path: Path) -> Path:
    """Each of five persons does three actions."""
    return touch(tmp_path / "weizmann", (f"{a}/{p}_{a}.avi" for a in ACTIONS for p in PERSONS))


@pytest.fixture
def ucf(tmp_path: Path) -> Path:
    """Seven groups of two classes, each of two or three clips, numbered as in UCF-101."""
    return touch(
        tmp_path / "ucf",
        (
            f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi"
            for name in ("Archery", "Surfing")
            for group in range(8, 15)
            for clip in range(1, 3 + group % 2)
        ),
    )


def paths(made: MadeLists, *splits: str) -> set[str]:
    return {video.path for video in made.videos if video.split in splits}


def groups_of(found: Iterable[str], pattern: str) -> set[str]:
    return {match.group() for path in found if (match := re.search(pattern, path))}


def check_folds(folds: Mapping[str, MadeLists], videos: set[str]) -> None:
    """Every video is tested on once, and stands in every fold."""
    tested = [path for fold in folds.values() for path in paths(fold, "test")]
    assert Counter(tested) == dict.fromkeys(videos, 1)
    for fold in folds.values():
        assert paths(fold, "train", "val", "test") == videos
        assert len(fold.videos) == len(videos)


def test_each_person_is_left_out_once_as_by_scikit_learn(weizmann: Path) -> None:
    from sklearn.model_selection import LeaveOneGroupOut

    made = make_folds(weizmann, group_pattern="^[a-z]+")
    videos = sorted(paths(made.undivided, "train"))
    persons = [Path(path).name.partition("_")[0] for path in videos]
    expected = [
        {videos[number] for number in test}
        for _, test in LeaveOneGroupOut().split(videos, groups=persons)
    ]
    assert [paths(fold, "test") for fold in made.folds.values()] == expected
    assert list(made.folds) == [f"fold-{number}" for number in range(1, 6)]
    assert made.test_groups == {f"fold-{n}": [name] for n, name in enumerate(PERSONS, start=1)}
    assert made.warnings == []
    check_folds(made.folds, set(videos))


def test_ucf101s_groups_of_a_number_are_in_one_fold(ucf: Path) -> None:
    made = make_folds(ucf, folds=3)
    check_folds(made.folds, paths(made.undivided, "train"))
    for name, fold in made.folds.items():
        tested = groups_of(paths(fold, "test"), "g[0-9]+(?=_c)")
        assert made.test_groups is not None
        assert tested == set(made.test_groups[name])
        assert not tested & groups_of(paths(fold, "train"), "g[0-9]+(?=_c)")
        assert {video.class_name for video in fold.videos if video.split == "test"} == {
            "Archery",
            "Surfing",
        }
    assert sorted(map(len, made.test_groups.values())) == [2, 2, 3]


def test_a_pattern_can_find_ucf101s_recordings_of_each_class(ucf: Path) -> None:
    made = make_folds(ucf, group_pattern="v_.*_g[0-9]+")
    assert len(made.folds) == 14
    assert made.test_groups is not None
    assert made.test_groups["fold-01"] == ["v_Archery_g08"]


def test_a_film_of_hmdb51_is_one_group_in_all_classes() -> None:
    wave = ListedVideo(path="wave/The_Film_wave_f_nm_np1_fr_med_1.avi", class_name="wave")
    run = ListedVideo(path="run/The_Film_run_f_cm_np1_le_med_12.avi", class_name="run")
    assert group_across_classes(wave) == group_across_classes(run) == "The_Film"
    assert group_across_classes(ListedVideo(path="run/other.avi", class_name="run")) is None


def test_without_groups_the_videos_are_divided_one_by_one_which_is_said(weizmann: Path) -> None:
    made = make_folds(weizmann, folds=5)
    check_folds(made.folds, paths(made.undivided, "train"))
    for fold in made.folds.values():
        assert Counter(v.class_name for v in fold.videos if v.split == "test") == dict.fromkeys(
            ACTIONS, 1
        )
    assert made.test_groups is None
    [warning] = made.warnings
    assert "those of one recording or person may be in several folds" in warning


def test_what_is_validated_with_is_of_other_groups_in_every_fold(weizmann: Path) -> None:
    made = make_folds(weizmann, group_pattern="^[a-z]+", val_fraction=0.25)
    validated = set()
    for fold in made.folds.values():
        persons = {
            split: groups_of(paths(fold, split), "(?<=/)[a-z]+")
            for split in ("train", "val", "test")
        }
        assert [len(persons[split]) for split in ("train", "val", "test")] == [3, 1, 1]
        assert set.union(*persons.values()) == set(PERSONS)
        validated |= persons["val"]
    assert len(validated) > 2
    check_folds(made.folds, paths(made.undivided, "train"))


def test_the_seed_chooses_the_folds(ucf: Path) -> None:
    def tested(seed: int) -> list[set[str]]:
        return [paths(fold, "test") for fold in make_folds(ucf, folds=3, seed=seed).folds.values()]

    assert tested(0) == tested(0)
    assert any(tested(0) != tested(seed) for seed in (1, 2, 3))


def test_classes_that_a_fold_lacks_are_told(tmp_path: Path) -> None:
    touch(tmp_path, ("run/a_1.avi", "run/b_1.avi", "walk/a_1.avi"))
    made = make_folds(tmp_path, group_pattern="^[a-z]")
    assert made.warnings == [
        "1 classes have no train video in some folds, such as walk in fold-1",
        "1 classes have no test video in some folds, such as walk in fold-2",
    ]


def test_recordings_that_a_pattern_divides_are_told(ucf: Path) -> None:
    made = make_folds(ucf, group_pattern=".+")
    assert (
        "14 recordings have videos in several folds, such as v_Archery_g08; what is trained on"
        " should share none with what is tested on"
    ) in made.warnings


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"folds": 1}, "--folds must be at least 2, got 1"),
        (
            {"folds": 6, "group_pattern": "^[a-z]+"},
            r"--folds 6 needs at least 6 groups, found 5 \(daria, denis, eli, ido, ira\); give"
            " --folds 5 or fewer, or a --group-pattern that finds more",
        ),
        ({"folds": 16}, "at least 16 videos, found 15 .* give --folds 15 or fewer, or more videos"),
        (
            {"group_pattern": "a"},
            "6 of 15 videos have no group by --group-pattern 'a', such as bend/denis_bend.avi",
        ),
        ({"folds": 2, "group_pattern": "[0-9]"}, "matches none of the 15 names"),
        ({"group_pattern": "_()"}, "matches none of the 15 names"),
        (
            {"group_pattern": "[a-z]+(_)"},
            r"--leave-one-group-out needs at least 2 groups, found 1 \(_\); give a --group-pattern",
        ),
        ({}, r"names such as daria_bend\.avi have none as in UCF-101 .* give --group-pattern"),
        (
            {"folds": 2, "group_pattern": "^[a-z]+", "val_fraction": 1.5},
            "--val-fraction must be from 0 to below 1",
        ),
    ],
)
def test_what_makes_no_folds_is_refused(
    weizmann: Path, options: dict[str, object], match: str
) -> None:
    with pytest.raises(UsageError, match=match):
        make_folds(weizmann, **options)  # type: ignore[arg-type]


def test_a_video_without_a_group_among_others_is_refused(ucf: Path) -> None:
    touch(ucf, ["Surfing/mine.avi"])
    with pytest.raises(
        UsageError,
        match=r"1 of 35 videos have no group as in UCF-101 or HMDB51, such as Surfing/mine\.avi,"
        " and folds need one for each; give --group-pattern REGEX, or move the videos away",
    ):
        make_folds(ucf, folds=2)


def test_videos_that_are_divided_already_are_refused(weizmann: Path, tmp_path: Path) -> None:
    touch(tmp_path / "official", ["wave_test_split1.txt"])
    with pytest.raises(UsageError, match="is an official split, with a test list of its own"):
        make_folds(tmp_path / "official", folds=2)
    weizmann.rename(tmp_path / "train")
    touch(tmp_path / "split", ["test/bend/moshe_bend.avi", "test/run/moshe_run.avi"])
    (tmp_path / "train").rename(tmp_path / "split/train")
    with pytest.raises(UsageError, match=r"name one of them, such as .*split/test, to make folds"):
        make_folds(tmp_path / "split", folds=2)
    assert len(make_folds(tmp_path / "split/train", folds=2).folds) == 2


def write(made: MadeFolds, folder: Path, *, overwrite: bool = False) -> list[str]:
    written = write_folds(made, folder, overwrite=overwrite)
    return [str(path.relative_to(folder)) for path in written]


def test_every_fold_has_a_folder_whose_lists_read_back(weizmann: Path, tmp_path: Path) -> None:
    made = make_folds(weizmann, folds=2, group_pattern="^[a-z]+", val_fraction=0.3)
    names = ("train.txt", "val.txt", "test.txt", "classes.txt")
    expected = [f"{fold}/{name}" for fold in ("fold-1", "fold-2") for name in names]
    assert write(made, tmp_path / "folds") == expected
    for name, fold in made.folds.items():
        folder = tmp_path / "folds" / name
        lists = read_lists(
            {split: folder / f"{split}.txt" for split in ("train", "val", "test")},
            root=weizmann,
            classes=folder / "classes.txt",
        )
        assert lists.classes == list(ACTIONS)
        assert {(entry.path, entry.split) for entry in lists.entries} == {
            (video.path, video.split) for video in fold.videos
        }


def test_folds_are_replaced_only_when_asked_and_then_all_of_them(
    weizmann: Path, tmp_path: Path
) -> None:
    out = tmp_path / "folds"
    write(make_folds(weizmann, folds=10), out)
    touch(out, ["fold-09/shards/dataset.json", "fold-notes/read.me"])
    fewer = make_folds(weizmann, folds=2, val_fraction=0.2)
    with pytest.raises(
        UsageError, match=r"fold-01, .* already; name another folder with --out, or"
    ):
        write(fewer, out)
    write(fewer, out, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == [
        "fold-09",
        "fold-1",
        "fold-2",
        "fold-notes",
    ]
    assert [path.name for path in (out / "fold-09").iterdir()] == ["shards"]


def test_a_name_that_no_list_can_hold_is_refused_before_folds_are_replaced(
    weizmann: Path, tmp_path: Path
) -> None:
    out = tmp_path / "folds"
    write(make_folds(weizmann, folds=3), out)
    touch(weizmann, ["run/a\nb.avi"])
    with pytest.raises(UsageError, match="rename the file"):
        write(make_folds(weizmann, folds=2), out, overwrite=True)
    assert sum(path.name == "test.txt" for path in out.rglob("*.txt")) == 3
