"""What a run of `lrcn-data shard` costs, with all its processes, against what its workers do in it.

    python bench/shard_command.py FOLDER_OF_VIDEOS [--runs 5]

CPU time a video of the command as a user types it, at the default shard size, on a list of a
thousand videos or so. It counts every process that comes of the command, also those that outlive
it; Linux only.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import av
from compare import compare, processor_name, show
from shard import find_videos, ours
from whole_command import WholeCommand, become_parent_of_orphans

from lrcn_data.machine import usable_cores

_DECODE_VIDEOS = Path(__file__).with_name("decode_videos.py")


def compare_command(videos: Sequence[Path], runs: int, *, least: int = 1000) -> None:
    """Print what the command takes, and what its worker and the decoding do when called alone.

    Args:
        videos: The videos, listed so many times that there are enough of them.
        runs: The number of counted runs of each way.
        least: The number of videos that are enough.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        links = link_videos(videos, folder, copies=-(-least // len(videos)))
        one, all_cores = shard_command(folder, "--workers", 1), shard_command(folder)
        ways = {
            "its worker, in this process": ours(links, one_shard=False),
            "lrcn-data shard --workers 1": one,
            f"lrcn-data shard (on {usable_cores()} cores)": all_cores,
            "its worker, all in one shard": ours(links),
            "decoding every frame, in a process": WholeCommand(
                command=["python", _DECODE_VIDEOS, folder / "train.txt"], folder=folder
            ),
        }
        measured = compare(ways, runs=runs)
    show(f"the whole command on {len(links)} videos", measured, items=len(links), unit="video")
    clock = [statistics.median(command.seconds[-runs:]) for command in (one, all_cores)]
    first = statistics.median(one.first_process[-runs:])
    print(
        f"by the clock: {clock[0]:.2f} s with one worker, {clock[1]:.2f} s on {usable_cores()}"
        f" cores, {clock[0] / clock[1]:.2f} times faster; with one worker the first process has"
        f" {first:.2f} s of the CPU time"
    )


def shard_command(folder: Path, *arguments: object) -> WholeCommand:
    """`lrcn-data shard` on the list in a folder."""
    lists = ["--root", folder, "--train", folder / "train.txt", "--allow-one-class"]
    return WholeCommand(command=["lrcn-data", "shard", *lists, *arguments], folder=folder)


def link_videos(videos: Sequence[Path], folder: Path, *, copies: int = 1) -> list[Path]:
    """Link each video so many times in a folder, beside a train.txt that lists the links."""
    links = []
    for copy in range(copies):
        for number, video in enumerate(videos):
            link = folder / f"{copy}-{number}{video.suffix}"
            link.symlink_to(video.resolve())
            links.append(link)
    (folder / "train.txt").write_text("".join(f"{link.name} 0\n" for link in links))
    return links


def measure_start(video: Path, runs: int) -> None:
    """Print what the command takes on a list of one video."""
    with tempfile.TemporaryDirectory() as name:
        link_videos([video], Path(name))
        command = shard_command(Path(name), "--workers", 1)
        cpu = compare({"": command}, runs=runs)[""].median
    clock, first = (
        statistics.median(spent[-runs:]) for spent in (command.seconds, command.first_process)
    )
    there = "is" if find_spec("torch") else "is not"
    print(
        f"one video from start to end: {clock:.2f} s, CPU {cpu:.2f} s, {first:.2f} s of it in the"
        f" first process; torch {there} installed"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="The folder of the videos, such as UCF-101's.")
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        help="The number of counted runs of each way to make shards [default: %(default)s].",
    )
    arguments = parser.parse_args()
    become_parent_of_orphans()
    videos = find_videos(arguments.videos)
    print(f"{processor_name()}, PyAV {av.__version__}, medians of {arguments.runs}", flush=True)
    compare_command(videos, arguments.runs)
    measure_start(videos[0], arguments.runs)


if __name__ == "__main__":
    main()
