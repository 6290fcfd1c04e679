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

    Args:
        most: The largest number of clips that are added; memory is taken only for those that are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # in the order in which they were added
        self._clips: list[_Clip] = []
        self._arrays: dict[str, Array] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to another process: only what was filled."""
        return {"_most": self._most, "_clips": self._clips, "_arrays": self._filled()}

    def add(self, scores_BTC: Tensor, batch: ClipBatch, vote: Vote) -> None:
        """Add the scores of a batch.

        Args:
            scores_BTC: The scores before any softmax or sigmoid, float (clips, frames, classes).
            batch: The clips that were scored, on the same device.
            vote: The kind of vote as which the scores of frames are averaged.
        """
        tensors = {
            "num_valid": batch.num_valid.int(),
            "frame_classes": batch.frame_labels.int(),
            "frame_scores": vote.of_frames(scores_BTC.float()).half(),
        }
        filled = len(self._clips)
        for name, values in tensors.items():
            new = values.cpu().numpy()
            if name not in self._arrays:
                self._arrays[name] = np.empty((self._most, *new.shape[1:]), new.dtype)
            self._arrays[name][filled : filled + len(new)] = new
        sources = batch.sources or (UNKNOWN_SOURCE,) * len(batch)
        videos = map(VideoIdentity, batch.videos, sources, _class_sets(batch.labels))
        self._clips += map(_Clip, batch.indices.tolist(), batch.keys, videos)

    def merge(self, other: FrameScores) -> None:
        """Add what another object has collected."""
        parts = [part for part in (self._filled(), other._filled()) if part]
        self._arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        self._clips = self._clips + other._clips

    def arrays(self, videos: Sequence[AnyVideoScores]) -> dict[str, Array]:
        """All that was collected, by the clips' numbers.

        Args:
            videos: The scores of the clips' videos.

        Returns:
            The arrays of clips and frames that `kept_evaluations` describes.
        """
        rows = {video.identity: row for row, video in enumerate(videos)}
        arrays = self._filled()
        order = sorted(range(len(self._clips)), key=self._clips.__getitem__)
        # a process that has scored all of the clips has done so in their order
        if order != list(range(len(order))):
            arrays = {name: values[order] for name, values in arrays.items()}
        clips = [self._clips[place] for place in order]
        return {
            "clip_keys": np.array([clip.key for clip in clips]),
            "clip_videos": np.array([rows[clip.video] for clip in clips]),
            **arrays,
        }

    def _filled(self) -> dict[str, Array]:
        return {name: values[: len(self._clips)] for name, values in self._arrays.items()}


def _class_sets(labels: Tensor) -> list[tuple[int, ...]]:
    """The numbers of the classes of each clip; where it has one, that one's alone."""
    if labels.dim() == 1:
        return [(label,) for label in labels.tolist()]
    return [class_numbers(row) for row in labels.bool().cpu().numpy()]
