"""Probabilities that mean what they say: a temperature, fitted on videos that were not trained on.

A net that is trained to the end is surer than it is right. One number, the temperature, that all
log-probabilities of a video are divided by, mends most of that (Guo et al., "On Calibration of
Modern Neural Networks", 2017). It leaves the order of the classes as it is, and so every accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.set_scorer import SetVideoScores
from lrcn_model.scoring.video_vote import VOTES, Vote

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

FEW = 100
"""Videos below which a temperature is said to be fitted on few: of 100, the share that is right is
known to within 5 points or so."""

_LEAST, _MOST = 0.05, 20.0
"""Between which temperatures one is looked for."""

_HALVINGS = 30

BINS = 15
"""Equal parts from 0 to 1 that probabilities are divided among; as many as in the paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How a net's probabilities are corrected, and what that was learnt from.

    Attributes:
        temperature: What the log-probabilities of a video are divided by; above 1 where the net is
            surer than it is right.
        videos: The number of videos that it was fitted on.
        shards: The SHA-256 of each shard that has these videos.
    """

    temperature: float
    videos: int
    shards: list[str]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read it back from the record that `dataclasses.asdict` makes.

        Raises:
            KeyError: A value is missing.
            TypeError: A value is of another type.
            ValueError: A value is impossible.
        """
        temperature = float(record["temperature"])
        if not _LEAST <= temperature <= _MOST:
            raise ValueError(f"temperature {temperature} is not from {_LEAST} to {_MOST}")
        return cls(
            temperature=temperature,
            videos=int(record["videos"]),
            shards=[str(sha256) for sha256 in record["shards"]],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationFigures:
    """How far the probabilities of videos are what they say.

    Attributes:
        nll: The mean negative log-likelihood: that of the natural logarithm of the probability that
            a video's own class has.
        ece: The expected calibration error: how far, on average, the highest probability of a
            video is from the share of videos that are right where it is as high; from 0 to 1.
    """

    nll: float
    ece: float


def describe(temperature: float, videos: int) -> str:
    """Say in words which temperature was fitted on how many videos."""
    few = ", which are few" if videos < FEW else ""
    return f"temperature {temperature:.3g}, fitted on {videos:,} videos{few}"


def fit_calibration(
    videos: Sequence[VideoScores], average: str, shards: Sequence[str]
) -> Calibration:
    """Fit a temperature to the scores of videos.

    Args:
        videos: The scores, of videos that were not trained on.
        average: The name of the kind of vote that the scores are the means of.
        shards: The SHA-256 of each shard that has these videos.
    """
    temperature = fit_temperature(log_probabilities(videos, average), labels_of(videos))
    return Calibration(temperature=temperature, videos=len(videos), shards=list(shards))


def labels_of(videos: Sequence[VideoScores]) -> Labels:
    """The class numbers of videos, int64 (videos,)."""
    return np.array([video.label for video in videos], np.int64)


def probabilities(
    videos: Sequence[VideoScores | SetVideoScores],
    vote: Vote,
    calibration: Calibration | None = None,
) -> Floats:
    """The probabilities of videos by class, float64 (videos, classes).

    Args:
        videos: The scores of the videos.
        vote: The kind of vote that the scores are the means of.
        calibration: How the probabilities are corrected; None for the net's own.
    """
    rows = [vote.probabilities(torch.from_numpy(video.scores)).numpy() for video in videos]
    if calibration is None:
        return np.array(rows)
    corrected_VC: Floats = np.exp(at_temperature(_logarithms(rows), calibration.temperature))
    return corrected_VC


def log_probabilities(videos: Sequence[VideoScores], average: str) -> Floats:
    """The logarithms of the net's own probabilities, float64 (videos, classes)."""
    return _logarithms(probabilities(videos, VOTES[average]))


def _logarithms(probs_VC: Floats | Sequence[Floats]) -> Floats:
    # one that is too small for a float64 still has a logarithm then
    log_probs_VC: Floats = np.log(np.clip(probs_VC, np.finfo(np.float64).tiny, None))
    return log_probs_VC


def at_temperature(log_probs_VC: Floats, temperature: float) -> Floats:
    """The log-probabilities of videos at a temperature, float64 (videos, classes); 1 changes none.

    Args:
        log_probs_VC: The log-probabilities, float64 (videos, classes).
        temperature: What they are divided by, before they are normalized again.
    """
    scaled_VC = torch.from_numpy(log_probs_VC / temperature)
    normalized_VC: Floats = scaled_VC.log_softmax(dim=1).numpy()
    return normalized_VC


def fit_temperature(log_probs_VC: Floats, labels_V: Labels) -> float:
    """The temperature at which the videos' classes are likeliest, and which is no bolder than that.

    The likelihood is concave in 1 / temperature, so that its slope has one root at most. It has
    none where all videos are right: the surer, the likelier. So many videos don't bear that out;
    of n that are all right, Laplace's rule of succession expects a share of (n + 1) / (n + 2) of
    others, and the mean of the highest probabilities isn't let above that.

    Args:
        log_probs_VC: The log-probabilities of videos, float64 (videos, classes).
        labels_V: Their classes, int64 (videos,).

    Returns:
        A temperature from 0.05 to 20.
    """
    count = len(labels_V)
    own_V = log_probs_VC[np.arange(count), labels_V]

    def is_too_sure(temperature: float) -> bool:
        probs_VC = np.exp(at_temperature(log_probs_VC, temperature))
        # the slope of the negative log-likelihood in 1 / temperature
        slope = ((probs_VC * log_probs_VC).sum(axis=1) - own_V).sum()
        return bool(slope > 0 or probs_VC.max(axis=1).mean() > (count + 1) / (count + 2))

    bold, meek = np.log(_LEAST), np.log(_MOST)
    for _ in range(_HALVINGS):
        middle = (bold + meek) / 2
        if is_too_sure(float(np.exp(middle))):
            bold = middle
        else:
            meek = middle
    return float(np.clip(np.exp(meek), _LEAST, _MOST))


def calibration_figures(log_probs_VC: Floats, labels_V: Labels) -> CalibrationFigures:
    """How far the probabilities of one video or more are what they say.

    Args:
        log_probs_VC: The log-probabilities, float64 (videos, classes).
        labels_V: The videos' classes, int64 (videos,).
    """
    count = len(labels_V)
    highest_V = np.exp(log_probs_VC.max(axis=1))
    right_V = log_probs_VC.argmax(axis=1) == labels_V
    gaps = np.bincount(bin_numbers(highest_V), weights=right_V - highest_V, minlength=BINS)
    nll = -log_probs_VC[np.arange(count), labels_V].mean()
    return CalibrationFigures(nll=float(nll), ece=float(np.abs(gaps).sum() / count))


def bin_numbers(probs_N: Floats) -> Labels:
    """The bin of each probability, int64 (answers,), from 0 to `BINS` - 1.

    Equation 3 of the paper: bins are open below and closed above.
    """
    numbers_N: Labels = np.clip(np.ceil(probs_N * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return numbers_N
