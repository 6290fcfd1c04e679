"""How a run of `lrcn-data shard` goes about its work."""

from __future__ import annotations

from dataclasses import dataclass

from lrcn_data.errors import UsageError
from lrcn_data.making.executors import EXECUTORS, LOCAL
from lrcn_data.making.part import Part


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a run goes about its work; nothing here changes a byte of the data set.

    Attributes:
        executor: The name of the executor that has the shards written; see `executors.EXECUTORS`.
        workers: The number of shards that are written at a time, each by a process; None for as
            many as the executor finds room for, 0 to write them in this process.
        max_bad_fraction: The largest fraction of the entries that may fail, from 0 to 1. Videos
            that are too short don't count as failed.
        retry_failed: Whether videos that failed in an earlier run are tried again.
        append: Whether the entries that a finished data set doesn't have yet are added to it.
        overwrite: Whether a data set of other options or lists is replaced; with `append`, only
            an append of other lists that isn't finished.
        allow_leakage: Whether a video's file may be in two splits.
        part: The part of the shards that the run makes, beside runs that make others; None for all.
        finish: Whether the run only writes the files of the whole, of shards that parts have made.

    Raises:
        UsageError: There can be no executor of that name, it has no use for 0 workers, the
            fraction is none, or it can't be done in parts or together with the others what is asked
            for.
    """

    executor: str = "local"
    workers: int | None = None
    max_bad_fraction: float = 0.1
    retry_failed: bool = False
    append: bool = False
    overwrite: bool = False
    allow_leakage: bool = False
    part: Part | None = None
    finish: bool = False

    def __post_init__(self) -> None:
        EXECUTORS.check(self.executor)
        if self.workers is not None and self.workers < 0:
            raise UsageError(f"--workers must be at least 0, got {self.workers}")
        if not 0 <= self.max_bad_fraction <= 1:
            raise UsageError(f"--max-bad-fraction must be from 0 to 1, got {self.max_bad_fraction}")
        if self.workers == 0 and self.executor != LOCAL:
            raise UsageError(
                f"--workers 0 has shards written in this process, and goes with --executor {LOCAL},"
                f" not {self.executor}"
            )
        if self.append and self.retry_failed:
            raise UsageError(
                "--append adds new videos and leaves the others alone; give --retry-failed to"
                " another run, before or after it"
            )
        if self.part is not None and self.finish:
            raise UsageError(
                "--part makes shards and --finish none; the part that is done last finishes the"
                " data set by itself"
            )
        for option, given in (
            ("--append", self.append),
            ("--overwrite", self.overwrite),
            ("--retry-failed", self.retry_failed),
        ):
            if given and (self.part is not None or self.finish):
                raise UsageError(
                    f"{option} changes what is there, and goes with a run by itself, not with"
                    " --part or --finish"
                )
