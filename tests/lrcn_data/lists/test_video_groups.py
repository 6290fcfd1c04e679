from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.video_groups import group_of


@given(st.from_regex(r"[A-Za-z_]{1,12}", fullmatch=True), st.integers(1, 25), st.integers(1, 7))
def test_a_ucf101_name_gives_its_class_and_group(class_name: str, group: int, clip: int) -> None:
    path = f"{class_name}/v_{class_name}_g{group:02d}_c{clip:02d}.avi"
    assert group_of(path) == f"v_{class_name}_g{group:02d}"


def test_the_folders_of_a_video_do_not_change_its_group() -> None:
    assert group_of("v_Run_g01_c01.avi") == group_of("/a_g09_c01/b/v_Run_g01_c02.mp4")


@pytest.mark.parametrize(
    "path", ["a.avi", "v_Run_g01.avi", "v_Run_g_c01.avi", "v_g01_c01/a.avi", "big_game.avi", ""]
)
def test_a_file_that_is_named_otherwise_has_no_group(path: str) -> None:
    assert group_of(path) is None
