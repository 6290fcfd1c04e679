"""What having shards made on many machines costs, beside making them.

    python bench/executors.py FOLDER_OF_VIDEOS [--runs 5]

CPU time that `--part`, `--executor slurm` and `--executor ray` take more than the local executor:
for each shard, as a share of one of 95 videos (a hundredth of UCF-101's), and once for a run. All
processes count, those of Slurm's and Ray's own daemons too; what these take while nothing is done
is left out. Slurm and Ray are started for it, and what is not installed is left out; Linux only.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from compare import print_table, processor_name
from revision import clean_environment
from shard import find_videos
from shard_command import link_videos
from whole_command import become_parent_of_orphans

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.engines import HAS_RAY, HAS_SLURM, one_node_slurm, two_node_ray

FEW, MANY = 24, 168
"""Numbers of small shards, of one video each: what a shard takes is the difference of two runs."""

A_SHARD = 95
"""The number of videos in a shard of the usual size."""

WORKERS = 4


def cpu_seconds() -> float:
    """CPU time of all processes that have come of this one, those that are dead included."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = ended.ru_utime + ended.ru_stime
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            spent += sum(process.cpu_times()[:4])
    return spent


def idle_rate(seconds: float = 10) -> float:
    """CPU seconds that Slurm's and Ray's daemons take in a second while nothing is done."""
    before = cpu_seconds()
    time.sleep(seconds)
    return (cpu_seconds() - before) / seconds


@dataclass(frozen=True, slots=True)
class Way:
    """A way to have the shards made.

    Attributes:
        arguments: What the command has for it.
        folder: The folder of the videos and their list.
        idle: CPU seconds a second that are no work of the command.
    """

    arguments: Sequence[object]
    folder: Path
    idle: float

    def __call__(self, shards: int, *, videos: int) -> float:
        """Make shards of so many videos each, and give the CPU seconds that it took."""
        lines = (self.folder / "train.txt").read_text().splitlines(keepends=True)
        lists = self.folder / "some.txt"
        lists.write_text("".join(lines[: shards * videos]))
        shown = ["--root", self.folder, "--train", lists, "--allow-one-class"]
        shown += ["--videos-per-shard", videos, *self.arguments]
        began, before = time.monotonic(), cpu_seconds()
        subprocess.run(
            [Path(sys.executable).with_name("lrcn-data"), "shard", *map(str, shown)],
            cwd=tempfile.mkdtemp(dir=self.folder),
            env=clean_environment(),
            capture_output=True,
            check=True,
        )
        time.sleep(1.0)  # some processes end a little later
        spent = cpu_seconds() - before
        return spent - self.idle * (time.monotonic() - began)


def compare_ways(ways: dict[str, Way], runs: int) -> None:
    """Print what each way takes beside what the first one takes."""
    few: dict[str, list[float]] = {name: [] for name in ways}
    many: dict[str, list[float]] = {name: [] for name in ways}
    usual: list[float] = []
    local = next(iter(ways.values()))
    for number in range(runs + 1):
        for name, way in ways.items():
            spent = way(FEW, videos=1), way(MANY, videos=1)
            if number:  # the first one of each is to warm up
                few[name].append(spent[0])
                many[name].append(spent[1])
        if number:
            usual.append((local(4, videos=A_SHARD) - local(2, videos=A_SHARD)) / 2)
    a_shard = statistics.median(usual)
    first = next(iter(ways))
    rows = []
    for name in ways:
        each = [(m - f) / (MANY - FEW) for m, f in zip(many[name], few[name], strict=True)]
        base = [(m - f) / (MANY - FEW) for m, f in zip(many[first], few[first], strict=True)]
        more = statistics.median(a - b for a, b in zip(each, base, strict=True))
        once = statistics.median(a - b for a, b in zip(few[name], few[first], strict=True))
        once -= more * FEW
        spread = f"{min(each) * 1000:.0f} to {max(each) * 1000:.0f}"
        middle = f"{statistics.median(each) * 1000:.0f}"
        rows.append(
            [name, middle, spread, f"{more * 1000:+.0f}", f"{more / a_shard:+.1%}", f"{once:+.1f}"]
        )
    headings = ["way", "ms CPU a shard of 1 video", "min to max", "more than local"]
    headings += [f"of a shard of {A_SHARD} ({a_shard:.1f} s)", "s once a run"]
    print_table("having shards made", headings, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="The folder of the videos, such as UCF-101's.")
    parser.add_argument("--runs", type=int, default=5, help="Counted runs [default: %(default)s].")
    arguments = parser.parse_args()
    become_parent_of_orphans()
    videos = find_videos(arguments.videos)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        link_videos(videos, folder, copies=-(-4 * A_SHARD // len(videos)))
        workers = ["--workers", WORKERS]
        found: dict[str, list[object]] = {
            "local": workers,
            "--part 0/1": [*workers, "--part", "0/1"],
        }
        if HAS_SLURM:
            (folder / "slurm").mkdir()
            stack.enter_context(one_node_slurm(folder / "slurm"))
            found["--executor slurm"] = ["--executor", "slurm", *workers]
        if HAS_RAY:
            ray = stack.enter_context(two_node_ray())
            found["--executor ray"] = ["--executor", f"ray:{ray.address}", *workers]
            time.sleep(5)
        idle = idle_rate()
        print(
            f"{processor_name()}, medians of {arguments.runs}; daemons idle: {idle:.1%} of a core"
        )
        compare_ways({way: Way(more, folder, idle) for way, more in found.items()}, arguments.runs)


if __name__ == "__main__":
    main()
