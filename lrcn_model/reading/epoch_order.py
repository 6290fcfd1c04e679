"""In which order an epoch takes the samples, and how its steps share them out.

Pure functions of numbers; `epoch_sampler` gives what they decide to a DataLoader.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError
from lrcn_model.repeatable_random import permutation

Order = npt.NDArray[np.int64]

_PLACES = np.uint64(32)
"""The bits of a sample's number where it stands behind that of its class; of the 4 thousand million
samples that they can tell apart, an index would have 256 GiB."""

_BLOCK = 1 << 16
"""How many samples are worked on at a time."""


def shuffled(count: int, *, seed: int, epoch: int) -> Order:
    """The numbers of all samples in a random order that depends on (seed, epoch) only."""
    return permutation(count, "order", seed, epoch)


def shuffled_in_windows(
    shard_samples: Sequence[int], window: int, *, seed: int, epoch: int
) -> Order:
    """The numbers of all samples in a random order that stays within a few shards at a time.

    The shards are shuffled, then taken `window` at a time, and the samples of each such window
    are shuffled among themselves.

    Args:
        shard_samples: The number of samples of each shard; the shards' samples are numbered one
            after another.
        window: The number of shards that are read from at a time.
        seed: The seed of the training.
        epoch: The number of the epoch, from 0.
    """
    counts = np.asarray(shard_samples, np.int64)
    starts = np.cumsum(counts) - counts
    order = np.empty(counts.sum(), np.int64)
    done = 0
    for number, chosen in enumerate(shard_windows(len(counts), window, seed=seed, epoch=epoch)):
        samples = np.concatenate([starts[shard] + np.arange(counts[shard]) for shard in chosen])
        mixed_up = permutation(len(samples), "window", seed, epoch, number * window)
        order[done : done + len(samples)] = samples[mixed_up]
        done += len(samples)
    return order


def shard_windows(count: int, window: int, *, seed: int, epoch: int) -> list[list[int]]:
    """The shards in the order in which an epoch reads them, in windows.

    Args:
        count: The number of shards.
        window: The number of shards that are read from at a time.
        seed: The seed of the training.
        epoch: The number of the epoch, from 0.

    Returns:
        The numbers of the shards of each window.
    """
    shards = permutation(count, "shards", seed, epoch).tolist()
    return [shards[first : first + window] for first in range(0, count, window)]


def balanced(labels: npt.NDArray[np.int64], *, seed: int, epoch: int) -> Order:
    """As many samples as there are, with each class that occurs as often as the others.

    Samples of no class are left out.

    Every class's samples are gone through in a random order, again and again in new ones where
    the class has too few. So a class's samples differ in how often they occur by one at most;
    what of a large class is left out changes from epoch to epoch.

    Args:
        labels: The class number of each sample, int64 (samples,); -1 for none.
        seed: The seed of the training.
        epoch: The number of the epoch, from 0.

    Returns:
        The numbers of the samples, in a random order.
    """
    by_class = _ByClass(labels)
    if not len(by_class.classes):
        return np.zeros(0, np.int64)
    share, rest = divmod(len(labels), len(by_class.classes))
    gets_one_more = permutation(len(by_class.classes), "balance", seed, epoch) < rest
    chosen = np.empty(len(labels), np.min_scalar_type(len(labels)))
    done = 0
    for label, more in zip(by_class.classes, gets_one_more.tolist(), strict=True):
        samples = by_class.samples(label)
        stop = done + share + more
        for number in range(-(-(stop - done) // len(samples))):
            again = samples[permutation(len(samples), "class", seed, epoch, label, number)]
            again = again[: stop - done]
            chosen[done : done + len(again)] = again
            done += len(again)
    del by_class
    return _take(chosen, permutation(len(chosen), "order", seed, epoch))


class _ByClass:
    """The samples of each class, in the memory of one number a sample.

    Args:
        labels: The class number of each sample, int64 (samples,); -1 for none.

    Attributes:
        classes: The classes that have samples, ascending.
    """

    def __init__(self, labels: npt.NDArray[np.int64]) -> None:
        # sorted by class, then by sample; of none comes last
        self._keys = labels.astype(np.uint64)
        self._keys <<= _PLACES
        for start in range(0, len(labels), _BLOCK):
            stop = min(start + _BLOCK, len(labels))
            self._keys[start:stop] |= np.arange(start, stop, dtype=np.uint64)
        self._keys.sort()
        last = int(labels.max(initial=-1))
        firsts = np.arange(last + 2, dtype=np.uint64) << _PLACES
        self._starts = np.searchsorted(self._keys, firsts)
        self.classes: list[int] = np.flatnonzero(np.diff(self._starts)).tolist()

    def samples(self, label: int) -> Order:
        """The numbers of the samples of a class, ascending."""
        keys = self._keys[self._starts[label] : self._starts[label + 1]]
        return (keys & np.uint64((1 << int(_PLACES)) - 1)).astype(np.int64)


def _take(values: npt.NDArray[np.integer], places: Order) -> Order:
    """The values at some places, written over the places, so that memory for neither is needed."""
    for start in range(0, len(places), _BLOCK):
        block = places[start : start + _BLOCK]
        block[:] = values[block]
    return places


def mixed(parts: Sequence[Order], weights: Sequence[float], *, seed: int, epoch: int) -> Order:
    """As many samples as there are, of each data set in proportion to its weight.

    A data set gives the same number in every epoch; see `mix_shares`. Its samples are gone through
    in a random order, then again in another one, and so on from epoch to epoch: none is taken again
    before all have been taken.

    Args:
        parts: The numbers of the samples of each data set, at least one each.
        weights: The weight of each data set, above 0.
        seed: The seed of the training.
        epoch: The number of the epoch, from 0.

    Returns:
        The numbers of the samples, in a random order.
    """
    taken = []
    shares = mix_shares(sum(map(len, parts)), weights)
    for number, (samples, share) in enumerate(zip(parts, shares, strict=True)):
        first, stop = epoch * share, (epoch + 1) * share
        rounds = range(first // len(samples), -(-stop // len(samples)))
        orders = [permutation(len(samples), "mix", seed, number, place) for place in rounds]
        stream = np.concatenate([*orders, np.zeros(0, np.int64)])
        start = first - rounds.start * len(samples)
        taken.append(samples[stream[start : start + share]])
    order = np.concatenate(taken)
    return _take(order, permutation(len(order), "order", seed, epoch))


def mix_shares(count: int, weights: Sequence[float]) -> list[int]:
    """How many of an epoch's samples each data set gives.

    Each gives its part rounded down, and those with the largest fractions one more, the first of
    equal ones, so that they are `count` together (Hamilton's method of the largest remainder).

    Args:
        count: The number of samples of an epoch.
        weights: The weight of each data set, above 0.
    """
    total = math.fsum(weights)
    exact = [count * weight / total for weight in weights]
    shares = [math.floor(part) for part in exact]
    by_fraction = sorted(range(len(exact)), key=lambda number: shares[number] - exact[number])
    for number in by_fraction[: count - sum(shares)]:
        shares[number] += 1
    return shares


@dataclass(frozen=True, slots=True)
class Step:
    """A global step: the part of the epoch's order that all ranks together take.

    Attributes:
        start: The position in the order of the first sample.
        stop: The position after the last sample.
    """

    start: int
    stop: int

    def share(self, rank: int, ranks: int) -> tuple[int, int]:
        """The (start, stop) of a rank's part; the parts differ by one sample at most.

        Args:
            rank: The number of the rank, from 0.
            ranks: The number of ranks that share the step.
        """
        size, more = divmod(self.stop - self.start, ranks)
        start = self.start + rank * size + min(rank, more)
        return start, start + size + (rank < more)


def steps(start: int, count: int, *, batch_size: int, ranks: int) -> Iterator[Step]:
    """The global steps of an epoch from its sample `start` on.

    Each takes ranks x batch_size samples. The last one takes what remains; where that is fewer
    than one a rank, it is joined to the step before it.

    Args:
        start: The number of samples that were taken before.
        count: The number of samples of the whole epoch.
        batch_size: The number of samples that a rank takes in a step.
        ranks: The number of ranks that take part.
    """
    size = batch_size * ranks
    while start < count:
        stop = start + size
        if count - stop < ranks:
            stop = count
        yield Step(start, min(stop, count))
        start = stop


def step_count(start: int, count: int, *, batch_size: int, ranks: int) -> int:
    """The number of steps that `steps` gives, with the same arguments."""
    full, rest = divmod(max(0, count - start), batch_size * ranks)
    return full + bool(rest >= ranks or (rest and not full))


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
