from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.lists.made_lists import ListedVideo
from lrcn_data.lists.official_splits import read_official, recording_of


def test_clips_of_an_hmdb51_film_stay_together() -> None:
    videos = [
        ListedVideo(path=f"wave/{film}_wave_u_nm_np1_fr_med_{k}.avi", class_name="wave")
        for film in ("A_wave_B", "C")
        for k in range(3)
    ]
    assert [recording_of(video) for video in videos] == ["wave/A_wave_B"] * 3 + ["wave/C"] * 3


def test_clips_of_a_ucf101_group_stay_together() -> None:
    video = ListedVideo(path="Run/v_Run_g07_c03.avi", class_name="Run")
    assert recording_of(video) == "v_Run_g07"


def test_a_video_of_neither_data_set_has_no_recording() -> None:
    assert recording_of(ListedVideo(path="Run/holiday.avi", class_name="Run")) is None


def test_a_folder_of_videos_is_no_official_split(tmp_path: Path) -> None:
    (tmp_path / "Run").mkdir()
    (tmp_path / "Run/a.avi").touch()
    assert read_official(tmp_path, 1) is None


def test_hmdb51s_three_splits_lie_side_by_side(tmp_path: Path) -> None:
    for split, use in ((1, "1"), (2, "2")):
        (tmp_path / f"wave_test_split{split}.txt").write_text(f"a_wave_f.avi {use} \n")
    made = read_official(tmp_path, 2)
    assert made is not None
    assert [(video.path, video.split) for video in made.videos] == [("wave/a_wave_f.avi", "test")]
    with pytest.raises(UsageError, match="has no files of split 3; give another --split"):
        read_official(tmp_path, 3)


def test_a_ucf101_video_of_an_unknown_class_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "classInd.txt").write_text("1 Run\n")
    (tmp_path / "trainlist01.txt").write_text("Run/a.avi 1\nFly/b.avi 2\n")
    (tmp_path / "testlist01.txt").write_text("Run/c.avi\n")
    with pytest.raises(UsageError, match=r"trainlist01\.txt:2: 'Fly' is no class of classInd"):
        read_official(tmp_path, 1)
