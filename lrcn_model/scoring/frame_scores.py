"""The scores of every frame of every clip, as an evaluation keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.label_kinds import AnyVideoScores
from lrcn_model.scoring.set_scorer import class_numbers
from lrcn_model.scoring.video_sums import VideoIdentity
from lrcn_model.scoring.video_vote import Vote

Array = npt.NDArray[Any]


class _Clip(NamedTuple):
    """A clip by its number in the data set, its name, and its video."""

    number: int
    key: str
    video: VideoIdentity


class FrameScores:
    """Collects the votes of all frames, in memory and in half precision.

    40,000 clips of 16 frames and 101 classes take 130 MB. Half precision keeps three digits of a
    score; what videos are recognized by is added up elsewhere, in full precision.
    """

    def __init__(self) -> None:
        self._clips: list[_Clip] = []
        # of each batch: the numbers of its clips, and the arrays of these
        self._parts: list[tuple[Array, dict[str, Array]]] = []

    def add(self, scores_BTC: Tensor, batch: ClipBatch, vote: Vote) -> None:
        """Add the scores of a batch.

        Args:
            scores_BTC: The scores before any softmax or sigmoid, float (clips, frames, classes).
            batch: The clips that were scored, on the same device.
            vote: The kind of vote as which the scores of frames are averaged.
        """
        numbers, sources = batch.indices.tolist(), batch.sources or (UNKNOWN_SOURCE,) * len(batch)
        videos = map(VideoIdentity, batch.videos, sources, _class_sets(batch.labels))
        self._clips += map(_Clip, numbers, batch.keys, videos)
        tensors = {
            "num_valid": batch.num_valid.int(),
            "frame_classes": batch.frame_labels.int(),
            "frame_scores": vote.of_frames(scores_BTC.float()).half(),
        }
        arrays = {name: values.cpu().numpy() for name, values in tensors.items()}
        self._parts.append((np.array(numbers), arrays))

    def merge(self, other: FrameScores) -> None:
        """Add what another object has collected."""
        self._clips += other._clips
        self._parts += other._parts

    def take_arrays(self, videos: Sequence[AnyVideoScores]) -> dict[str, Array]:
        """All that was collected, by the clips' numbers; nothing is left here.

        Args:
            videos: The scores of the clips' videos.

        Returns:
            The arrays of clips and frames that `kept_evaluations` describes.
        """
        rows = {video.identity: row for row, video in enumerate(videos)}
        self._clips.sort()
        whole = {
            "clip_keys": np.array([clip.key for clip in self._clips]),
            "clip_videos": np.array([rows[clip.video] for clip in self._clips]),
        }
        # one part after the other is let go of, so that all is there only once
        while self._parts:
            numbers, arrays = self._parts.pop()
            for name, values in arrays.items():
                if name not in whole:
                    whole[name] = np.empty((len(self._clips), *values.shape[1:]), values.dtype)
                whole[name][numbers] = values
        return whole


def _class_sets(labels: Tensor) -> list[tuple[int, ...]]:
    """The numbers of the classes of each clip; where it has one, that one's alone."""
    if labels.dim() == 1:
        return [(label,) for label in labels.tolist()]
    return [class_numbers(row) for row in labels.bool().cpu().numpy()]
