from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.format.sample_key import is_key, sample_key


def test_a_key_has_split_position_file_name_and_clip() -> None:
    key = sample_key("train", 3, "Archery/v_Archery_g08_c02.avi", 1)
    assert key == "train-0000003-v_Archery_g08_c02-1"


def test_what_a_key_may_not_have_becomes_an_underline() -> None:
    assert sample_key("val", 0, "a b/ä.b é.mp4", 0) == "val-0000000-__b__-0"


@given(
    split=st.sampled_from(["train", "val", "test"]),
    position=st.integers(0, 10**9),
    video=st.text(),
    clip=st.integers(0, 9999),
)
def test_every_video_has_a_key_that_readers_can_take(
    split: str, position: int, video: str, clip: int
) -> None:
    assert is_key(sample_key(split, position, video, clip))


def test_a_dot_a_slash_and_too_many_characters_make_no_key() -> None:
    assert not any(map(is_key, ["a.b", "a/b", "", "a" * 81]))
    assert is_key("a" * 80)
