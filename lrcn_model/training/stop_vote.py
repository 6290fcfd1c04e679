"""How the processes of a training agree after which step they stop."""

from __future__ import annotations

import signal

from lrcn_model.ranks import Ranks
from lrcn_model.training.stop_signals import StopSignals


class StopVote:
    """Decides when a training stops that was asked to by a signal.

    A process that trains alone stops as soon as it looks here again. Of several processes, each
    gets the signal at another moment, or only one of them gets it at all; they must nevertheless
    stop after the same step, or one would wait forever for the others' gradients. So each process
    casts its vote with every step, the votes are added up together with the step's other figures,
    which costs no communication of its own, and all processes stop once they have read that there
    was a vote.

    Args:
        signals: The signals that this process receives.
        ranks: The processes that train together.
    """

    def __init__(self, signals: StopSignals, ranks: Ranks) -> None:
        self._signals = signals
        self._alone = ranks.count == 1
        self._votes = 0

    @property
    def own(self) -> bool:
        """This process's vote: whether it has been asked to stop."""
        return self._signals.received is not None

    def count(self, votes: int) -> None:
        """Take note of how many processes voted for stopping in the last step that was read."""
        self._votes = votes

    @property
    def passed(self) -> bool:
        """Whether to stop now; among several processes, the same in all after the same step."""
        return self.own if self._alone else self._votes > 0

    @property
    def signal_number(self) -> int:
        """The signal to stop for: SIGTERM where only another process has received one."""
        return self._signals.received or signal.SIGTERM
