"""Labels in time at frames, against a search through all segments."""

from __future__ import annotations

import random

import pytest

from lrcn_data.lists.time_labels import UNLABELLED, Segment, TimeLabels


def test_a_segment_has_its_start_and_not_its_end() -> None:
    labels = TimeLabels((Segment(1, 2, 0), Segment(2, 3, 1)), "seconds")

    assert labels.at([0.999999, 1, 1.999999, 2, 3]) == [UNLABELLED, 0, 0, 1, UNLABELLED]


def test_of_several_the_segment_that_starts_last_counts() -> None:
    labels = TimeLabels((Segment(2, 3, 1), Segment(1, 9, 0), Segment(2, 5, 2)), "frames")

    assert labels.at(range(10)) == [-1, 0, 1, 2, 2, 0, 0, 0, 0, -1]
    assert labels.overlap == 3
    assert labels.classes == (0, 1, 2)
    assert labels.longest == 0


def test_a_time_that_is_rounded_down_is_still_in_the_segment_that_starts_there() -> None:
    labels = TimeLabels((Segment(1 / 3, 2 / 3, 4),), "seconds")

    assert labels.at([0.333333, 0.666667]) == [4, UNLABELLED]


def test_no_segment_labels_no_frame() -> None:
    labels = TimeLabels((), "frames")

    assert labels.at([0, 1]) == [UNLABELLED, UNLABELLED]
    assert labels.longest == UNLABELLED
    assert labels.overlap == 0


@pytest.mark.parametrize("seed", range(20))
def test_random_segments_label_frames_as_a_plain_search_does(seed: int) -> None:
    draw = random.Random(seed)
    starts = [draw.randrange(40) for _ in range(draw.randrange(1, 12))]
    segments = [Segment(s, s + draw.randrange(15), draw.randrange(4)) for s in starts]

    def searched(frame: int) -> int:
        there = [s for s in segments if s.start <= frame < s.end]
        latest = [s for s in there if s.start == max(s.start for s in there)] if there else []
        shortest = [s for s in latest if s.end == min(s.end for s in latest)] if latest else []
        return shortest[-1].label if shortest else UNLABELLED

    labels = TimeLabels(tuple(segments), "frames")

    assert labels.at(range(60)) == [searched(frame) for frame in range(60)]
