"""What large data sets take: opened, put in order, resumed; listed in a bucket; planned; paid for.

    python bench/scale.py [--clips 10000000] [--shards 10000] [--videos 10000000] [--runs 3]

The index and the manifest of a data set are generated, with tars that have no content, and each
thing is done with them in a new process: the seconds after everything is imported, and the most
memory that the process has for itself. Shards with nothing in them are listed in a bucket of moto's
server, and lists of videos that are not there are planned. Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import pickle
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from compare import print_table, processor_name
from served import CREDENTIALS, made_bucket, served

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import ShardFiles, shard_name, split_index
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.shard_index import ShardIndex
from lrcn_data.format.shard_reader import find_shards
from lrcn_data.format.split_index import save_split_index
from lrcn_data.format.tar_members import BLOCK, tar_end
from lrcn_data.lists.read_lists import read_lists
from lrcn_data.making.portions import plan_portion
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.clip_options import ClipOptions

CLIPS_A_SHARD = 1000
CLASSES = [f"class{number:03d}" for number in range(400)]
OPTIONS = {"fps": "5", "seq_len": 8}
BATCH_SIZE = 16


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What something took in a process of its own.

    Attributes:
        seconds: The time of it by the clock, after all imports.
        cpu_seconds: Its CPU time, which other work on the machine changes less.
        megabytes: The most memory that the process had for itself, imports included: not that of
            files, which all processes of a machine share.
    """

    seconds: float
    cpu_seconds: float
    megabytes: float


