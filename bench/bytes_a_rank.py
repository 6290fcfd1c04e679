"""The bytes that each of several processes reads to train on shards for an epoch.

    python bench/bytes_a_rank.py SHARDS [--processes 1 2 4] [--batch-size 16]

SHARDS are those of a data set on this machine. Each process opens them and goes through its part of
an epoch as lrcn-train has it do, one after the other. What it read is `rchar` of /proc/self/io: all
that the kernel was asked for, whether or not it was in memory.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.training.data import TrainData
from lrcn_model.training.options import TrainOptions


def bytes_read() -> int:
    """The bytes that this process has read so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    [count] = [line.partition(": ")[2] for line in lines if line.startswith("rchar: ")]
    return int(count)


def of_rank(options: TrainOptions, ranks: Ranks) -> tuple[int, int, int]:
    """What a process reads: the bytes to open the shards, those of an epoch, and its clips."""
    began = bytes_read()
    data = TrainData(options, ranks, choose_processor("cpu", "off"))
    data.mean()
    opened = bytes_read()
    clips = sum(len(batch) for batch in data.train_batches(0, 0))
    return opened - began, bytes_read() - opened, clips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", help="The folder of the shards to read, a glob or a range.")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batch-size", type=int, default=16)
    arguments = parser.parse_args()
    options = TrainOptions(
        shards=(arguments.shards,), batch_size=arguments.batch_size, workers=0, seed=1
    )
    shards = TrainData(options, Ranks(), choose_processor("cpu", "off")).train.data_set.shards
    size = sum(shard.entry.bytes for shard in shards)
    print(f"{len(shards)} shards of {size:,} bytes")
    print("| processes | each: manifest, index, mean | each: clips | of all tars | of all clips |")
    print("|---|---|---|---|---|")
    for count in arguments.processes:
        found = [of_rank(options, Ranks(rank=rank, count=count)) for rank in range(count)]
        opening, reading, clips = zip(*found, strict=True)
        parts = [f"{100 * read / size:.1f} %" for read in (min(reading), max(reading))]
        shares = [f"{100 * part / sum(clips):.1f} %" for part in (min(clips), max(clips))]
        print(
            f"| {count} | {min(opening):,} to {max(opening):,} | {min(reading):,} to"
            f" {max(reading):,} | {parts[0]} to {parts[1]} | {shares[0]} to {shares[1]} |"
        )


if __name__ == "__main__":
    main()
