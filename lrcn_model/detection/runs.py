"""Runs: stretches of a video whose frames have one class, as labelled or as predicted."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from lrcn_model.detection.frame_track import Floats, Ints, LabelledFrames


class Runs(NamedTuple):
    """Runs of a video in time order, by the numbers of its labelled frames, counted from 0.

    Attributes:
        labels_S: The class of each run, int64 (runs,).
        first_S: The number of its first frame, int64 (runs,).
        behind_S: The number of the frame behind its last one, int64 (runs,).
    """

    labels_S: Ints
    first_S: Ints
    behind_S: Ints

    def of_class(self, label: int) -> Runs:
        """The runs of one class."""
        own_S = self.labels_S == label
        return Runs(*(values_S[own_S] for values_S in self))

    def starts(self, frames: LabelledFrames) -> Floats:
        """When each run starts, in seconds, float64 (runs,)."""
        return frames.starts_F[self.first_S]

    def ends(self, frames: LabelledFrames) -> Floats:
        """When each run ends, in seconds, float64 (runs,)."""
        return frames.ends_F[self.behind_S - 1]


def true_runs(frames: LabelledFrames, background: Collection[int] = ()) -> Runs:
    """The segments of a video as it is labelled, but for those of background classes."""
    return runs(frames.labels_F, frames.positions_F, background)


def predicted_runs(frames: LabelledFrames, background: Collection[int] = ()) -> Runs:
    """The runs of the class with the highest score, but for those of background classes."""
    return runs(frames.predicted_F, frames.positions_F, background)


def runs(classes_F: Ints, positions_F: Ints, background: Collection[int] = ()) -> Runs:
    """The longest stretches of frames that follow each other and have one class.

    A frame without a label is in no run, whatever is predicted of it, and ends the run before it,
    as does one that is missing: a run never goes on over a gap.

    Args:
        classes_F: The class of each labelled frame, int64 (frames,).
        positions_F: Its number in the fps stream, int64 (frames,), ascending.
        background: The classes whose runs are left out.
    """
    changes_F = (np.diff(classes_F) != 0) | (np.diff(positions_F) != 1)
    bounds = np.flatnonzero(np.concatenate([[True], changes_F, [True]]))
    first_S, behind_S = bounds[:-1], bounds[1:]
    if not len(classes_F):
        first_S = behind_S = bounds[:0]
    labels_S = classes_F[first_S]
    kept_S = ~np.isin(labels_S, list(background))
    return Runs(labels_S[kept_S], first_S[kept_S], behind_S[kept_S])
