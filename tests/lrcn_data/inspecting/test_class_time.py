from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.format.records import SampleRecord
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.class_time import class_times, frames_of
from lrcn_data.inspecting.preview import SheetText, contact_sheet
from lrcn_data.inspecting.stats import compute_stats, write_stats
from lrcn_data.sampling.windows import Windows

MakeDataSet = Callable[..., Path]
FPS = Fraction(25, 2)


def clip(position: int, labels: list[int], times: list[float] | None = None) -> SampleRecord:
    return SampleRecord(
        key="a",
        video="a.avi",
        label=0,
        width=1,
        height=1,
        frame_times=times or [float((position + n) / FPS) for n in range(len(labels))],
        num_valid=len(labels),
        labels=labels,
        segment=[0.0, 1.0],
        position=position,
    )


@given(st.lists(st.integers(-1, 2), min_size=4, max_size=40), st.integers(1, 6))
def test_each_frame_counts_once_though_windows_overlap(labels: list[int], stride: int) -> None:
    windows = Windows(seq_len=4, stride=min(stride, 4)).choose(
        range(len(labels)), lambda clip, block: 0
    )
    frames: dict[int, int] = {}
    for window in windows:
        record = clip(window[0], [labels[position] for position in window])
        frames |= frames_of(record, FPS, consecutive=True)
    rows = class_times({("train", "a.avi", 1): frames}, ["a", "b", "c"], FPS, consecutive=True)
    assert [row.name for row in rows] == ["a", "b", "c", None]
    for row, label in zip(rows, [0, 1, 2, -1], strict=True):
        runs: list[int] = []
        for place, found in enumerate(labels):
            if found == label:
                goes_on = place > 0 and labels[place - 1] == label
                runs = [*runs[:-1], runs[-1] + 1] if goes_on else [*runs, 1]
        assert row.seconds == {"train": pytest.approx(labels.count(label) / 12.5)}
        assert row.segments == {"train": len(runs)}
        lengths = [None] * 3
        if runs:
            lengths = [
                pytest.approx(one / 12.5) for one in (min(runs), statistics.median(runs), max(runs))
            ]
        assert [row.shortest, row.median, row.longest] == lengths


def test_a_gap_between_clips_ends_a_segment() -> None:
    frames = {0: 1, 1: 1, 5: 1, 6: 1, 7: 1}
    rows = class_times({("test", "a", 1): frames}, ["a", "b"], Fraction(5), consecutive=True)
    assert (rows[1].segments, rows[1].shortest, rows[1].longest) == ({"test": 2}, 0.4, 0.6)


def test_frames_that_are_not_consecutive_have_no_segments() -> None:
    record = clip(3, [0, 0, 1], [0.24, 1.04, 4.0])
    frames = frames_of(record, FPS, consecutive=False)
    assert frames == {3: 0, 13: 0, 50: 1}
    rows = class_times({("train", "a", 1): frames}, ["a", "b"], FPS, consecutive=False)
    assert (rows[0].seconds, rows[0].segments, rows[0].median) == ({"train": 0.16}, {}, None)


def test_stats_tell_how_long_classes_last(make_data_set: MakeDataSet) -> None:
    recipe = {"sampling": "windows", "stride": 4}
    folder = make_data_set(samples={"train": [5, 4]}, labels_in_time=True, recipe=recipe)
    stats, mean = compute_stats(folder, workers=2)
    assert stats.class_time is not None
    data_set = open_data_set(folder)
    records = [data_set.read_sample(number).record for number in range(len(data_set))]
    found = [row.seconds["train"] for row in stats.class_time]
    for label, seconds in zip([0, 1, 2, -1], found, strict=True):
        count = sum(record.labels[: record.num_valid].count(label) for record in records)
        assert seconds == pytest.approx(count / 5)
    write_stats(data_set.shards[0].folder, stats, mean)
    stored = json.loads((folder / "stats.json").read_bytes())["class_time"]
    assert [row["seconds"]["train"] for row in stored] == found
    assert stored[-1]["name"] is None


def test_other_data_sets_have_no_such_figures(make_data_set: MakeDataSet) -> None:
    stats, _ = compute_stats(make_data_set(), workers=1)
    assert "class_time" not in stats.as_record()


def test_a_sheet_has_a_line_more_where_frames_have_classes(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set(labels_in_time=True))
    samples = [data_set.read_sample(number) for number in range(3)]
    named = contact_sheet(samples, SheetText(title="a", classes=["walk", "sit", "fall"]))
    others = contact_sheet(samples, SheetText(title="a", classes=["walk", "run", "fall"]))
    plain = open_data_set(make_data_set("plain"))
    without = contact_sheet([plain.read_sample(n) for n in range(3)], SheetText(title="a"))
    assert named.height == without.height + 3 * 20
    # a class of another name changes the picture where frames have it, and nowhere else
    differs = np.any(np.asarray(named) != np.asarray(others), axis=2)
    assert any(1 in sample.record.labels for sample in samples)
    for row, sample in enumerate(samples):
        line = differs[44 + row * 166 : 44 + (row + 1) * 166, 20 + 232 :]
        assert line.any() == (1 in sample.record.labels)
