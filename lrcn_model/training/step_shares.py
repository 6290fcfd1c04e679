"""How the clips of a step are shared out, also among more or fewer processes than a run began with.

A step of a run takes the batches of as many processes as the run was begun with. With fewer of
them each does the work of several, batch after batch, with those processes' random numbers: so
losses are equal but for rounding, dropout, mixup and batch normalization included. Where the
processes don't divide the number that there were, only the step's clips stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from lrcn_data.errors import UsageError
from lrcn_data.printable import count_of
from lrcn_model.ranks import Ranks
from lrcn_model.training.options import TrainOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class StepShares:
    """The shares of every step that this process takes.

    Attributes:
        batch_size: The number of clips in a batch of a share.
        accumulate: The number of batches of each share that together make a step.
        count: The number of shares of a step.
        own: The numbers of the shares that this process takes, from 0.
    """

    batch_size: int
    accumulate: int
    count: int
    own: range

    @property
    def clips(self) -> int:
        """The number of clips of a step, over all processes; an epoch's last step may differ."""
        return self.batch_size * self.accumulate * self.count

    @property
    def own_batches(self) -> int:
        """The number of batches that this process takes in a step."""
        return self.accumulate * len(self.own)


def step_shares(options: TrainOptions, ranks: Ranks, begun_with: int | None = None) -> StepShares:
    """Share a run's steps out so that they take the same clips, however many processes there are.

    Args:
        options: All values of the training.
        ranks: The processes that share the steps.
        begun_with: The number of processes that the run was begun with; None for these.

    Raises:
        UsageError: So many processes can't share a step evenly.
    """
    batch_size, accumulate = options.batch_size, options.accumulate
    count = ranks.count if begun_with is None else begun_with
    if count % ranks.count == 0:
        each = count // ranks.count
        own = range(ranks.rank * each, (ranks.rank + 1) * each)
        return StepShares(batch_size=batch_size, accumulate=accumulate, count=count, own=own)
    clips = batch_size * accumulate * count
    if clips % ranks.count:
        fit = [str(number) for number in range(1, clips + 1) if clips % number == 0]
        raise UsageError(
            f"the steps of this run take {count_of(clips, 'clip')} (--batch-size {batch_size} x"
            f" --accumulate {accumulate} x {count_of(count, 'process', 'processes')} that it was"
            f" begun with), which {ranks.count} processes can't share evenly; start"
            f" {', '.join(fit)} processes, or another run with --out"
        )
    each = clips // ranks.count
    # no larger than what has fitted the memory
    largest = max(size for size in range(1, batch_size + 1) if each % size == 0)
    return StepShares(
        batch_size=largest,
        accumulate=each // largest,
        count=ranks.count,
        own=range(ranks.rank, ranks.rank + 1),
    )
