"""How right scores are: recognition of videos, detection in frames, and the loss a frame.

Sums only, so that parts scored by several processes add up. Nothing here knows the net.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.loss import frame_losses, real_frames
from lrcn_model.scoring.loss_at import UNLABELLED
from lrcn_model.scoring.video_sums import Scores, VideoIdentity, VideoSums
from lrcn_model.scoring.video_vote import VOTES

_BEST = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoScores:
    """What was recognized in one video.

    Attributes:
        video: The video's path, as its list had it.
        source: Which input file the video is: with the path it tells videos apart; see
            `lrcn_data.format.sources`.
        label: The number of the video's class.
        predicted: The number of the class that was recognized.
        frames: The number of frames whose scores were averaged.
        scores: The mean of those frames' scores, float64 (classes,).
    """

    video: str
    source: int
    label: int
    predicted: int
    frames: int
    scores: Scores

    @property
    def classes(self) -> tuple[int, ...]:
        """The numbers of the video's classes, which is one."""
        return (self.label,)

    @property
    def recognized(self) -> tuple[int, ...]:
        """The numbers of the classes that were recognized, which is one."""
        return (self.predicted,)

    @property
    def identity(self) -> VideoIdentity:
        """By what the video is told apart from all others."""
        return VideoIdentity(self.video, self.source, self.classes)

    @property
    def right(self) -> float:
        """1 where the class that was recognized is the video's, else 0."""
        return float(self.predicted == self.label)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All figures of an evaluation; fractions are from 0 to 1, nan where nothing was counted.

    Attributes:
        videos: The number of videos scored.
        clips: The number of clips scored.
        frames: The number of frames with a class, which detection and loss are taken over.
        skipped: The number of videos that gave no clip since they were too short.
        failed: The number of videos that gave no clip for any other reason.
        accuracy: The fraction of videos whose class is recognized.
        top5: The fraction of videos whose class is among the five with the highest scores; None
            with fewer than six classes, of which five say nothing.
        mean_class_accuracy: The fraction of a class's videos that are recognized, averaged over the
            classes that occur.
        accuracy_skipped_wrong: The fraction of videos whose class is recognized, where videos that
            gave no clip count as wrong.
        clip_accuracy: The fraction of clips whose class is recognized by their own scores alone.
        clip_top5: The fraction of clips whose class is then among the five with the highest scores;
            None with fewer than six classes.
        frame_accuracy: The fraction of frames whose class has the highest score (detection).
        frame_loss: The mean cross-entropy of the frames.
        confusion: The number of videos, by class (rows) and class recognized (columns).
    """

    MAIN_FIGURE: ClassVar[str] = "accuracy"
    """The figure by which weights are compared."""

    EPOCH_FIGURES: ClassVar[tuple[str, ...]] = (
        *("accuracy", "top5", "mean_class_accuracy", "frame_accuracy", "frame_loss"),
    )
    """The figures that are recorded of every epoch."""

    videos: int
    clips: int
    frames: int
    skipped: int
    failed: int
    accuracy: float
    top5: float | None
    mean_class_accuracy: float
    accuracy_skipped_wrong: float
    clip_accuracy: float
    clip_top5: float | None
    frame_accuracy: float
    frame_loss: float
    confusion: list[list[int]] = field(repr=False)


class Scorer:
    """Adds up the scores of batches, and makes the figures of an evaluation from them.

    A video is recognized by the mean of its frames' scores, over all real frames of all its
    clips, or over the last real one of each where the votes are such; frames that only repeat the
    last one don't count.

    Args:
        classes: The number of classes.
        average: The name of the kind of vote, among `video_vote.VOTES`.
    """

    def __init__(self, classes: int, average: str = "log-probs") -> None:
        self._classes = classes
        # by name, since a scorer is sent between processes
        self._average = average
        self._sums = VideoSums[int]()
        self._clips = 0
        self._frames = 0
        self._correct = 0
        self._clips_correct = 0
        self._clips_among_best = 0
        self._loss = 0.0

    @torch.no_grad()
    def add(self, scores_BTC: Tensor, batch: ClipBatch) -> None:
        """Add the scores of a batch.

        Args:
            scores_BTC: The scores before any softmax, float (clips, frames, classes).
            batch: The clips that were scored, on the same device.
        """
        log_probs_BTC = functional.log_softmax(scores_BTC.float(), dim=-1)
        labelled_BT = batch.frame_labels != UNLABELLED
        hits_BT = (log_probs_BTC.argmax(dim=-1) == batch.frame_labels) & labelled_BT
        loss = frame_losses(log_probs_BTC, batch.frame_labels).double().sum()
        vote = VOTES[self._average]
        voting_BT = vote.voting(real_frames(batch.num_valid, batch.seq_len))
        votes_BTC = vote.of_frames(scores_BTC.float())
        labels_B = batch.labels.cpu()
        mean_BC = self._sums.add(votes_BTC, voting_BT, batch, labels_B.tolist())
        self._clips += len(batch)
        self._clips_correct += int((mean_BC.argmax(dim=1) == labels_B).sum())
        better_B = (mean_BC > mean_BC.gather(1, labels_B[:, None])).sum(dim=1)
        self._clips_among_best += int((better_B < _BEST).sum())
        self._frames += int(labelled_BT.sum())
        self._correct += int(hits_BT.sum())
        self._loss += float(loss)

    def merge(self, other: Scorer) -> None:
        """Add what another scorer has added up."""
        self._clips += other._clips
        self._frames += other._frames
        self._correct += other._correct
        self._clips_correct += other._clips_correct
        self._clips_among_best += other._clips_among_best
        self._loss += other._loss
        self._sums.merge(other._sums)

    def videos(self) -> list[VideoScores]:
        """The scores of each video, sorted by path."""
        return [
            VideoScores(
                **mean._asdict(),
                predicted=int(mean.scores.argmax()),
            )
            for mean in self._sums.means()
        ]

    def result(self, *, skipped: int = 0, failed: int = 0) -> Result:
        """The figures over all that was added.

        Args:
            skipped: The number of videos that gave no clip since they were too short.
            failed: The number of videos that gave no clip for any other reason.
        """
        found = video_result(self.videos(), self._classes, skipped=skipped, failed=failed)
        tells = self._classes > _BEST
        return replace(
            found,
            clips=self._clips,
            frames=self._frames,
            clip_accuracy=_fraction(self._clips_correct, self._clips),
            clip_top5=_fraction(self._clips_among_best, self._clips) if tells else None,
            frame_accuracy=_fraction(self._correct, self._frames),
            frame_loss=_fraction(self._loss, self._frames),
        )


def video_result(
    videos: Sequence[VideoScores], classes: int, *, skipped: int, failed: int
) -> Result:
    """The figures of videos, of whose clips and frames nothing was counted.

    Args:
        videos: The scores of each video.
        classes: The number of classes.
        skipped: The number of videos that gave no clip since they were too short.
        failed: The number of videos that gave no clip for any other reason.
    """
    tells = classes > _BEST
    confusion = np.zeros((classes, classes), np.int64)
    among_best = 0
    for video in videos:
        confusion[video.label, video.predicted] += 1
        among_best += int((video.scores > video.scores[video.label]).sum() < _BEST)
    right, totals = confusion.diagonal(), confusion.sum(axis=1)
    occurring = totals > 0
    by_class = right[occurring] / totals[occurring]
    return Result(
        videos=len(videos),
        clips=0,
        frames=0,
        skipped=skipped,
        failed=failed,
        accuracy=_fraction(int(right.sum()), len(videos)),
        top5=_fraction(among_best, len(videos)) if tells else None,
        mean_class_accuracy=float(by_class.mean()) if len(by_class) else float("nan"),
        accuracy_skipped_wrong=_fraction(int(right.sum()), len(videos) + skipped + failed),
        clip_accuracy=float("nan"),
        clip_top5=float("nan") if tells else None,
        frame_accuracy=float("nan"),
        frame_loss=float("nan"),
        confusion=confusion.tolist(),
    )


def _fraction(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")
