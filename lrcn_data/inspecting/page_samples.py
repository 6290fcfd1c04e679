"""Samples of every class on a page of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.page_clips import STRIP_FRAMES, Strips, clip_on_page
from lrcn_data.printable import show

_SAMPLES, _MOST_PER_CLASS = 240, 4
_FEWER_FRAMES, _MANY_CLASSES = 4, 150

_MOST_BYTES = 2_200_000
"""The most bytes of all strips; beyond them classes are left out."""


def class_samples(data_set: DataSet, *, per_class: int | None, seed: int) -> dict[str, Any]:
    """Draw clips of every class, one of each before a second one of any.

    Args:
        data_set: The data set.
        per_class: The largest number of clips of each class; None for 4, or fewer where there are
            many classes.
        seed: The seed of the draws.
    """
    of_class = {
        name: numbers
        for label, name in enumerate(data_set.classes)
        if len(numbers := _numbers_of(data_set, label))
    }
    per_class = per_class or min(_MOST_PER_CLASS, max(1, _SAMPLES // max(1, len(of_class))))
    frames = STRIP_FRAMES if len(of_class) <= _MANY_CLASSES else _FEWER_FRAMES
    strips = Strips(_MOST_BYTES)
    shown: dict[str, list[dict[str, Any]]] = {name: [] for name in of_class}
    for turn in range(per_class):
        for name, numbers in of_class.items():
            if turn >= len(numbers) or strips.left <= 0:
                continue
            drawn = _drawn(numbers, turn, seed)
            shown[name].append(clip_on_page(data_set, drawn, strips, frames))
    with_clips = {show(name): clips for name, clips in shown.items() if clips}
    return {
        "samples": with_clips,
        "samples_left_out": len(of_class) - len(with_clips),
        "per_class": per_class,
    }


def _numbers_of(data_set: DataSet, label: int) -> npt.NDArray[np.int64]:
    """The numbers of the samples that have a class, or a frame of it where labels are in time."""
    if data_set.frame_labels is not None:
        return np.flatnonzero((data_set.frame_labels == label).any(axis=1))
    if data_set.multi_label:
        return np.flatnonzero(data_set.labels[:, label])
    return np.flatnonzero(data_set.labels == label)


def _drawn(numbers: npt.NDArray[np.int64], turn: int, seed: int) -> int:
    """One of some samples, another one in each turn."""
    order = np.random.default_rng(abs(seed)).permutation(len(numbers))
    return int(numbers[order[turn]])
