from __future__ import annotations

import math

import numpy as np
import pytest

from lrcn_model.scoring.class_figures import class_figures
from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.set_scorer import SetVideoScores

CLASSES = 6


def of_one_class(label: int, predicted: int) -> VideoScores:
    return VideoScores(
        video="a", source=0, label=label, predicted=predicted, frames=1, scores=np.zeros(CLASSES)
    )


def of_sets(classes: tuple[int, ...], recognized: tuple[int, ...]) -> SetVideoScores:
    return SetVideoScores(
        video="a",
        source=0,
        classes=classes,
        recognized=recognized,
        frames=1,
        scores=np.zeros(CLASSES),
    )


def check(videos: list[VideoScores] | list[SetVideoScores]) -> None:
    """By counting."""
    found = class_figures(videos, CLASSES)
    for number in range(CLASSES):
        true = [number in video.classes for video in videos]
        said = [number in video.recognized for video in videos]
        both = sum(one and other for one, other in zip(true, said, strict=True))
        assert found.class_videos[number] == sum(true)
        for value, part, whole in (
            (found.precision[number], both, sum(said)),
            (found.recall[number], both, sum(true)),
            (found.f1[number], 2 * both, sum(said) + sum(true)),
        ):
            assert math.isnan(value) if not whole else value == pytest.approx(part / whole)


@pytest.mark.parametrize("seed", range(5))
def test_figures_of_videos_of_one_class_are_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # no video has the last class, none is recognized as the one before, and one class is unknown
    pairs = zip(rng.choice([0, 1, 2, 4], 40), rng.choice([0, 1, 2, 5], 40), strict=True)
    check([of_one_class(int(label), int(predicted)) for label, predicted in pairs])


@pytest.mark.parametrize("seed", range(5))
def test_figures_of_videos_with_sets_of_classes_are_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    videos = []
    for _ in range(40):
        true, said = (tuple(np.flatnonzero(rng.random(5) < 0.3).tolist()) for _ in range(2))
        videos.append(of_sets(true, said))
    check(videos)
