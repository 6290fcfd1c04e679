"""Takes the windows of videos in their order, several videos side by side."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping

from torch.utils.data import Sampler

from lrcn_data.errors import UsageError
from lrcn_model.reading.recut_clips import RecutClips
from lrcn_model.repeatable_random import permutation

Steps = list[list[int]]
"""The numbers of the windows of each step."""


class StreamSampler(Sampler[list[int]]):
    """A batch sampler for windows that follow one another, so that a head's state can be carried.

    An epoch takes every window once. Each place of a batch goes through a video from its first
    window to its last, then through the next video; videos come in a random order that depends on
    (seed, epoch) only. Where no video is left, batches get smaller.

    State is (epoch, windows done), as that of `EpochSampler`.

    Args:
        clips: The windows; those of a video must follow one another without sharing frames.
        batch_size: The number of videos side by side.
        seed: The seed of the order.
        shuffle: Whether to take the videos in a random order; False for evaluation.

    Attributes:
        epoch: The number of the epoch that the next iteration belongs to, from 0.
    """

    def __init__(
        self, clips: RecutClips, *, batch_size: int, seed: int = 0, shuffle: bool = True
    ) -> None:
        windows = clips.windows
        self._windows_of = [
            range(first, first + count) for first, count in _spans(windows.of_video.tolist())
        ]
        self._batch_size, self._seed, self._shuffle = batch_size, seed, shuffle
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch, from 0; the next iteration takes its windows."""
        self.epoch = epoch
        self._left = self._steps()
        self._done = 0

    def __len__(self) -> int:
        """The number of steps of the next iteration: those of the epoch that are not done yet."""
        return len(self._left)

    def __iter__(self) -> Iterator[list[int]]:
        yield from self._left

    def batches_left(self, epoch: int, samples_done: int) -> int:
        """The number of batches of an epoch, from 0, after some of its windows."""
        left, done = deque(self._steps(epoch)), 0
        while left and done < samples_done:
            done += len(left.popleft())
        return len(left)

    def state_dict(self, steps_done: int) -> dict[str, int]:
        """The state from which `load_state_dict` goes on after some steps.

        Args:
            steps_done: The number of steps of the current iteration that were trained on.
        """
        done = self._done + sum(map(len, self._left[:steps_done]))
        return {"epoch": self.epoch, "samples_done": done}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to where a state was taken: the next iteration starts with the step after it.

        Args:
            state: A state that `state_dict` returned.

        Raises:
            UsageError: The state is of other steps, as with another batch size.
        """
        self.set_epoch(state["epoch"])
        while self._done < state["samples_done"] and self._left:
            self._done += len(self._left.pop(0))
        if self._done != state["samples_done"]:
            raise UsageError(
                f"{state['samples_done']} windows are done, which is no number of whole batches of"
                f" {self._batch_size}; with --carry-state a training goes on with the same"
                " --batch-size"
            )

    def _steps(self, epoch: int | None = None) -> Steps:
        order = list(range(len(self._windows_of)))
        if self._shuffle:
            order = permutation(
                len(order), "order", self._seed, self.epoch if epoch is None else epoch
            ).tolist()
        return side_by_side_steps([self._windows_of[video] for video in order], self._batch_size)


def side_by_side_steps(videos: list[range], places: int) -> Steps:
    """Go through videos side by side, a window of each in every step.

    Args:
        videos: The numbers of the windows of each video, in the order in which videos are begun.
        places: The number of videos side by side.
    """
    waiting = iter(videos)
    underway = [iter(video) for video in itertools.islice(waiting, places)]
    steps: Steps = []
    while True:
        step: list[int] = []
        for place, video in enumerate(underway):
            window = next(video, None)
            while window is None and (following := next(waiting, None)) is not None:
                underway[place] = iter(following)
                window = next(underway[place], None)
            if window is not None:
                step.append(window)
        if not step:
            return steps
        steps.append(step)


def _spans(values: list[int]) -> Iterator[tuple[int, int]]:
    """The start and the length of each run of equal values."""
    start = 0
    for place in range(1, len(values) + 1):
        if place == len(values) or values[place] != values[start]:
            yield start, place - start
            start = place
