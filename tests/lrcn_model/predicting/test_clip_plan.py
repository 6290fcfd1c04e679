"""What of a video is scored together, for each way in which a net is trained."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.sampling.center import Center
from lrcn_data.sampling.windows import Windows
from lrcn_model.predicting.clip_plan import MOST_AT_ONCE, ClipPlanner, VideoPlan
from lrcn_model.reading.video_seconds import VideoSeconds
from lrcn_model.scoring.trained_run import RunFacts

FACTS = RunFacts(
    classes=["a", "b"], seq_len=4, fps=Fraction(5), average="probs", stored_size=None, trained={}
)


def planner(facts: RunFacts = FACTS, **values: Any) -> ClipPlanner:
    given_values = {
        "sampling": Center(seq_len=facts.seq_len),
        "short": "pad",
        "causal": True,
        "timeline": False,
        "lengths": None,
        **values,
    }
    return ClipPlanner(facts=facts, **given_values)


def in_time(**values: Any) -> RunFacts:
    return replace(FACTS, labels_in_time=True, **values)


KINDS = {
    "blocks": planner(),
    "blocks in spans": planner(lengths=VideoSeconds(median=2, longest=4)),
    "blocks, timeline": planner(lengths=VideoSeconds(median=2, longest=4), timeline=True),
    "windows": planner(sampling=Windows(seq_len=4, stride=2)),
    "windows, last": planner(replace(FACTS, average="last"), sampling=Windows(seq_len=4)),
    "windows far apart": planner(sampling=Windows(seq_len=4, stride=9), timeline=True),
    "looped windows": planner(sampling=Windows(seq_len=4), short="loop"),
    "stored windows": planner(in_time(), sampling=Windows(seq_len=4, stride=4)),
    "cut windows": planner(in_time(window=6), causal=False),
    "carried": planner(in_time(window=6, carry_state=True)),
    "whole, ahead": planner(in_time(window=0)),
    "whole, both ways": planner(in_time(window=0), causal=False),
}


@pytest.mark.parametrize("name", KINDS)
@given(length=st.integers(1, 300))
def test_every_frame_has_a_class_and_clips_are_in_the_order_of_their_ends(
    name: str, length: int
) -> None:
    plan = KINDS[name].plan(length)
    told: set[int] = set()
    for clip in plan.clips:
        assert {*clip.positions} <= {*range(length)}
        assert 1 <= clip.num_valid <= len(clip.positions)
        if clip.tells:
            told.update(clip.positions if clip.covers is None else clip.covers)
    assert told == {*range(length)}
    assert any(clip.votes for clip in plan.clips)
    ends = [max(clip.positions) for clip in plan.clips]
    assert ends == sorted(ends)
    needed = plan.needed_from()
    for number, first in enumerate(needed):
        assert first == min((clip.begin for clip in plan.clips[number + 1 :]), default=length)


@given(length=st.integers(1, 300), median=st.integers(1, 20), longer=st.integers(0, 20))
def test_only_what_is_longer_than_all_that_was_trained_on_is_cut_into_spans(
    length: int, median: int, longer: int
) -> None:
    lengths = VideoSeconds(median=median, longest=median + longer)
    plan = planner(lengths=lengths).plan(length)
    if length <= max(4, 5 * (median + longer)):
        [clip] = plan.clips
        assert plan.span is None
        assert clip.covers == range(length)
        return
    span = max(4, 5 * median)
    assert plan.span == span
    for clip in plan.clips:
        assert clip.votes
        assert len(clip.covers) == span
        assert tuple(clip.positions) == Center(seq_len=4).choose(clip.covers, None)[0]
    starts = [clip.covers.start for clip in plan.clips]
    *steps, last = [after - before for before, after in pairwise(starts)]
    assert {*steps} <= {span // 2}
    assert 1 <= last <= span // 2


def test_a_timeline_of_spans_leaves_the_class_of_a_video_to_the_clip_it_was_trained_with() -> None:
    lengths = VideoSeconds(median=2, longest=8)
    whole = planner(lengths=lengths).plan(40)
    plan = planner(lengths=lengths, timeline=True).plan(40)
    [voting] = [clip for clip in plan.clips if clip.votes]
    assert tuple(voting.positions) == tuple(whole.clips[0].positions)
    assert not voting.tells
    assert [len(clip.covers) for clip in plan.clips if clip.tells] == [10] * 7


def test_whole_videos_are_seen_at_once_up_to_a_bound_unless_the_head_needs_no_frame_to_come() -> (
    None
):
    both_ways = planner(in_time(window=0), causal=False)
    [clip] = both_ways.plan(MOST_AT_ONCE).clips
    assert len(clip.positions) == MOST_AT_ONCE
    spans = both_ways.plan(3 * MOST_AT_ONCE)
    assert [clip.positions.start for clip in spans.clips] == [
        part * MOST_AT_ONCE // 2 for part in range(5)
    ]
    assert spans.span == MOST_AT_ONCE
    ahead = planner(in_time(window=0)).plan(3 * MOST_AT_ONCE)
    assert ahead.carried
    assert {len(clip.positions) for clip in ahead.clips} == {4}


def test_a_video_without_frames_has_no_clips() -> None:
    assert all(one.plan(0) == VideoPlan(length=0, clips=[]) for one in KINDS.values())
