"""How the clips of a step are shared, so that a run's steps stay the same with other processes."""

from __future__ import annotations

from dataclasses import replace

from lrcn_data.errors import UsageError
from lrcn_data.printable import count_of
from lrcn_model.training.options import TrainOptions


def share_steps(options: TrainOptions, *, before: int, now: int) -> TrainOptions:
    """The options with which processes take the same clips in a step as others did before them.

    A step has --batch-size clips in each process, --accumulate times. With fewer processes these
    are more often, with more processes fewer at a time, never more at a time.

    Args:
        options: The options of the run.
        before: The number of processes that the run was begun with.
        now: The number of processes that go on with it.

    Raises:
        UsageError: A step's clips can't be shared evenly by so many processes.
    """
    if before == now:
        return options
    clips = options.batch_size * options.accumulate * before
    if clips % now:
        fitting = " ".join(str(count) for count in range(1, clips + 1) if clips % count == 0)
        raise UsageError(
            f"this run was begun by {count_of(before, 'process', 'processes')} and takes"
            f" {count_of(clips, 'clip')} in a step, which {now} can't share evenly; start one of"
            f" {fitting}, or begin another run with its weights by --init"
        )
    mine = clips // now
    times = next(n for n in range(1, mine + 1) if not mine % n and mine // n <= options.batch_size)
    return replace(options, batch_size=mine // times, accumulate=times)
