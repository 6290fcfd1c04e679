"""How right scores are: recognition of videos, detection in frames, and the loss a frame.

Sums only, so that parts scored by several processes add up. Nothing here knows the net.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.loss import frame_losses, real_frames
from lrcn_model.scoring.loss_at import UNLABELLED
from lrcn_model.scoring.video_vote import VOTES

Scores = npt.NDArray[np.float64]

_Video = tuple[str, int, int]
"""By what videos are told apart: path in the list, input file, and class number."""

_BEST = 5


@dataclass(slots=True)
class _Sum:
    """The sum of one video's scores so far, and the number of frames that it is over."""

    scores: Scores
    frames: int


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
        frame_accuracy: The fraction of frames whose class has the highest score (detection).
        frame_loss: The mean cross-entropy of the frames.
        confusion: The number of videos, by class (rows) and class recognized (columns).
    """

    videos: int
    clips: int
    frames: int
    skipped: int
    failed: int
    accuracy: float
    top5: float | None
    mean_class_accuracy: float
    accuracy_skipped_wrong: float
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
        self._sums: dict[_Video, _Sum] = {}
        self._clips = 0
        self._frames = 0
        self._correct = 0
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
        real_BT = real_frames(batch.num_valid, batch.seq_len)
        vote = VOTES[self._average]
        voting_BT = vote.voting(real_BT)
        votes_BTC = vote.of_frames(log_probs_BTC)
        votes_BC = (votes_BTC.double() * voting_BT[..., None]).sum(dim=1).cpu().numpy()
        self._clips += len(batch)
        self._frames += int(labelled_BT.sum())
        self._correct += int(hits_BT.sum())
        self._loss += float(loss)
        labels, counts = batch.labels.tolist(), voting_BT.sum(dim=1).tolist()
        sources = batch.sources or (UNKNOWN_SOURCE,) * len(batch)
        videos = zip(batch.videos, sources, labels, strict=True)
        for video, votes, count in zip(videos, votes_BC, counts, strict=True):
            self._add_video(video, votes, count)

    def merge(self, other: Scorer) -> None:
        """Add what another scorer has added up."""
        self._clips += other._clips
        self._frames += other._frames
        self._correct += other._correct
        self._loss += other._loss
        for name, part in other._sums.items():
            self._add_video(name, part.scores, part.frames)

    def videos(self) -> list[VideoScores]:
        """The scores of each video, sorted by path."""
        return [
            VideoScores(
                video=video,
                source=source,
                label=label,
                predicted=int(part.scores.argmax()),
                frames=part.frames,
                scores=part.scores / part.frames,
            )
            for (video, source, label), part in sorted(self._sums.items())
        ]

    def result(self, *, skipped: int = 0, failed: int = 0) -> Result:
        """The figures over all that was added.

        Args:
            skipped: The number of videos that gave no clip since they were too short.
            failed: The number of videos that gave no clip for any other reason.
        """
        videos = self.videos()
        confusion = np.zeros((self._classes, self._classes), np.int64)
        among_best = 0
        for video in videos:
            confusion[video.label, video.predicted] += 1
            among_best += int((video.scores > video.scores[video.label]).sum() < _BEST)
        right, totals = confusion.diagonal(), confusion.sum(axis=1)
        occurring = totals > 0
        by_class = right[occurring] / totals[occurring]
        return Result(
            videos=len(videos),
            clips=self._clips,
            frames=self._frames,
            skipped=skipped,
            failed=failed,
            accuracy=_fraction(int(right.sum()), len(videos)),
            top5=_fraction(among_best, len(videos)) if self._classes > _BEST else None,
            mean_class_accuracy=float(by_class.mean()) if len(by_class) else float("nan"),
            accuracy_skipped_wrong=_fraction(int(right.sum()), len(videos) + skipped + failed),
            frame_accuracy=_fraction(self._correct, self._frames),
            frame_loss=_fraction(self._loss, self._frames),
            confusion=confusion.tolist(),
        )

    def _add_video(self, name: _Video, votes: Scores, frames: int) -> None:
        if name in self._sums:
            self._sums[name].scores += votes
            self._sums[name].frames += frames
        else:
            self._sums[name] = _Sum(votes.copy(), frames)


def over_all_processes(scorer: Scorer, ranks: Ranks) -> Scorer:
    """A scorer, in each of several processes, with what all of them together have added up."""
    parts = ranks.gather(scorer)
    for part in parts[1:]:
        parts[0].merge(part)
    whole: Scorer = parts[0]
    return whole


def _fraction(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def json_result(result: Result) -> dict[str, Any]:
    """The figures as JSON can hold them: null where nothing was counted, or `top5` says nothing."""
    values = {name: getattr(result, name) for name in Result.__slots__}
    return {name: None if value != value else value for name, value in values.items()}
