"""The scores of videos while their clips are scored: sums, so that parts scored apart add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_model.reading.clip_batch import ClipBatch

Scores = npt.NDArray[np.float64]

Label = TypeVar("Label", int, tuple[int, ...])
"""How a video is labelled: by a class number, or by the ascending numbers of a set of classes."""


class VideoIdentity(NamedTuple):
    """By what a video is told apart from all others.

    Attributes:
        video: The video's path, as its list had it.
        source: Which input file the video is; see `lrcn_data.format.sources`.
        classes: The numbers of the video's classes, ascending.
    """

    video: str
    source: int
    classes: tuple[int, ...]


@dataclass(slots=True)
class _Sum:
    """The sum of one video's scores so far, and the number of frames that it is over."""

    scores: Scores
    frames: int


class VideoMean(NamedTuple, Generic[Label]):
    """The mean of the scores of a video's frames, and by what videos are told apart.

    Attributes:
        video: The video's path, as its list had it.
        source: Which input file the video is; see `lrcn_data.format.sources`.
        label: The video's class, or set of classes.
        frames: The number of frames.
        scores: The mean over these frames, float64 (classes,).
    """

    video: str
    source: int
    label: Label
    frames: int
    scores: Scores


class VideoSums(Generic[Label]):
    """Adds up the votes of the frames of all clips of each video."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, Label], _Sum] = {}

    def add(
        self, votes_BTC: Tensor, voting_BT: Tensor, batch: ClipBatch, labels: Sequence[Label]
    ) -> Tensor:
        """Add a batch.

        Args:
            votes_BTC: What of each frame is averaged, float (clips, frames, classes).
            voting_BT: Which frames vote, bool (clips, frames).
            batch: The clips, on the same device.
            labels: The label of each clip.

        Returns:
            The mean of each clip's votes, float64 (clips, classes), on the processor.
        """
        votes_BC = (votes_BTC.double() * voting_BT[..., None]).sum(dim=1).cpu()
        sources = batch.sources or (UNKNOWN_SOURCE,) * len(batch)
        videos = zip(batch.videos, sources, labels, strict=True)
        counts = voting_BT.sum(dim=1).tolist()
        for video, votes, count in zip(videos, votes_BC.numpy(), counts, strict=True):
            self._add_video(video, votes, count)
        return votes_BC / torch.tensor(counts)[:, None]

    def merge(self, other: VideoSums[Label]) -> None:
        """Add what another object has added up."""
        for name, part in other._sums.items():
            self._add_video(name, part.scores, part.frames)

    def means(self) -> Iterator[VideoMean[Label]]:
        """The mean of each video, sorted by path."""
        for (video, source, label), part in sorted(self._sums.items()):
            yield VideoMean(video, source, label, part.frames, part.scores / part.frames)

    def _add_video(self, name: tuple[str, int, Label], votes: Scores, frames: int) -> None:
        if name in self._sums:
            self._sums[name].scores += votes
            self._sums[name].frames += frames
        else:
            self._sums[name] = _Sum(votes.copy(), frames)
