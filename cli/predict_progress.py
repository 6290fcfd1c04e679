"""How far `lrcn-predict` is: videos done, and how much of the one that is being scored."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lrcn_data.printable import show

from .progress import ProgressBar

if TYPE_CHECKING:
    from lrcn_model.predicting.predict import PredictProgress


class VideosProgress(ProgressBar):
    """Counts videos, and parts of long ones.

    Args:
        total: The number of videos.
    """

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        if self.bar:
            self._task = self.bar.add_task("videos", total=total, figures="")

    def within(self, progress: PredictProgress) -> None:
        """Say how far a video is."""
        share = progress.seconds / progress.duration if progress.duration else 0.0
        where = f"{clock(progress.seconds)} of {clock(progress.duration)}"
        self._show(min(share, 1.0), f"{where} of {show(progress.video)}")

    def advance(self) -> None:
        """Count a video that is done."""
        self._done += 1
        self._show(0.0, "")

    def _show(self, share: float, where: str) -> None:
        completed = self._done + share
        if self.bar:
            self.bar.update(self._task, completed=completed, figures=where)
        if completed:
            self.now_and_then(lambda: self._where(completed, where))

    def _where(self, completed: float, where: str) -> str:
        left = (time.monotonic() - self._began) * (self._total - completed) / completed
        parts = [f"{self._done} of {self._total} videos", where, f"{clock(left)} left"]
        return ", ".join(filter(None, parts))


def clock(seconds: float) -> str:
    """A time as people write it, such as 1:02:03; below an hour without hours."""
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"
