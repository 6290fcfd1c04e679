"""Which samples each batch takes: exact epochs over any number of ranks, in a repeatable order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Sized

import numpy as np
from torch.utils.data import Sampler

from lrcn_data.errors import UsageError
from lrcn_data.printable import count_of
from lrcn_model.reading import epoch_order
from lrcn_model.reading.recut_clips import RecutClips
from lrcn_model.reading.shard_dataset import ShardDataset

_OF_SHARDS = (ShardDataset, RecutClips)


class EpochSampler(Sampler[list[int]]):
    """A batch sampler for `ShardDataset`: `DataLoader(dataset, batch_sampler=sampler)`.

    An epoch takes every sample exactly once, but with `balanced` and `mix`. The order depends on
    (seed, epoch) only, and the global steps on it and on ranks x batch_size: so neither workers
    nor, at an equal product, ranks change what is trained on. The last step of an epoch is shared
    evenly by the ranks; it is joined to the one before where it has fewer samples than there are
    ranks. So all ranks take equally many steps.

    Without shuffling the samples come in their order, for scoring; a rank that has none of a
    step's samples (only where the whole set has fewer samples than ranks) leaves it out.

    Fewer processes may do the work of all ranks, each that of several (`stands_for`): a process
    then takes `accumulate` batches of the first of these, as many of the next one, and so on.

    State is (epoch, samples done by all ranks). A DataLoader's workers run ahead of the training,
    so the sampler can't know what was trained on: `state_dict` is told how many steps were.

    Args:
        dataset: The dataset to sample from. `shuffle_window` and `balanced` need one of shards, or
            windows cut from it.
        batch_size: The number of samples that a rank takes in a step.
        seed: The seed of the order.
        rank: The number of this process, from 0.
        ranks: The number of processes that share each epoch.
        shuffle: Whether to take the samples in a random order; False for evaluation.
        shuffle_window: The number of shards to read from at a time, or 0 for all of them; a few
            suit disks and networks that are slow at random access. The next ones are read ahead.
        balanced: Whether to take each class equally often, instead of every sample once.
        mix: The weight of each data set, in the order in which they are named, by which samples are
            taken of it instead of every sample once; none for every sample once.
        stands_for: The ranks whose samples this process takes; None for its own.
        accumulate: The number of batches that are taken of a rank before those of the next one.

    Attributes:
        epoch: The number of the epoch that the next iteration belongs to, from 0.

    Raises:
        UsageError: A value is out of range, two ways to order the samples are asked for at once,
            or there are fewer samples than ranks to train on.
    """

    def __init__(
        self,
        dataset: Sized,
        *,
        batch_size: int = 2,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        shuffle: bool = True,
        shuffle_window: int = 0,
        balanced: bool = False,
        mix: Sequence[float] = (),
        stands_for: Sequence[int] | None = None,
        accumulate: int = 1,
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"--batch-size must be at least 1, got {batch_size}")
        if not 0 <= rank < ranks:
            raise UsageError(f"rank must be from 0 to {ranks - 1}, got {rank}")
        if shuffle_window < 0:
            raise UsageError(f"--shuffle-window must be at least 0, got {shuffle_window}")
        if (shuffle_window > 0) + balanced + bool(mix) + (not shuffle) > 1:
            raise UsageError("of no shuffling, --shuffle-window, balancing and --mix, choose one")
        if (shuffle_window or balanced) and not isinstance(dataset, _OF_SHARDS):
            raise UsageError("--shuffle-window and balancing need a ShardDataset")
        if balanced and isinstance(dataset, ShardDataset) and dataset.multi_label:
            raise UsageError(
                "--balanced takes every class equally often, which clips of several classes can't"
                " be; leave it out"
            )
        if shuffle:
            epoch_order.check_ranks(len(dataset), ranks)
        self._dataset = dataset
        self._batch_size = batch_size
        self._seed = seed
        self._stands_for = [rank] if stands_for is None else stands_for
        self._accumulate = accumulate
        self._ranks = ranks
        self._shuffle = shuffle
        self._shuffle_window = shuffle_window
        self._balanced = balanced
        self._mix = tuple(mix)
        if mix:
            self._check_mix()
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch, from 0; the next iteration takes its samples."""
        self.epoch = epoch
        self._samples_done = 0

    def __len__(self) -> int:
        """The number of batches of the next iteration: those of the epoch that are not done yet."""
        return len(self._stands_for) * self.batches_left(self.epoch, self._samples_done)

    def __iter__(self) -> Iterator[list[int]]:
        order = self.order()
        windows = deque(self._windows())
        steps = self._steps()
        while together := list(itertools.islice(steps, self._accumulate)):
            # those of the window that comes, and of the one after it
            while windows and windows[0][0] < together[-1].stop:
                self._dataset.read_ahead(windows.popleft()[1])  # type: ignore[attr-defined]
            for rank, step in itertools.product(self._stands_for, together):
                start, stop = step.share(rank, self._ranks)
                if stop > start:
                    yield order[start:stop].tolist()

    def order(self) -> epoch_order.Order:
        """The samples of the whole epoch, over all ranks, in the order in which they are taken."""
        dataset, seed, epoch = self._dataset, self._seed, self.epoch
        if self._balanced and isinstance(dataset, _OF_SHARDS):
            return epoch_order.balanced(dataset.label_groups, seed=seed, epoch=epoch)
        if self._mix and isinstance(dataset, ShardDataset):
            parts = list(dataset.by_data_set.values())
            return epoch_order.mixed(parts, self._mix, seed=seed, epoch=epoch)
        if self._shuffle_window and isinstance(dataset, _OF_SHARDS):
            return epoch_order.shuffled_in_windows(
                dataset.shard_samples, self._shuffle_window, seed=seed, epoch=epoch
            )
        if self._shuffle:
            return epoch_order.shuffled(len(dataset), seed=seed, epoch=epoch)
        return np.arange(len(dataset))

    def _check_mix(self) -> None:
        """Refuse weights that are not those of the data sets."""
        dataset, weights = self._dataset, " ".join(f"{weight:g}" for weight in self._mix)
        if not isinstance(dataset, ShardDataset):
            raise UsageError(f"--mix {weights} needs clips of shards as they are, not windows")
        parts = dataset.by_data_set
        if len(parts) != len(self._mix):
            raise UsageError(
                f"--mix {weights} is for {count_of(len(self._mix), 'data set')}, and --shards names"
                f" {len(parts)} ({', '.join(parts)}); give a weight for each"
            )
        shares = epoch_order.mix_shares(len(dataset), self._mix)
        for location, share in zip(parts, shares, strict=True):
            if not share or not len(parts[location]):
                raise UsageError(
                    f"--mix {weights} would take none of the {len(parts[location])} clips of"
                    f" {location} in an epoch of {len(dataset)}; leave it out, or give it more"
                )

    def _windows(self) -> Iterator[tuple[int, list[int]]]:
        """The shards of each window, with the sample at which to ask for them: a window ahead."""
        dataset = self._dataset
        if not self._shuffle_window or not isinstance(dataset, _OF_SHARDS):
            return
        counts = dataset.shard_samples
        asked = start = 0
        for shards in epoch_order.shard_windows(
            len(counts), self._shuffle_window, seed=self._seed, epoch=self.epoch
        ):
            end = start + sum(counts[shard] for shard in shards)
            if end > self._samples_done:
                yield asked, shards
            asked, start = start, end

    def state_dict(self, steps_done: int) -> dict[str, int]:
        """The state from which `load_state_dict` goes on after some steps.

        Args:
            steps_done: The number of steps of the current iteration that were trained on.
        """
        done = self._samples_done + steps_done * self._batch_size * self._ranks
        if steps_done >= self.batches_left(self.epoch, self._samples_done):
            # the last step takes what remains
            done = max(self._samples_done, len(self._dataset))
        return {"epoch": self.epoch, "samples_done": done}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to where a state was taken: the next iteration starts with the step after it.

        Args:
            state: A state that `state_dict` returned.

        Raises:
            UsageError: So little is left of the epoch that some of the ranks, of which there
                were fewer when the state was taken, would get nothing.
        """
        left = len(self._dataset) - state["samples_done"]
        if self._shuffle and 0 < left < self._ranks:
            raise UsageError(
                f"{left} samples are left of epoch {state['epoch']}, too few for {self._ranks}"
                f" processes; finish the epoch with up to {left}, then go on with more"
            )
        self.epoch = state["epoch"]
        self._samples_done = state["samples_done"]

    def batches_left(self, epoch: int, samples_done: int) -> int:
        """The number of batches of an epoch, from 0, after some of its samples."""
        return epoch_order.step_count(
            samples_done, len(self._dataset), batch_size=self._batch_size, ranks=self._ranks
        )

    def _steps(self) -> Iterator[epoch_order.Step]:
        return epoch_order.steps(
            self._samples_done, len(self._dataset), batch_size=self._batch_size, ranks=self._ranks
        )
