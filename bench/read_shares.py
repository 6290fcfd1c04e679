"""How many bytes each process of a training reads of the shards in an epoch.

    python bench/read_shares.py SHARDS [--ranks 1 2 4]

Every process opens the shards and reads its samples of an epoch, as lrcn-train has it do under
torchrun. Counted is what it reads by system calls (rchar of /proc/self/io, Linux), for opening the
shards and for the samples. The index is a memory map, which processes on one machine share.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from lrcn_model import EpochSampler, ShardDataset

BATCH_SIZE = 4


def bytes_read() -> int:
    """What this process has read so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


def read_share(shards: str, rank: int, ranks: int) -> dict[str, int]:
    """Read the samples of a rank in an epoch; how many there are, and the bytes read."""
    before = bytes_read()
    dataset = ShardDataset(shards)
    opened = bytes_read()
    sampler = EpochSampler(dataset, batch_size=BATCH_SIZE, rank=rank, ranks=ranks)
    samples = 0
    for numbers in sampler:
        samples += len(dataset.__getitems__(numbers))
    return {"samples": samples, "open": opened - before, "samples_bytes": bytes_read() - opened}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shards", help="the folder of the shards")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rank is not None:
        print(json.dumps(read_share(given.shards, given.rank, given.ranks[0])))
        return
    whole = sum(path.stat().st_size for path in Path(given.shards).glob("*.tar"))
    print(f"{whole:,} bytes of tars")
    for ranks in given.ranks:
        for rank in range(ranks):
            command = [sys.executable, __file__, given.shards]
            command += ["--ranks", str(ranks), "--rank", str(rank)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            print(
                f"process {rank} of {ranks}: {found['samples']:,} samples,"
                f" {found['samples_bytes']:,} bytes ({found['samples_bytes'] / whole:.1%}),"
                f" and {found['open']:,} to open the shards"
            )


if __name__ == "__main__":
    main()
