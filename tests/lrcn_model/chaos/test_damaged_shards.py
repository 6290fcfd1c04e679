"""Shards that were cut short or have a changed bit: found before the damaged sample is used."""

from __future__ import annotations

import copy
import random
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrcn_data.errors import ShardError
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.verify import verify
from lrcn_model import ClipBatch, ShardDataset
from lrcn_model.reading.webdataset_reader import WebdatasetReader

MakeDataSet = Callable[..., Path]
Count = Callable[[int, int], int]
SHARD = "train-000.tar"
COPY_AGAIN = "copy the shard again"


@pytest.fixture
def folder(make_data_set: MakeDataSet) -> Path:
    return make_data_set(samples={"train": [3]})


@pytest.fixture
def rebuilt(folder: Path) -> Path:
    """The same shard with an index that was made from it."""
    shutil.rmtree(folder / ".meta")
    assert len(list(rebuild_index(folder))) == 3
    return folder


def clips(dataset: ShardDataset) -> list[ClipBatch]:
    return [dataset[number] for number in range(len(dataset))]


def same(one: ClipBatch, other: ClipBatch) -> bool:
    facts = (one.keys, one.videos, one.sources) == (other.keys, other.videos, other.sources)
    return facts and torch.equal(one.frames, other.frames)


def fault_of_reading(
    open_dataset: Callable[[], ShardDataset], sound: list[ClipBatch], damaged: int
) -> str | None:
    """A fault unless an error names the shard, and no clip from the damaged one on is given.

    Args:
        open_dataset: Opens the damaged shard.
        sound: Its clips before it was damaged.
        damaged: Number of the first sample that is damaged.
    """
    given: list[ClipBatch] = []
    try:
        dataset = open_dataset()
        for number in range(len(dataset)):
            given.append(dataset[number])
    except ShardError as error:
        if len(given) > damaged:
            return f"sample {damaged} was given out"
        if not all(map(same, given, sound)):
            return "a sound sample was given out altered"
        named = SHARD in str(error) and COPY_AGAIN in str(error)
        return None if named else f"the error names no shard or no remedy: {error}"
    return "it was read to its end"


