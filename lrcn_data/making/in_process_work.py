"""Does jobs in this process (`--workers 0`), without anything that guards against videos.

What crashes a decoder here ends the run, and no video is ever late. It is for stores that only this
process sees, such as fsspec's `memory://`, and for debuggers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from lrcn_data.making.isolated_work import After, Done, as_it_is, tell_nobody
from lrcn_data.making.worker_process import Result, Work
from lrcn_data.storage.atomic_file import write_failure

if TYPE_CHECKING:
    from lrcn_data.making.shard_job import ShardJob, VideoReport


@dataclass(frozen=True, slots=True, eq=False)
class InProcessWork(Generic[Result]):
    """A callable that takes a job and returns when it is done.

    Attributes:
        work: The function that does a job.
        after: What is done with its result; see `isolated_work.IsolatedWork`.
        on_video: Called with every video's report as it comes.
    """

    work: Work[Result]
    after: After = as_it_is
    on_video: Callable[[VideoReport], None] = tell_nobody

    def __call__(self, job: ShardJob) -> Done[Any]:
        """Do a job.

        Raises:
            LrcnError: A file can't be written.
        """
        reports: list[VideoReport] = []

        def heard(report: VideoReport) -> None:
            reports.append(report)
            self.on_video(report)

        try:
            made = self.work(job, lambda position: None, heard)
        except OSError as error:
            raise write_failure(job.shard.name, error) from error
        return Done(self.after(job, made), reports)

    def close(self) -> None:
        """Do nothing, since no process is to be ended."""
