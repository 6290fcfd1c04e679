"""How right scores are where a video has a set of classes: ranking by class, recognition, loss.

Sums only, so that parts scored by several processes add up. Nothing here knows the net.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_model.figures.average_precision import average_precision
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.loss import real_frames
from lrcn_model.scoring.set_loss import frame_set_losses, overlaps
from lrcn_model.scoring.video_sums import Scores, VideoIdentity, VideoSums
from lrcn_model.scoring.video_vote import SET_VOTES

RECOGNIZED_FROM = 0.5
"""The probability from which a class counts as recognized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetVideoScores:
    """What was recognized in one video that has a set of classes.

    Attributes:
        video: The video's path, as its list had it.
        source: Which input file the video is: with the path it tells videos apart; see
            `lrcn_data.format.sources`.
        classes: The numbers of the video's classes, ascending.
        recognized: The numbers of the classes with a probability of at least a half, ascending.
        frames: The number of frames whose scores were averaged.
        scores: The mean of those frames' scores, float64 (classes,): logits with --average
            log-probs, probabilities with probs.
    """

    video: str
    source: int
    classes: tuple[int, ...]
    recognized: tuple[int, ...]
    frames: int
    scores: Scores

    @property
    def identity(self) -> VideoIdentity:
        """By what the video is told apart from all others."""
        return VideoIdentity(self.video, self.source, self.classes)

    @property
    def right(self) -> float:
        """How far the recognized classes are the video's, from 0 to 1, as `SetResult` has it."""
        one, other = set(self.classes), set(self.recognized)
        return len(one & other) / len(one | other) if one | other else 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SetResult:
    """All figures of an evaluation with sets of classes; nan where nothing was counted.

    A class's average precision is that of the videos ranked by their scores for it; see
    `average_precision`. Fractions are from 0 to 1.

    Attributes:
        videos: The number of videos scored.
        clips: The number of clips scored.
        frames: The number of real frames, which the loss is taken over.
        skipped: The number of videos that gave no clip since they were too short.
        failed: The number of videos that gave no clip for any other reason.
        mean_average_precision: The mean of the classes' average precision (mAP), over the classes
            that any video has.
        mean_average_precision_skipped_missed: The same where what is to be found in videos that
            gave no clip is never found. Shards don't have the classes of those; they are taken to
            be as frequent as in the videos scored, so this is the mAP times the share of videos
            that were scored.
        accuracy: How far the recognized classes are those of the video (Jaccard: how many are in
            both sets, divided by how many are in either; 1 where both are empty), averaged over
            the videos.
        clip_accuracy: The same of clips, each by its own scores alone.
        micro_f1: The harmonic mean of precision and recall of all recognized classes together.
        macro_f1: That of each class, averaged over the classes that a video has or that are
            recognized in one.
        frame_loss: The mean binary cross-entropy of the frames and classes.
        average_precision: The average precision of each class; nan where no video has it.
        positives: The number of videos that have each class.
    """

    MAIN_FIGURE: ClassVar[str] = "mean_average_precision"
    """The figure by which weights are compared."""

    EPOCH_FIGURES: ClassVar[tuple[str, ...]] = (
        *("mean_average_precision", "accuracy", "micro_f1", "macro_f1", "frame_loss"),
    )
    """The figures that are recorded of every epoch."""

    videos: int
    clips: int
    frames: int
    skipped: int
    failed: int
    mean_average_precision: float
    mean_average_precision_skipped_missed: float
    accuracy: float
    clip_accuracy: float
    micro_f1: float
    macro_f1: float
    frame_loss: float
    average_precision: list[float] = field(repr=False)
    positives: list[int] = field(repr=False)


