"""Tracks of videos, made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from lrcn_model.detection.frame_track import FrameTrack

MakeTrack = Callable[..., FrameTrack]
RandomTracks = Callable[..., list[FrameTrack]]


def one_hot(predicted: Sequence[int], classes: int) -> np.ndarray:
    return np.eye(classes)[np.array(predicted, int)].reshape(-1, classes)


@pytest.fixture
def make_track() -> MakeTrack:
    """A video of 10 frames a second, by the labels of its frames and what is predicted of them."""

    def made(
        labels: Sequence[int],
        predicted: Sequence[int] | None = None,
        *,
        scores: np.ndarray | None = None,
        classes: int = 4,
        video: str = "a.avi",
        positions: Sequence[int] | None = None,
    ) -> FrameTrack:
        places = np.arange(len(labels)) if positions is None else np.array(positions)
        if scores is None:
            scores = one_hot(labels if predicted is None else predicted, classes)
        return FrameTrack(
            video=video,
            source=0,
            positions=places,
            times=np.round(places / 10, 6),
            labels=np.array(labels, np.int64),
            scores=scores,
        )

    return made


@pytest.fixture
def random_tracks() -> RandomTracks:
    """Videos with segments, unlabelled stretches, missing frames, and a net that errs at times."""

    def made(
        seed: int, *, videos: int = 6, classes: int = 4, ties: bool = False, frames: int = 60
    ) -> list[FrameTrack]:
        rng = np.random.default_rng(seed)
        found = []
        for number in range(videos):
            count = int(rng.integers(0, frames))
            labels = np.repeat(rng.integers(-1, classes, count), rng.integers(1, 12, count))[:count]
            likely = rng.gamma(0.3, size=(count, classes)) + 1e-6
            likely[np.arange(count), labels] += 0.7  # of unlabelled ones the last class
            likely[1:] += likely[:-1].copy()  # errors last for several frames
            scores = likely / likely.sum(axis=1, keepdims=True)
            positions = np.flatnonzero(rng.random(2 * count) < 0.95)[:count]
            positions = np.concatenate([positions, np.arange(count - len(positions)) + 2 * count])
            found.append(
                FrameTrack(
                    video=f"{number}.avi",
                    source=number % 2,
                    positions=positions,
                    times=np.round(positions / 12.5, 6),
                    labels=labels,
                    scores=scores.round(1) if ties else scores,
                )
            )
        return found

    return made
