"""The scores of every frame of every clip, as an evaluation keeps them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.label_kinds import AnyVideoScores
from lrcn_model.scoring.loss import real_frames
from lrcn_model.scoring.loss_at import UNLABELLED
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
        seq_len: The largest number of frames of a clip, to which all clips are filled up.
    """

    def __init__(self, most: int, seq_len: int) -> None:
        self._most, self._seq_len = most, seq_len
        # in the order in which they were added
        self._clips: list[_Clip] = []
        self._arrays: dict[str, Array] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to another process: only what was filled."""
        return {
            "_most": self._most,
            "_seq_len": self._seq_len,
            "_clips": self._clips,
            "_arrays": self._filled(),
        }

    def add(self, scores_BTC: Tensor, batch: ClipBatch, vote: Vote) -> None:
        """Add the scores of a batch.

        Args:
            scores_BTC: The scores before any softmax or sigmoid, float (clips, frames, classes).
            batch: The clips that were scored, on the same device.
            vote: The kind of vote as which the scores of frames are averaged.
        """
        tensors = {
            "num_valid": batch.num_valid.int(),
            "frame_classes": self._filled_up(batch.frame_labels.int(), UNLABELLED),
            "frame_scores": self._filled_up(_votes(scores_BTC, batch, vote), math.nan),
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

    def _filled_up(self, values_BT: Tensor, filling: float) -> Tensor:
        """Values of frames, (clips, frames, ...), with as many frames as the longest clip has."""
        clips, frames, *others = values_BT.shape
        rest = values_BT.new_full((clips, self._seq_len - frames, *others), filling)
        return torch.cat([values_BT, rest], dim=1)

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


def _votes(scores_BTC: Tensor, batch: ClipBatch, vote: Vote) -> Tensor:
    """The votes of frames, float16 (clips, frames, classes); nan where a clip has no such frame."""
    votes_BTC = vote.of_frames(scores_BTC.float()).half()
    if batch.frame_counts is None:
        return votes_BTC
    there_BT = real_frames(batch.num_valid, batch.seq_len)
    return votes_BTC.masked_fill(~there_BT[..., None], math.nan)


def _class_sets(labels: Tensor) -> list[tuple[int, ...]]:
    """The numbers of the classes of each clip; where it has one, that one's alone."""
    if labels.dim() == 1:
        return [(label,) for label in labels.tolist()]
    return [class_numbers(row) for row in labels.bool().cpu().numpy()]