class SetScorer:
    """Adds up the scores of batches, and makes the figures of an evaluation from them.

    A video's scores are the mean over all real frames of all its clips; frames that only repeat the
    last one don't count.

    Args:
        classes: The number of classes.
        average: The name of the kind of vote, among `video_vote.SET_VOTES`.
    """

    def __init__(self, classes: int, average: str = "log-probs") -> None:
        self._classes = classes
        # by name, since a scorer is sent between processes
        self._average = average
        self._sums = VideoSums[tuple[int, ...]]()
        self._clips = 0
        self._frames = 0
        self._overlap = 0.0
        self._loss = 0.0

    @torch.no_grad()
    def add(self, scores_BTC: Tensor, batch: ClipBatch) -> None:
        """Add the scores of a batch.

        Args:
            scores_BTC: The scores before any sigmoid, float (clips, frames, classes).
            batch: The clips that were scored, on the same device.
        """
        scores_BTC = scores_BTC.float()
        real_BT = real_frames(batch.num_valid, batch.seq_len)
        loss = (frame_set_losses(scores_BTC, batch.labels).double() * real_BT).sum()
        sets = [class_numbers(row) for row in batch.labels.bool().cpu().numpy()]
        vote = SET_VOTES[self._average]
        mean_BC = self._sums.add(vote.of_frames(scores_BTC), vote.voting(real_BT), batch, sets)
        recognized_BC = vote.probabilities(mean_BC) >= RECOGNIZED_FROM
        self._overlap += float(overlaps(recognized_BC, batch.labels.cpu().bool()).sum())
        self._clips += len(batch)
        self._frames += int(real_BT.sum())
        self._loss += float(loss)

    def merge(self, other: SetScorer) -> None:
        """Add what another scorer has added up."""
        self._clips += other._clips
        self._frames += other._frames
        self._overlap += other._overlap
        self._loss += other._loss
        self._sums.merge(other._sums)

    def videos(self) -> list[SetVideoScores]:
        """The scores of each video, sorted by path."""
        found = []
        for mean in self._sums.means():
            found.append(
                SetVideoScores(
                    video=mean.video,
                    source=mean.source,
                    classes=mean.label,
                    recognized=recognized_classes(mean.scores, self._average),
                    frames=mean.frames,
                    scores=mean.scores,
                )
            )
        return found

    def result(self, *, skipped: int = 0, failed: int = 0) -> SetResult:
        """The figures over all that was added.

        Args:
            skipped: The number of videos that gave no clip since they were too short.
            failed: The number of videos that gave no clip for any other reason.
        """
        found = set_video_result(self.videos(), self._classes, skipped=skipped, failed=failed)
        return replace(
            found,
            clips=self._clips,
            frames=self._frames,
            clip_accuracy=self._overlap / self._clips if self._clips else float("nan"),
            frame_loss=self._loss / self._frames if self._frames else float("nan"),
        )


def set_video_result(
    videos: Sequence[SetVideoScores], classes: int, *, skipped: int, failed: int
) -> SetResult:
    """The figures of videos, of whose clips and frames nothing was counted.

    Args:
        videos: The scores of each video.
        classes: The number of classes.
        skipped: The number of videos that gave no clip since they were too short.
        failed: The number of videos that gave no clip for any other reason.
    """
    labels_VC = set_matrix([video.classes for video in videos], classes)
    found_VC = set_matrix([video.recognized for video in videos], classes)
    scores_VC = np.array([video.scores for video in videos]).reshape(-1, classes)
    precisions = [
        average_precision(scores_VC[:, number], labels_VC[:, number]) for number in range(classes)
    ]
    positives = labels_VC.sum(axis=0)
    mean = _mean(np.array(precisions)[positives > 0])
    scored = len(videos) / max(1, len(videos) + skipped + failed)
    right = 2.0 * (labels_VC & found_VC).sum(axis=0)
    of = positives + found_VC.sum(axis=0)
    return SetResult(
        videos=len(videos),
        clips=0,
        frames=0,
        skipped=skipped,
        failed=failed,
        mean_average_precision=mean,
        mean_average_precision_skipped_missed=mean * scored,
        accuracy=_mean(np.array([video.right for video in videos])),
        clip_accuracy=float("nan"),
        micro_f1=float(right.sum() / of.sum()) if of.any() else float("nan"),
        macro_f1=_mean(right[of > 0] / of[of > 0]),
        frame_loss=float("nan"),
        average_precision=precisions,
        positives=positives.tolist(),
    )


def recognized_classes(scores: Scores, average: str) -> tuple[int, ...]:
    """The numbers of the classes with a probability of at least a half, ascending.

    Args:
        scores: The mean of a video's scores, float64 (classes,).
        average: The name of the kind of vote that they are the mean of.
    """
    probabilities = SET_VOTES[average].probabilities(torch.from_numpy(scores))
    return class_numbers(probabilities.numpy() >= RECOGNIZED_FROM)


def class_numbers(row: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """The numbers of the classes in a set that is given as bool (classes,), ascending."""
    return tuple(np.flatnonzero(row).tolist())


def set_matrix(sets: Sequence[tuple[int, ...]], classes: int) -> npt.NDArray[np.bool_]:
    """Sets of class numbers, one a video, as bool (videos, classes)."""
    matrix = np.zeros((len(sets), classes), bool)
    for row, numbers in zip(matrix, sets, strict=True):
        row[list(numbers)] = True
    return matrix


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