def sample_ends(tar: Path) -> list[int]:
    """Where each sample ends, as tarfile sees it."""
    ends: dict[str, int] = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            end = member.offset_data + -(-member.size // 512) * 512
            ends[member.name.partition(".")[0]] = end
    return list(ends.values())


def kind_of_bytes(tar: Path) -> list[str]:
    """What each byte of a tar belongs to."""
    kinds = ["the tar's end"] * tar.stat().st_size
    with tarfile.open(tar) as archive:
        for member in archive:
            data, end = member.offset_data, member.offset_data + member.size
            padded = data + -(-member.size // 512) * 512
            kinds[member.offset : data] = ["headers"] * (data - member.offset)
            kind = "frames" if member.name.endswith(".jpg") else "labels and records"
            kinds[data:end] = [kind] * member.size
            kinds[end:padded] = ["padding"] * (padded - end)
    return kinds


def flips(tar: Path, count: int) -> list[tuple[int, int]]:
    """(byte, bit) to flip."""
    rng = random.Random(17)
    size = tar.stat().st_size
    return [(rng.randrange(size), 1 << rng.randrange(8)) for _ in range(count)]


def check_cuts(folder: Path, tally: Any, *, step: int) -> None:
    """Cut a shard before it is opened, and while it is open."""
    tar = folder / SHARD
    whole, ends = tar.read_bytes(), sample_ends(tar)
    opened = ShardDataset(folder)
    sound = clips(opened)
    cuts = range(0, len(whole), step)
    for cut in cuts:
        tar.write_bytes(whole[:cut])
        damaged = sum(end <= cut for end in ends)
        # the last sample is the one whose reading looks at the tar's end
        damaged = min(damaged, len(ends) - 1)
        for how, open_dataset in (
            ("before it was opened", lambda: ShardDataset(folder)),
            ("while it was open", lambda: copy.deepcopy(opened)),
        ):
            fault = fault_of_reading(open_dataset, sound, damaged)
            tally.add(fault and f"cut at byte {cut} {how}: {fault}")
    tally.check(2 * len(cuts))


def check_flips(folder: Path, tally: Any, count: int) -> None:
    """Flip one bit after another and read."""
    tar = folder / SHARD
    whole, ends, kinds = tar.read_bytes(), sample_ends(tar), kind_of_bytes(tar)
    sound = clips(ShardDataset(folder))
    where: Counter[str] = Counter()
    for place, bit in flips(tar, count):
        damaged = bytearray(whole)
        damaged[place] ^= bit
        tar.write_bytes(damaged)
        number = min(sum(end <= place for end in ends), len(ends) - 1)
        fault = fault_of_reading(lambda: ShardDataset(folder), sound, number)
        tally.add(fault and f"byte {place} bit {bit} ({kinds[place]}): {fault}")
        where[kinds[place]] += fault is None
    tally.note("found in " + ", ".join(f"{kind}: {n}" for kind, n in sorted(where.items())))
    tally.check(count)


@pytest.mark.promise(17, "a shard cut every 512 bytes, before it is opened and while it is open")
def test_every_cut_is_found(folder: Path, tally: Any, count: Count) -> None:
    check_cuts(folder, tally, step=count(5, 1) * 512)


@pytest.mark.promise(17, "the same with an index made by `lrcn-data index`")
def test_every_cut_is_found_by_a_rebuilt_index(rebuilt: Path, tally: Any, count: Count) -> None:
    check_cuts(rebuilt, tally, step=count(5, 1) * 512)


@pytest.mark.promise(17, "a bit flipped anywhere in a shard")
def test_every_flipped_bit_is_found(folder: Path, tally: Any, count: Count) -> None:
    check_flips(folder, tally, count(100, 2000))


@pytest.mark.promise(17, "a bit flipped; with an index made by `lrcn-data index`")
def test_every_flipped_bit_is_found_by_a_rebuilt_index(
    rebuilt: Path, tally: Any, count: Count
) -> None:
    check_flips(rebuilt, tally, count(50, 2000))


@pytest.mark.promise(17, "a bit flipped; `lrcn-data verify` names the shard")
def test_every_flipped_bit_is_found_by_verify(folder: Path, tally: Any, count: Count) -> None:
    tar = folder / SHARD
    whole = tar.read_bytes()
    wanted = count(30, 2000)
    for place, bit in flips(tar, wanted):
        damaged = bytearray(whole)
        damaged[place] ^= bit
        tar.write_bytes(damaged)
        named = SHARD in {fault.file for fault in verify(str(folder))}
        tally.add(None if named else f"byte {place} bit {bit}")
    tally.check(wanted)


@pytest.mark.promise(17, "no index is made of a shard that was cut or has a flipped bit")
def test_no_index_is_made_of_a_damaged_shard(folder: Path, tally: Any, count: Count) -> None:
    tar = folder / SHARD
    whole = tar.read_bytes()
    shutil.rmtree(folder / ".meta")
    damaged = [whole[:cut] for cut in range(0, len(whole), count(20, 1) * 512)]
    for place, bit in flips(tar, count(30, 2000)):
        altered = bytearray(whole)
        altered[place] ^= bit
        damaged.append(bytes(altered))
    for number, data in enumerate(damaged):
        tar.write_bytes(data)
        try:
            list(rebuild_index(str(folder)))
            fault = "it was made"
        except ShardError as error:
            fault = "" if SHARD in str(error) else f"the error names no shard: {error}"
        left = [path.name for path in (folder / ".meta").iterdir()]
        tally.add(f"damage {number}: {fault} {left}" if fault or left else None)
    tally.check(len(damaged))


@pytest.mark.promise(17, "a bit flipped; --reader webdataset, by the end of the shard")
def test_every_flipped_bit_is_found_by_the_end_of_a_shard_read_in_sequence(
    folder: Path, tally: Any, count: Count
) -> None:
    tar = folder / SHARD
    whole = tar.read_bytes()
    wanted, altered = count(20, 2000), 0
    sound = {batch.keys: batch for batch in WebdatasetReader(folder, batch_size=1)}
    for place, bit in flips(tar, wanted):
        damaged = bytearray(whole)
        damaged[place] ^= bit
        tar.write_bytes(damaged)
        given, fault = [], "it was read to its end"
        try:
            for batch in WebdatasetReader(folder, batch_size=1, shuffle=False):
                given.append(batch)
        except ShardError as error:
            fault = "" if SHARD in str(error) else f"the error names no shard: {error}"
        tally.add(f"byte {place} bit {bit}: {fault}" if fault else None)
        altered += not all(
            batch.keys in sound and same(batch, sound[batch.keys]) for batch in given
        )
    tally.note(f"in {altered} of {wanted} an altered sample had been given out by then")
    tally.check(wanted)


@pytest.mark.promise(17, "a bit flipped in a shard's .npz: found, or without effect")
def test_every_flipped_bit_of_a_shards_arrays_is_found_or_without_effect(
    make_data_set: MakeDataSet, tally: Any, count: Count
) -> None:
    folder = make_data_set(samples={"train": [3]}, sizes=((8, 8),), own_arrays=True)
    check_index_flips(folder, "train-000.npz", tally, count(300, 2000))


@pytest.mark.promise(17, "a bit flipped in a split's index: found, or without effect")
def test_every_flipped_bit_of_a_splits_index_is_found_or_without_effect(
    make_data_set: MakeDataSet, tally: Any, count: Count
) -> None:
    folder = make_data_set(samples={"train": [3]}, sizes=((8, 8),))
    check_index_flips(folder, "train.npy", tally, count(300, 2000))


@pytest.mark.promise(17, "a bit flipped in the pixel sum: found, or without effect")
def test_every_flipped_bit_of_the_pixel_sum_is_found_or_without_effect(
    make_data_set: MakeDataSet, tally: Any, count: Count
) -> None:
    folder = make_data_set(samples={"train": [3]}, sizes=((8, 8),))
    check_index_flips(folder, "pixel_sum.npz", tally, count(300, 2000))


def check_index_flips(folder: Path, name: str, tally: Any, wanted: int) -> None:
    """Flip one bit after another of a file in .meta and read everything."""
    arrays = folder / ".meta" / name
    whole = arrays.read_bytes()
    expected = clips(ShardDataset(folder))
    sums = ShardDataset(folder).data_set.pixel_sums()[(8, 8)]
    refused = 0
    for place, bit in flips(arrays, wanted):
        damaged = bytearray(whole)
        damaged[place] ^= bit
        arrays.write_bytes(damaged)
        try:
            dataset = ShardDataset(folder)
            found, frames = dataset.data_set.pixel_sums()[(8, 8)]
            unchanged = all(map(same, clips(dataset), expected)) and frames == sums[1]
            unchanged = unchanged and np.array_equal(found, sums[0])
            tally.add(None if unchanged else f"byte {place} bit {bit} had an effect")
        except ShardError:
            refused += 1
            tally.add()
    tally.note(f"{refused} refused, the rest without effect")
    tally.check(wanted)
