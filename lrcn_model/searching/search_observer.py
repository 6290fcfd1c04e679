"""What a search tells while it runs, and to whom."""

from __future__ import annotations

from typing import Protocol

from lrcn_model.searching.trial import Outcome, TrialResult
from lrcn_model.training.reports import CacheReport


class SearchObserver(Protocol):
    """Is told what a search does."""

    def start(self, number: int, trials: int) -> None:
        """A trial of so many begins, or goes on."""

    def trial(self, result: TrialResult, best: TrialResult | None, trials: int, ended: int) -> None:
        """A trial has ended, one of so many; the best of all that have is told with it."""

    def finalist(self, number: int, repeat: int, outcome: Outcome) -> None:
        """A finalist has been trained with another seed."""

    def cache(self, report: CacheReport) -> None:
        """Some of the clips are done that are computed once, before the trials."""

    def note(self, message: str) -> None:
        """Something is worth knowing."""

    def warn(self, message: str) -> None:
        """Something is not as it should be, but the search goes on."""


class SilentSearchObserver:
    """Hears all that a search tells, and says nothing."""

    def start(self, number: int, trials: int) -> None:
        """Say nothing."""

    def trial(self, result: TrialResult, best: TrialResult | None, trials: int, ended: int) -> None:
        """Say nothing."""

    def finalist(self, number: int, repeat: int, outcome: Outcome) -> None:
        """Say nothing."""

    def cache(self, report: CacheReport) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""


class OnceEach:
    """Passes on what a search's observer is told; a note or a warning that recurs only once."""

    def __init__(self, observer: SearchObserver) -> None:
        self._observer, self._said = observer, set[str]()
        self.start, self.trial, self.finalist = observer.start, observer.trial, observer.finalist
        self.cache = observer.cache

    def note(self, message: str) -> None:
        """Pass it on, the first time."""
        if message not in self._said:
            self._said.add(message)
            self._observer.note(message)

    def warn(self, message: str) -> None:
        """Pass it on, the first time."""
        if message not in self._said:
            self._said.add(message)
            self._observer.warn(message)
