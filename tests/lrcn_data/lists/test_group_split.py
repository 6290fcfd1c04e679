from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_data.lists.group_split import group_function, move_groups
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.official_splits import recording_of


def test_a_group_is_what_the_parenthesis_matches() -> None:
    group = group_function(r"person(\d+)_")
    assert group(ListedVideo(path="boxing/person07_boxing_d1.avi", class_name="boxing")) == "07"
    assert group(ListedVideo(path="boxing/other.avi", class_name="boxing")) is None


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--group-pattern '\(' is no regular expression"):
        group_function("(")


def ucf(classes: int = 4, groups: int = 10, clips: int = 4) -> MadeLists:
    made = [
        ListedVideo(path=f"C{c}/v_C{c}_g{g:02d}_c{k:02d}.avi", class_name=f"C{c}")
        for c in range(classes)
        for g in range(groups)
        for k in range(1, clips + 1)
    ]
    return MadeLists(classes=[f"C{c}" for c in range(classes)], videos=made)


def move(made: MadeLists, fraction: float, seed: int = 0) -> MadeLists:
    counts = Counter(video.class_name for video in made.videos)
    return move_groups(made, "val", fraction, group=recording_of, seed=seed, class_counts=counts)


def moved_paths(made: MadeLists) -> set[str]:
    return {video.path for video in made.videos if video.split == "val"}


def test_every_class_gives_its_share_in_whole_groups() -> None:
    moved = move(ucf(), 0.2)
    counts = Counter(video.class_name for video in moved.videos if video.split == "val")
    assert counts == {f"C{c}": 8 for c in range(4)}


def test_small_classes_share_what_no_one_of_them_can_give() -> None:
    made = ucf(classes=20, groups=4, clips=1)
    counts = Counter(c.class_name for c in move(made, 0.1).videos if c.split == "val")
    assert sum(counts.values()) == 8
    assert set(counts.values()) == {1}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=60),
    st.floats(0.05, 0.6),
    st.integers(0, 3),
)
def test_groups_are_never_divided_nor_a_class_emptied(
    members: list[tuple[int, int]], fraction: float, seed: int
) -> None:
    videos = [
        ListedVideo(path=f"C{c}/v_C{c}_g{g:02d}_c{number:02d}.avi", class_name=f"C{c}")
        for number, (c, g) in enumerate(members)
    ]
    made = MadeLists(classes=sorted({video.class_name for video in videos}), videos=videos)
    try:
        moved = move(made, fraction, seed)
    except UsageError:  # nothing can be spared where every class has one group only
        return
    assert [video.path for video in moved.videos] == [video.path for video in videos]
    homes = defaultdict(set)
    for video in moved.videos:
        homes[re.sub(r"_c\d+\.avi", "", video.path)].add(video.split)
    assert all(len(found) == 1 for found in homes.values())
    left = {video.class_name for video in moved.videos if video.split == "train"}
    assert left == set(made.classes)


def test_the_choice_depends_on_the_seed_and_not_on_the_order() -> None:
    made = ucf()
    turned = MadeLists(classes=made.classes, videos=made.videos[::-1])
    assert moved_paths(move(made, 0.2)) == moved_paths(move(turned, 0.2))
    assert moved_paths(move(made, 0.2, seed=1)) != moved_paths(move(made, 0.2, seed=2))


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5])
def test_a_fraction_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(UsageError, match="--val-fraction must be from 0 to below 1"):
        move(ucf(), fraction)
