"""The counts on a page of a data set, as its charts and tables take them: bounded in their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrcn_data.inspecting.class_time import ClassTime
from lrcn_data.inspecting.read_samples import Video
from lrcn_data.inspecting.stats import Stats
from lrcn_data.printable import show

_CLASSES_SHOWN = 300
_OPEN_CLASSES = 40
_ROWS = 12
_BINS = 24


def class_counts(stats: Stats) -> dict[str, Any]:
    """The clips of each class; of many classes of the most and the least frequent ones."""
    ranked = sorted(stats.classes, key=lambda row: (-sum(row.clips.values()), row.name))
    half = _CLASSES_SHOWN // 2
    shown = ranked if len(ranked) <= _CLASSES_SHOWN else [*ranked[:half], *ranked[-half:]]
    return {
        "rows": [{"name": show(row.name), "clips": list(row.clips.values())} for row in shown],
        "count": len(ranked),
        "most": max(1, *(sum(row.clips.values()) for row in ranked)),
        "open": len(shown) <= _OPEN_CLASSES,
    }


def length_histogram(seconds: Mapping[Video, float], splits: Sequence[str]) -> dict[str, Any]:
    """How many videos are how long: bins of equal width, the last with all that are longer."""
    lengths = {split: [s for video, s in seconds.items() if video[0] == split] for split in splits}
    every = np.array([length for of_split in lengths.values() for length in of_split])
    if not every.size:
        return {"bins": [], "least": 0.0, "end": 0.0, "cut": False, "most": 1}
    least, largest = float(every.min()), float(every.max())
    # a few very long ones would leave all others in one bin
    end = min(largest, 2 * float(np.percentile(every, 95))) if every.size > 20 else largest
    edges = np.linspace(least, max(end, least + 1e-3), _BINS + 1)
    counts = np.array(
        [np.histogram(np.minimum(lengths[split], edges[-1]), edges)[0] for split in splits]
    )
    return {
        "bins": counts.T.tolist(),
        "least": least,
        "end": end,
        "cut": end < largest,
        "most": int(counts.sum(axis=0).max()),
    }


def most_frequent(counts: Mapping[str, int]) -> dict[str, Any]:
    """The most frequent of some values, and how many others there are."""
    rows = list(counts.items())
    return {
        "rows": rows[:_ROWS],
        "others": len(rows) - _ROWS if len(rows) > _ROWS else 0,
        "other_clips": sum(count for _, count in rows[_ROWS:]),
        "most": max(counts.values(), default=1),
    }


def class_seconds(times: Sequence[ClassTime] | None) -> dict[str, Any] | None:
    """How long each class lasts; of many classes those that last longest."""
    if times is None:
        return None
    *of_classes, without = times
    ranked = sorted(of_classes, key=lambda row: -sum(row.seconds.values()))[:_CLASSES_SHOWN]
    shown = [*ranked, without]
    return {
        "rows": [
            {
                "name": None if row.name is None else show(row.name),
                "seconds": list(row.seconds.values()),
                "sum": sum(row.seconds.values()),
                "segments": sum(row.segments.values()),
                "lengths": [row.shortest, row.median, row.longest],
            }
            for row in shown
        ],
        "left_out": len(of_classes) - len(ranked),
        "most": max(sum(row.seconds.values()) for row in shown) or 1,
        "consecutive": any(row.segments for row in shown),
    }
