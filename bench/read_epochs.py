"""Reads epochs of shards through the public names of `lrcn_model`, and prints the CPU seconds.

    python bench/read_epochs.py SHARDS [--epochs 2]

The interpreter may be that of any revision; against.py runs it with those of two.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch.utils.data import DataLoader

from lrcn_model import EpochSampler, Preprocess, ShardDataset, collate

SIZE = (216, 216)


def read_epochs(shards: str, epochs: int) -> float:
    """Turn every clip into what the net sees, in this process and one thread; the CPU seconds."""
    dataset = ShardDataset(shards)
    sampler = EpochSampler(dataset, batch_size=16, seed=0)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=collate, num_workers=0)
    preprocess = Preprocess(SIZE, dataset.mean_image(SIZE))
    began = time.process_time()
    for _ in range(epochs):
        for batch in loader:
            preprocess(batch)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", help="The folder of the shards to read, a glob or a range.")
    parser.add_argument(
        "--epochs",
        type=int,
        default=2,
        help="The number of epochs to read [default: %(default)s].",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(read_epochs(arguments.shards, arguments.epochs))


if __name__ == "__main__":
    main()
