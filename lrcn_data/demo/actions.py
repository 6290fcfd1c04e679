"""Generated videos with labels in time: several actions in a row, and pauses that have no label.

An action moves a shape as in the videos of its class, forwards or backwards, so that single frames
don't tell the classes of a pair apart. It lasts as long as is drawn; another one of another class
follows at once, or after a pause. In pauses only the background moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from lrcn_data.demo.videos import CLASSES, RATES, SIZES, Action, DemoVideo, seed_of

_ACTIONS = (3, 4, 5, 6)
"""The numbers of actions that videos have."""

_SECONDS = (1.2, 3.6)
"""The shortest and the longest time that an action takes, in seconds."""

_PAUSE_SECONDS = (0.4, 1.2)
"""The same of a pause."""

_PAUSE_SHARE = 0.3
"""How often there is a pause before an action, or after the last one."""


def plan_actions(counts: Mapping[str, int], seed: int) -> list[DemoVideo]:
    """Plan the videos of a generated data set with labels in time.

    Args:
        counts: Number of videos in each split.
        seed: Seed of everything that is drawn at random.
    """
    return [
        _plan_video(split, number, seed)
        for split, count in counts.items()
        for number in range(count)
    ]


def _plan_video(split: str, number: int, seed: int) -> DemoVideo:
    video_seed = seed_of(split, number, seed)
    rng = np.random.default_rng(video_seed)
    width, height = SIZES[rng.integers(len(SIZES))]
    rate = RATES[rng.integers(len(RATES))]
    actions: list[Action] = []
    end, before = _pause(rng, rate), ""
    for _ in range(rng.choice(_ACTIONS)):
        before = str(rng.choice([name for name in CLASSES if name != before]))
        start, end = end, end + _frames(rng, _SECONDS, rate)
        actions.append(Action(class_name=before, start=start, end=end))
        end += _pause(rng, rate)
    ending = "avi" if rng.random() < 0.5 else "mp4"
    return DemoVideo(
        name=f"videos/{split}-{number:05d}.{ending}",
        class_name="",
        split=split,
        width=width,
        height=height,
        rate=rate,
        frames=end,
        seed=video_seed,
        actions=tuple(actions),
    )


def _pause(rng: np.random.Generator, rate: Fraction) -> int:
    """The number of frames of a pause; 0 where there is none."""
    return _frames(rng, _PAUSE_SECONDS, rate) if rng.random() < _PAUSE_SHARE else 0


def _frames(rng: np.random.Generator, seconds: tuple[float, float], rate: Fraction) -> int:
    return round(rng.uniform(*seconds) * float(rate))
