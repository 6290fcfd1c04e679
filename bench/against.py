"""What a revision costs against another one: CPU time of whole commands, in interleaved pairs.

    python bench/against.py [--base 7b7e841] [--revision HEAD] [--work FOLDER] [--videos FOLDER]
        [--pairs 9]

CPU time is user and system time of a command and of all processes that come of it. Each pair runs
both revisions one after the other, in turns the one and the other first; a pair to warm up is not
counted. The interval is that of the median of the pairs' ratios, by a bootstrap over the pairs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from compare import cpu_seconds, print_table, processor_name
from revision import CommandFailed, Revision, add_arguments, build, last_lines, work_folder
from same_rows import find_videos
from whole_command import become_parent_of_orphans, wait_for_orphans

LIMIT = 1.05
"""The ratio up to which a revision counts as no slower."""

_READ_EPOCHS = Path(__file__).with_name("read_epochs.py")
_RESAMPLES = 10_000
_DEMO = ("--train-videos", 240, "--val-videos", 0, "--test-videos", 0)

_TRAINING = (
    "--device cpu --cnn small --size 64x64 --lr 5e-5 --dropout 0.5 --batch-size 16 --epochs 3"
    " --workers 0"
)

Command = Sequence[object]
Pairs = np.ndarray
"""CPU seconds: a row for each pair, with the base first and the new revision second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """A command whose cost is compared.

    Attributes:
        name: A few words on what the command does.
        command: The program's name among those of a revision, and its arguments. It runs in an
            empty folder.
        part: The part of the work whose CPU seconds the command prints; None where it prints none.
        times: The number of times that the command is run for one measurement.
    """

    name: str
    command: Command
    part: str | None = None
    times: int = 1


def measure(timed: Timed, revision: Revision, folder: Path) -> tuple[float, str]:
    """The CPU seconds of all times that a command is run, and what it wrote the last time."""
    runs = [spent(revision, timed.command, folder) for _ in range(timed.times)]
    return sum(seconds for seconds, _ in runs), runs[-1][1]


def spent(revision: Revision, command: Command, folder: Path) -> tuple[float, str]:
    """The CPU seconds of a command and of all that came of it, and what it wrote.

    Raises:
        CommandFailed: The command ended with an error.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = cpu_seconds()
    with (folder / "output").open("wb") as output:
        process = revision.start(*command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        process.wait()
        wait_for_orphans()
    seconds = cpu_seconds() - before
    told = (folder / "output").read_bytes()
    if process.returncode:
        raise CommandFailed(f"{revision}: {' '.join(map(str, command))}\n{last_lines(told)}")
    return seconds, told.decode()


def time_pairs(
    timed: Timed, sides: Sequence[Revision], folder: Path, pairs: int
) -> dict[str, Pairs]:
    """The CPU seconds of both revisions in each pair: of the command, and of its part if any."""
    whole, part = [], []
    for number in range(pairs + 1):
        turns = (0, 1) if number % 2 else (1, 0)
        pair = {turn: measure(timed, sides[turn], folder) for turn in turns}
        whole.append([pair[0][0], pair[1][0]])
        if timed.part:
            part.append([float(pair[0][1]), float(pair[1][1])])
    measured = {timed.name: np.array(whole[1:])}
    return {**measured, timed.part: np.array(part[1:])} if timed.part else measured


def interval(pairs: Pairs) -> tuple[float, float, float]:
    """The median of new / base over the pairs, and the 95 % interval of it.

    By the percentiles of the medians of pairs drawn anew, with replacement; always the same draws.
    """
    ratios = pairs[:, 1] / pairs[:, 0]
    drawn = np.random.default_rng(0).choice(ratios, (_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(np.median(ratios)), float(low), float(high)


def things_to_time(base: Revision, work: Path, videos: Path | None) -> list[Timed]:
    """The commands, and their input, which the base makes for both."""
    demo = work / "demo"
    base.run("lrcn-data", "demo", demo, *_DEMO, cwd=work)
    shard = ["lrcn-data", "shard", *_lists(demo, work, videos), "--max-bad-fraction", 1]
    base.run(*shard, "--clips", 4, "--out", work / "clips", cwd=work)
    base.run("lrcn-data", "shard", "--root", demo, "--train", demo / "train.txt", cwd=work)
    train = ["lrcn-train", "--shards", work / "shards" / "train-*.tar", *_TRAINING.split()]
    kind = "real" if videos else "generated"
    return [
        Timed(name="lrcn-data shard --help, 20 times", command=[*shard[:2], "--help"], times=20),
        Timed(name=f"lrcn-data shard, {kind} videos", command=[*shard, "--workers", 1]),
        Timed(
            name=f"two epochs of {kind} clips read",
            command=["python", "-P", _READ_EPOCHS, work / "clips"],
            part="of that, reading alone",
        ),
        Timed(name="lrcn-train, small net, 45 steps", command=train),
    ]


def _lists(demo: Path, work: Path, videos: Path | None) -> list[object]:
    """The arguments that name the videos: those that are not odd, where real ones are given."""
    if videos is None:
        return ["--train", demo / "train.txt", "--root", demo]
    paths = [path.relative_to(videos) for path in find_videos(videos)]
    lines = [f"{path} {n % 2}\n" for n, path in enumerate(paths) if path.parts[0] != "odd"]
    (work / "real.txt").write_text("".join(lines))
    return ["--train", work / "real.txt", "--root", videos]


def show(measured: Mapping[str, Pairs], title: str) -> None:
    """Print a row for each command: the base's seconds, and the ratio to them."""
    rows = []
    for name, pairs in measured.items():
        median, low, high = interval(pairs)
        verdict = "yes" if high < LIMIT else "no"
        seconds = f"{np.median(pairs[:, 0]):.2f}"
        rows.append([name, seconds, f"{median:.3f}", f"{low:.3f} to {high:.3f}", verdict])
    print_table(title, ["what", "base, s", "new / base", "95 %", f"below {LIMIT}"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument(
        "--pairs",
        type=int,
        default=9,
        help="The number of counted pairs of runs of each command [default: %(default)s].",
    )
    arguments = parser.parse_args()
    become_parent_of_orphans()
    with work_folder(arguments.work) as work:
        base, new = (build(name, work) for name in (arguments.base, arguments.revision))
        with tempfile.TemporaryDirectory(prefix="against-", dir=work) as name:
            folder = Path(name)
            measured: dict[str, Pairs] = {}
            for timed in things_to_time(base, folder, arguments.videos):
                print(timed.name, file=sys.stderr, flush=True)
                runs = folder / "run"
                measured |= time_pairs(timed, (base, new), runs, arguments.pairs)
    print(f"{processor_name()}, one thread, {arguments.pairs} pairs")
    show(measured, f"CPU time of {new} against {base}")


if __name__ == "__main__":
    main()
