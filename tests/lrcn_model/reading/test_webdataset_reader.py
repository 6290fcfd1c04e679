"""webdataset's pipeline gives the same clips as random access does, and is as careful."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from lrcn_data.errors import ShardError, UsageError
from lrcn_model import ClipBatch, ShardDataset, collate
from lrcn_model.reading.webdataset_reader import WebdatasetReader

MakeDataSet = Callable[..., Path]


def clips(batches: Iterable[ClipBatch]) -> dict[int, tuple[str, int, list[int], torch.Tensor]]:
    """What there is of each clip, by its number."""
    found = {}
    for batch in batches:
        for place, frames in enumerate(batch.clip_frames()):
            number = int(batch.indices[place])
            assert number not in found
            labels = batch.frame_labels[place].tolist()
            found[number] = (batch.keys[place], int(batch.labels[place]), labels, frames)
    return found


def assert_same_clips(one: Iterable[ClipBatch], other: Iterable[ClipBatch]) -> None:
    ours, theirs = clips(one), clips(other)
    assert sorted(ours) == sorted(theirs)
    for number, (*facts, frames) in ours.items():
        assert list(theirs[number][:3]) == facts
        assert torch.equal(theirs[number][3], frames)


@pytest.mark.parametrize("shuffle", [True, False])
def test_it_gives_the_same_clips_as_random_access(
    make_data_set: MakeDataSet, shuffle: bool
) -> None:
    folder = make_data_set(samples={"train": [3, 0, 4, 1]}, sizes=((32, 24), (40, 16)))
    reader = WebdatasetReader(folder, batch_size=3, shuffle=shuffle)
    dataset = ShardDataset(folder)
    assert (reader.classes, reader.seq_len, reader.fps) == (
        dataset.classes,
        dataset.seq_len,
        dataset.fps,
    )
    assert reader.samples == len(dataset)
    batches = list(reader)
    assert [len(batch) for batch in batches] == [3, 3, 2]
    assert_same_clips(batches, (dataset[i] for i in range(len(dataset))))


def test_without_shuffling_clips_come_in_their_order(make_data_set: MakeDataSet) -> None:
    reader = WebdatasetReader(make_data_set(), batch_size=1, shuffle=False)
    assert [batch.indices.item() for batch in reader] == list(range(7))


def test_the_order_is_repeatable_and_changes_with_the_epoch(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [9, 9]})

    def order(epoch: int) -> list[int]:
        reader = WebdatasetReader(folder, batch_size=1, seed=3)
        reader.set_epoch(epoch)
        return [int(batch.indices) for batch in reader]

    assert order(0) == order(0)
    assert order(0) != order(1)
    assert sorted(order(1)) == list(range(18))


def test_ranks_and_workers_share_the_shards(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2, 1, 3, 2, 1]})
    batches = []
    for rank in range(2):
        reader = WebdatasetReader(folder, rank=rank, ranks=2)
        loader = DataLoader(reader, batch_size=None, num_workers=2, collate_fn=collate)
        batches += list(loader)
    dataset = ShardDataset(folder)
    assert_same_clips(batches, (dataset[i] for i in range(len(dataset))))


def test_more_workers_than_shards_is_no_error(make_data_set: MakeDataSet) -> None:
    reader = WebdatasetReader(make_data_set(samples={"train": [2]}))
    loader = DataLoader(reader, batch_size=None, num_workers=2, collate_fn=collate)
    assert [len(batch) for batch in loader] == [2]


def test_it_needs_no_index(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    for path in (folder / ".meta").iterdir():
        path.unlink()
    assert len(clips(WebdatasetReader(folder))) == 7


def test_a_flipped_bit_is_found_by_the_end_of_its_shard(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    tar = folder / "train-000.tar"
    whole = tar.read_bytes()
    for position in range(0, len(whole), 997):
        damaged = bytearray(whole)
        damaged[position] ^= 4
        tar.write_bytes(damaged)
        with pytest.raises(ShardError, match=r"^\S+train-000\.tar .*lrcn-data verify"):
            list(WebdatasetReader(folder))


@pytest.mark.usefixtures("workers_ended")
def test_damage_found_in_a_worker_is_one_line(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    tar = folder / "train-000.tar"
    tar.write_bytes(tar.read_bytes()[:-600] + bytes([1]) * 600)
    loader = DataLoader(WebdatasetReader(folder), batch_size=None, num_workers=1)
    with pytest.raises(ShardError) as error:
        list(loader)
    assert str(error.value).startswith(f"{tar} does not end as a tar does")
    assert "\n" not in str(error.value)


def test_a_compressed_tar_is_refused(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [1]})
    tar = folder / "train-000.tar"
    tar.write_bytes(gzip.compress(tar.read_bytes(), 0))
    manifest = json.loads((folder / "dataset.json").read_text())
    manifest["shards"][0]["bytes"] = tar.stat().st_size
    (folder / "dataset.json").write_text(json.dumps(manifest))
    with pytest.raises(ShardError, match="something else than a tar header"):
        list(WebdatasetReader(folder))


def test_a_pickle_member_is_never_read(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [1]})
    tar = folder / "train-000.tar"
    with tarfile.open(tar, "a") as archive:
        info = tarfile.TarInfo("train-000-00009.pickle")
        archive.addfile(info, io.BytesIO(b""))
    manifest = json.loads((folder / "dataset.json").read_text())
    manifest["shards"][0]["bytes"] = tar.stat().st_size
    (folder / "dataset.json").write_text(json.dumps(manifest))
    with pytest.raises(ShardError, match=r"train-000\.tar"):
        list(WebdatasetReader(folder))


def test_a_pipe_is_refused() -> None:
    with pytest.raises(UsageError, match="would run a program"):
        WebdatasetReader("pipe:cat x.tar")


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"rank": 1}])
def test_impossible_options_are_refused(
    make_data_set: MakeDataSet, options: dict[str, int]
) -> None:
    with pytest.raises(UsageError, match="got"):
        WebdatasetReader(make_data_set(), **options)  # type: ignore[arg-type]