def generate_data_set(folder: Path, clips: int) -> None:
    """Write the manifest and the index of a data set as its writer does, and tars of only zeros."""
    random = np.random.default_rng(0)
    data_set = DataSetFolder(folder)
    data_set.make(str(Path(split_index("train")).parent))
    count = -(-clips // CLIPS_A_SHARD)
    shards = []
    for number in range(count):
        samples = min(CLIPS_A_SHARD, clips - number * CLIPS_A_SHARD)
        length = random.integers(100, 300, samples) * BLOCK
        index = ShardIndex(
            offset=np.cumsum(length) - length,
            length=length,
            crc32=random.integers(0, 1 << 32, samples),
            label=random.integers(0, len(CLASSES), samples),
            num_valid=np.full(samples, OPTIONS["seq_len"]),
            source=random.integers(-(1 << 63), 1 << 63, samples),
        )
        shards.append((generated_entry(number, count, samples, index.end()), index))
        tar = folder / shards[-1][0].file
        tar.touch()
        os.truncate(tar, shards[-1][0].bytes)  # takes no room on most disks
    save_split_index(data_set, "train", shards)
    data_set.write_manifest(generated_manifest([entry for entry, _ in shards]))


def generated_entry(number: int, count: int, samples: int, end: int) -> ShardEntry:
    """What a manifest says of a shard whose samples end at a byte."""
    return ShardEntry(
        file=ShardFiles(shard_name("train", number, count)).tar,
        split="train",
        samples=samples,
        bytes=end + len(tar_end(end)),
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        videos=samples,
        frames=samples * int(OPTIONS["seq_len"]),
    )


def generated_manifest(entries: list[ShardEntry]) -> Manifest:
    return Manifest(options=OPTIONS, classes=CLASSES, shards=entries)


def generate_list(path: Path, videos: int) -> None:
    """Write a list of videos, named as those of a large data set are."""
    with path.open("w") as file:
        for number in range(videos):
            label = number % len(CLASSES)
            file.write(f"{CLASSES[label]}/v_{number:011d}_000010_000020.mp4 {label}\n")


Work = Callable[[], object]
Prepare = Callable[[Path], Work]
"""Gets everything ready in a process, and gives the work that is measured."""


def opened(folder: Path) -> Work:
    from lrcn_model import ShardDataset

    return lambda: ShardDataset(folder)


def opened_from_disk(folder: Path) -> Work:
    """As on a machine on which nobody has read the index before."""
    descriptor = os.open(folder / split_index("train"), os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    return opened(folder)


def copied(folder: Path) -> Work:
    """As a worker of a DataLoader gets it."""
    from lrcn_model import ShardDataset

    copy = pickle.dumps(ShardDataset(folder))
    return lambda: pickle.loads(copy)


def put_in_order(folder: Path, **options: int) -> Work:
    from lrcn_model import EpochSampler, ShardDataset

    return EpochSampler(ShardDataset(folder), batch_size=BATCH_SIZE, **options).order


def put_in_windows(folder: Path) -> Work:
    return put_in_order(folder, shuffle_window=8)


def balanced(folder: Path) -> Work:
    return put_in_order(folder, balanced=True)


def resumed(folder: Path) -> Work:
    """In the middle of its second epoch, up to the numbers of the first batch's clips."""
    from lrcn_model import EpochSampler, ShardDataset

    dataset = ShardDataset(folder)
    before = EpochSampler(dataset, batch_size=BATCH_SIZE)
    before.set_epoch(1)
    state = before.state_dict(len(before) // 2)

    def resume() -> None:
        sampler = EpochSampler(dataset, batch_size=BATCH_SIZE)
        sampler.load_state_dict(state)
        next(iter(sampler))

    return resume


def planned(video_list: Path) -> Work:
    """Lists read and checked, and their videos dealt out to shards."""

    def plan() -> None:
        lists = read_lists({"train": video_list}, root=video_list.parent, allow_missing=True)
        plan_portion(lists.entries, ShardOptions(clip=ClipOptions()), lists.classes, {})

    return plan


OF_DATA_SETS: dict[str, Prepare] = {
    "opened": opened,
    "opened, the index not in memory yet": opened_from_disk,
    "opened again by a worker": copied,
    "an epoch's order": put_in_order,
    "an epoch's order, --shuffle-window 8": put_in_windows,
    "an epoch's order, --balanced": balanced,
    "resumed in the middle of an epoch": resumed,
}


def take(prepare: Prepare, path: Path) -> Taken:
    """Do some work in a new process, and look at its memory every few milliseconds meanwhile."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(prepare, path, there))
    process.start()
    there.close()
    most = 0.0
    while not here.poll(0.002):
        most = max(most, own_memory(process.pid))
    seconds, cpu_seconds = here.recv()
    process.join()
    return Taken(seconds=seconds, cpu_seconds=cpu_seconds, megabytes=most)


def _work(prepare: Prepare, path: Path, parent: Connection) -> None:
    work = prepare(path)
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    parent.send((time.perf_counter() - began, time.process_time() - cpu))
    del result


def own_memory(process: int | None) -> float:
    """The MB that a process has in memory that belongs to no file; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def measure(works: dict[str, Prepare], path: Path, runs: int) -> dict[str, list[Taken]]:
    """Every work in turn, so many times."""
    taken: dict[str, list[Taken]] = {name: [] for name in works}
    for _ in range(runs):
        for name, prepare in works.items():
            taken[name].append(take(prepare, path))
    return taken


def show(title: str, taken: dict[str, list[Taken]]) -> None:
    rows = []
    for name, runs in taken.items():
        seconds = [run.seconds for run in runs]
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        cpu = statistics.median(run.cpu_seconds for run in runs)
        most = max(run.megabytes for run in runs)
        middle = f"{statistics.median(seconds):.2f}"
        rows.append([name, middle, spread, f"{cpu:.2f}", f"{most:,.0f}"])
    print_table(title, ["", "s", "min to max", "CPU s", "most MB of its own"], rows)


def imported(folder: Path) -> Work:
    """Nothing, but with all that the others need imported."""
    from lrcn_model import EpochSampler, ShardDataset

    return lambda: (EpochSampler, ShardDataset)


def of_data_set(clips: int, runs: int, folder: Path) -> dict[str, list[Taken]]:
    """Measure a generated data set, and print it."""
    generate_data_set(folder, clips)
    manifest, index = folder / "dataset.json", folder / split_index("train")
    print(
        f"{clips:,} clips in {-(-clips // CLIPS_A_SHARD):,} shards: dataset.json"
        f" {manifest.stat().st_size / 1e6:,.1f} MB, {index.relative_to(folder)}"
        f" {index.stat().st_size / 1e6:,.1f} MB",
        flush=True,
    )
    taken = measure({"imports alone": imported, **OF_DATA_SETS}, folder, runs)
    show(f"{clips:,} clips", taken)
    return taken


def of_bucket(shards: int, folder: Path) -> Counter[str]:
    """Find shards that lie in a bucket, by their folder and by a range, and count the requests."""
    os.environ.update(CREDENTIALS)
    log = folder / "requests.log"
    rows, total = [], Counter[str]()
    with served([sys.executable, "-m", "moto.server", "-p", "{port}"], log) as endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        made_bucket(endpoint, "bench")
        data_set = DataSetFolder("s3://bench/shards")
        entries = [generated_entry(number, shards, 0, 0) for number in range(shards)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda entry: data_set.write(entry.file, tar_end(0)), entries))
        data_set.write_manifest(generated_manifest(entries))
        last = entries[-1].file.removesuffix(".tar").removeprefix("train-")
        every = f"{data_set}/train-{{{0:0{len(last)}d}..{last}}}.tar"
        for name, pattern in {"by the folder": str(data_set), "by a range": every}.items():
            before = log.stat().st_size
            began = time.perf_counter()
            found = find_shards(pattern)
            seconds = time.perf_counter() - began
            assert len(found.shards) == shards
            requests = Counter(methods(log, before))
            total += requests
            words = ", ".join(f"{count} {method}" for method, count in sorted(requests.items()))
            rows.append([name, f"{seconds:.2f}", words])
    print_table(f"{shards:,} shards in a bucket, found", ["", "s", "requests"], rows)
    return total


def methods(log: Path, start: int) -> Iterator[str]:
    """The method of each request that a server's log has from a byte on."""
    with log.open() as file:
        file.seek(start)
        yield from re.findall(r"([A-Z]+) /\S* HTTP/", file.read())


def of_plan(videos: int, folder: Path) -> dict[str, list[Taken]]:
    """Measure the plan of a list of videos once, and print it."""
    video_list = folder / "train.txt"
    generate_list(video_list, videos)
    taken = measure({"lists read, and planned": planned}, video_list, 1)
    show(f"{videos:,} videos", taken)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    number = {"type": int, "metavar": "N"}
    parser.add_argument("--clips", default=10_000_000, help="The clips of a data set.", **number)
    parser.add_argument("--shards", default=10_000, help="The shards in a bucket.", **number)
    parser.add_argument("--videos", default=10_000_000, help="The videos of a list.", **number)
    parser.add_argument(
        "--runs", default=3, help="How often each thing is done with the clips.", **number
    )
    arguments = parser.parse_args()
    print(f"{processor_name()}; load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of_data_set(arguments.clips, arguments.runs, folder / "shards")
        of_bucket(arguments.shards, folder)
        of_plan(arguments.videos, folder)


if __name__ == "__main__":
    main()
