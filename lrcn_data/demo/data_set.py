"""Writes the generated data set: videos in worker processes, then the lists.

A record of the options is written first, so that a run into a folder with other videos is refused;
the lists last, so that they name only what is there. The same command goes on where it stopped.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from lrcn_data.demo.actions import plan_actions
from lrcn_data.demo.videos import CLASSES, DemoVideo, encode_video, plan_demo
from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.json_text import dump_json
from lrcn_data.lists.lines import format_line
from lrcn_data.machine import usable_cores
from lrcn_data.splits import SPLITS
from lrcn_data.storage.atomic_file import TEMPORARY, temporary_name, write_atomically

RECORD = "demo.json"
CLASS_FILE = "classes.txt"

_LIST, _TIMED_LIST = ".txt", ".csv"
"""The endings of lists without and with labels in time."""

COUNTS: Mapping[bool, Mapping[str, int]] = {
    False: {"train": 1200, "val": 120, "test": 240},
    True: {"train": 300, "val": 40, "test": 80},
}
"""The usual number of videos in each split, without and with labels in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions:
    """What decides the videos of a generated data set.

    Attributes:
        train: Number of training videos.
        val: Number of validation videos.
        test: Number of test videos.
        seed: Seed of everything that is drawn at random.
        in_time: Whether videos show several actions in a row, with labels in time.

    Raises:
        UsageError: A number is negative, or all are 0.
    """

    train: int = COUNTS[False]["train"]
    val: int = COUNTS[False]["val"]
    test: int = COUNTS[False]["test"]
    seed: int = 0
    in_time: bool = False

    def __post_init__(self) -> None:
        for split, count in self.counts.items():
            if count < 0:
                raise UsageError(f"--{split}-videos must be at least 0, got {count}")
        if not any(self.counts.values()):
            raise UsageError("--train-videos, --val-videos and --test-videos are all 0")

    @property
    def counts(self) -> dict[str, int]:
        """Number of videos in each split."""
        return {split: getattr(self, split) for split in SPLITS}

    def describe(self) -> str:
        """The options as one would write them on the command line."""
        counts = [f"--{split}-videos {count}" for split, count in self.counts.items()]
        return " ".join([*counts, f"--seed {self.seed}", *(["--in-time"] if self.in_time else [])])

    def plan(self) -> list[DemoVideo]:
        """The videos of the data set, which are not drawn yet."""
        return (plan_actions if self.in_time else plan_demo)(self.counts, self.seed)

    def as_record(self) -> dict[str, int]:
        """As the folder's record has them; `in_time` only where it is."""
        record = asdict(self)
        if not self.in_time:
            del record["in_time"]
        return record


_DEFAULT = DemoOptions()


def write_demo(
    folder: str | os.PathLike[str],
    options: DemoOptions = _DEFAULT,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    on_start: Callable[[int, int], None] = lambda videos, left: None,
    on_video: Callable[[], None] = lambda: None,
) -> list[DemoVideo]:
    """Write a generated data set: videos/, a list of each split, and classes.txt.

    The lists are train.txt, val.txt and test.txt; with labels in time train.csv, val.csv, test.csv.

    Args:
        folder: The folder to write into.
        options: What decides the videos.
        workers: Number of processes that draw and encode; None for the cores that may be used.
        overwrite: Whether a data set that was made with other options is replaced.
        on_start: Called once with the number of videos, and with the number still to be made.
        on_video: Called after each video that was made.

    Returns:
        The videos, all of which are there now.

    Raises:
        UsageError: The folder holds other videos or lists.
        LrcnError: A video can't be written, or the record of an earlier run can't be read.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, got {workers}")
    folder, workers = Path(folder), workers or usable_cores()
    videos = options.plan()
    _claim(folder, options, overwrite=overwrite)
    for place in {(folder / video.name).parent for video in videos}:
        place.mkdir(parents=True, exist_ok=True)
    left = [video for video in videos if not (folder / video.name).exists()]
    on_start(len(videos), len(left))
    if left:
        _write_videos(folder, left, workers, on_video)
    for name, text in _texts(videos).items():
        path = folder / name
        if left or not path.exists():
            write_atomically(path, text.encode())
    return videos


def _claim(folder: Path, options: DemoOptions, *, overwrite: bool) -> None:
    """Make sure that the folder is for these videos, and record their options in it."""
    before = _read_record(folder)
    if before == options:
        return
    names = [f"{split}{ending}" for ending in (_LIST, _TIMED_LIST) for split in SPLITS]
    lists = [name for name in (*names, CLASS_FILE) if (folder / name).exists()]
    if not overwrite and (before or lists):
        found = f"other generated videos ({before.describe()})" if before else ", ".join(lists)
        raise UsageError(f"{folder} has {found} already; name another folder, or give --overwrite")
    for name in lists:
        (folder / name).unlink()
    for video in before.plan() if before else ():
        (folder / video.name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / RECORD, dump_json(options.as_record()))


def _read_record(folder: Path) -> DemoOptions | None:
    path = folder / RECORD
    try:
        return DemoOptions(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise LrcnError(f"{path} can't be read ({error}); remove it, or name another folder") from (
            error
        )


def _texts(videos: list[DemoVideo]) -> Mapping[str, str]:
    """The texts of the lists and of the class file, by file name."""
    texts = {CLASS_FILE: "".join(f"{name}\n" for name in sorted(CLASSES))}
    for split in SPLITS:
        members = [video for video in videos if video.split == split]
        if any(video.actions for video in members):
            texts[f"{split}{_TIMED_LIST}"] = _timed_list(members)
        elif members:
            lines = (f"{format_line(video.name, video.class_name)}\n" for video in members)
            texts[f"{split}{_LIST}"] = "".join(lines)
    return texts


def _timed_list(videos: list[DemoVideo]) -> str:
    """A CSV file with a line for each action: when it starts and ends in seconds, and its class."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("video", "start", "end", "label"))
    for video in videos:
        for action in video.actions:
            times = (round(float(at / video.rate), 6) for at in (action.start, action.end))
            lines.writerow((video.name, *times, action.class_name))
    return text.getvalue()


def _write_videos(
    folder: Path, videos: list[DemoVideo], workers: int, on_video: Callable[[], None]
) -> None:
    executor = ProcessPoolExecutor(
        min(workers, len(videos)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_ignore_interrupts,
    )
    try:
        jobs = [executor.submit(_write_video, folder, video) for video in videos]
        for job in as_completed(jobs):
            job.result()
            on_video()
    except OSError as error:
        raise LrcnError(f"{error}; the same command goes on from here") from error
    finally:
        executor.shutdown(cancel_futures=True)
        for leftover in folder.glob(f"videos/**/*{TEMPORARY}"):
            leftover.unlink()


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent, which stops its workers after their current video."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_video(folder: Path, video: DemoVideo) -> None:
    path = folder / video.name
    temporary = temporary_name(path)
    temporary.write_bytes(encode_video(video))
    temporary.replace(path)
