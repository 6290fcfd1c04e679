"""In which order an epoch takes the samples, and how its steps share them out.

Pure functions of numbers; `epoch_sampler` gives what they decide to a DataLoader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError
from lrcn_model.repeatable_random import permutation

Order = npt.NDArray[np.int64]


def shuffled(count: int, *, seed: int, epoch: int) -> Order:
    """All samples in a random order that depends on (seed, epoch) only."""
    return permutation(count, "order", seed, epoch)


def shuffled_in_windows(
    shard_samples: Sequence[int], window: int, *, seed: int, epoch: int
) -> Order:
    """All samples in a random order that stays within a few shards at a time.

    The shards are shuffled, then taken `window` at a time, and the samples of each such window
    are shuffled among themselves.

    Args:
        shard_samples: Samples of each shard; the shards' samples are numbered one after another.
        window: Shards that are read from at a time.
        seed: Of the training.
        epoch: From 0.
    """
    counts = np.asarray(shard_samples, np.int64)
    starts = np.cumsum(counts) - counts
    parts = [np.zeros(0, np.int64)]
    for number, chosen in enumerate(shard_windows(len(counts), window, seed=seed, epoch=epoch)):
        samples = np.concatenate([starts[shard] + np.arange(counts[shard]) for shard in chosen])
        order = permutation(len(samples), "window", seed, epoch, number * window)
        parts.append(samples[order])
    return np.concatenate(parts)


def shard_windows(count: int, window: int, *, seed: int, epoch: int) -> list[list[int]]:
    """The shards of each window of an epoch, as many of `count` as are read from at a time."""
    shards = permutation(count, "shards", seed, epoch).tolist()
    return [shards[first : first + window] for first in range(0, count, window)]


def balanced(labels: npt.NDArray[np.int64], *, seed: int, epoch: int) -> Order:
    """As many samples as there are, each class that occurs as often as the others.

    Every class's samples are gone through in a random order, again and again in new ones where
    the class has too few. So a class's samples differ in how often they occur by one at most;
    what of a large class is left out changes from epoch to epoch.
    """
    classes = np.unique(labels)
    if not len(classes):
        return np.zeros(0, np.int64)
    share, rest = divmod(len(labels), len(classes))
    gets_one_more = permutation(len(classes), "balance", seed, epoch) < rest
    parts = []
    for label, more in zip(classes, gets_one_more, strict=True):
        samples = np.flatnonzero(labels == label)
        wanted = share + int(more)
        rounds = [
            samples[permutation(len(samples), "class", seed, epoch, int(label), number)]
            for number in range(-(-wanted // len(samples)))
        ]
        parts.append(np.concatenate([*rounds, np.zeros(0, np.int64)])[:wanted])
    order = np.concatenate(parts)
    return order[permutation(len(order), "order", seed, epoch)]


@dataclass(frozen=True, slots=True)
class Step:
    """A global step: which part of the epoch's order all ranks together take."""

    start: int
    stop: int

    def share(self, rank: int, ranks: int) -> tuple[int, int]:
        """(start, stop) of a rank's part; the parts differ by one sample at most."""
        size, more = divmod(self.stop - self.start, ranks)
        start = self.start + rank * size + min(rank, more)
        return start, start + size + (rank < more)


def steps(start: int, count: int, *, batch_size: int, ranks: int) -> Iterator[Step]:
    """The global steps of an epoch from its sample `start` on.

    Each takes ranks x batch_size samples. The last one takes what remains; where that is fewer
    than one a rank, it is joined to the step before it.

    Args:
        start: Samples that were taken before.
        count: Samples of the whole epoch.
        batch_size: Samples a rank.
        ranks: How many take part.
    """
    size = batch_size * ranks
    while start < count:
        stop = start + size
        if count - stop < ranks:
            stop = count
        yield Step(start, min(stop, count))
        start = stop


def check_ranks(count: int, ranks: int) -> None:
    """Refuse to train where a rank would never get a sample.

    Raises:
        UsageError: There are fewer samples than ranks.
    """
    if count < ranks:
        raise UsageError(
            f"the shards have {count} samples, fewer than the {ranks} processes that train;"
            " name more shards or start fewer processes"
        )
