from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data.demo.data_set import DemoOptions, write_demo
from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.lists.read_lists import read_lists

OPTIONS = DemoOptions(train=6, val=0, test=2, seed=3)


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_the_lists_name_the_videos_and_their_classes(tmp_path: Path) -> None:
    videos = write_demo(tmp_path, OPTIONS, workers=1)
    lists = read_lists(
        {split: tmp_path / f"{split}.txt" for split in ("train", "test")},
        root=tmp_path,
        classes=tmp_path / "classes.txt",
    )
    found = {(entry.path, lists.classes[entry.label], entry.split) for entry in lists.entries}
    assert found == {(video.name, video.class_name, video.split) for video in videos}
    assert not (tmp_path / "val.txt").exists()


def test_what_was_stopped_goes_on_and_comes_out_the_same(tmp_path: Path) -> None:
    videos = write_demo(tmp_path, OPTIONS, workers=1)
    whole = files(tmp_path)
    for name in (videos[0].name, videos[5].name, "train.txt"):
        (tmp_path / name).unlink()
    counts: list[tuple[int, int]] = []
    write_demo(
        tmp_path, OPTIONS, workers=1, on_start=lambda total, left: counts.append((total, left))
    )
    assert counts == [(8, 2)]
    assert files(tmp_path) == whole


def test_other_options_need_overwrite_and_then_leave_nothing_of_the_old(tmp_path: Path) -> None:
    write_demo(tmp_path, OPTIONS, workers=1)
    other = DemoOptions(train=1, val=0, test=0, seed=4)
    with pytest.raises(UsageError, match=r"\(--train-videos 6 .* --seed 3\) already"):
        write_demo(tmp_path, other, workers=1)
    [video] = write_demo(tmp_path, other, workers=1, overwrite=True)
    assert set(files(tmp_path)) == {"demo.json", "classes.txt", "train.txt", video.name}


def test_lists_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("mine\n")
    with pytest.raises(UsageError, match=r"has train\.txt already"):
        write_demo(tmp_path, OPTIONS, workers=1)
    assert files(tmp_path) == {"train.txt": b"mine\n"}


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{")
    with pytest.raises(LrcnError, match=r"demo\.json can't be read .*; remove it"):
        write_demo(tmp_path, OPTIONS, workers=1)


@pytest.mark.parametrize(
    ("counts", "match"),
    [((-1, 0, 1), "--train-videos must be at least 0, got -1"), ((0, 0, 0), "are all 0")],
)
def test_numbers_of_videos_that_make_no_data_set_are_refused(
    counts: tuple[int, int, int], match: str
) -> None:
    train, val, test = counts
    with pytest.raises(UsageError, match=match):
        DemoOptions(train=train, val=val, test=test)
