"""Windows cut from stored ones: what they have is what the stored ones have of each frame."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lrcn_data.errors import UsageError
from lrcn_model.caching.decoded_clips import DecodedClips
from lrcn_model.reading.clip_batch import ClipBatch, Clips, collate
from lrcn_model.reading.recut_clips import RecutClips
from lrcn_model.reading.shard_dataset import ShardDataset

MakeDataSet = Callable[..., Path]

WINDOWS = {"recipe": {"sampling": "windows"}, "labels_in_time": True}


class Means:
    """Stored windows with the mean of each frame as its only feature."""

    def __init__(self, data: Clips) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        batch = self.data.__getitems__(indices)
        rows = [means(frames) for frames in batch.clip_frames()]
        together = torch.cat(rows) if batch.frame_counts is not None else torch.stack(rows)
        return replace(batch, pixels=torch.empty(0, dtype=torch.uint8), features=together)


def means(frames: Tensor) -> Tensor:
    return frames.float().mean(dim=(1, 2, 3))[:, None]


@pytest.fixture(params=[False, True], ids=["one length", "several lengths"])
def data(make_data_set: MakeDataSet, request: pytest.FixtureRequest) -> ShardDataset:
    folder = make_data_set(
        samples={"train": [6, 4]}, seq_len=5, variable_length=request.param, **WINDOWS
    )
    return ShardDataset(str(folder))


def by_frame(data: ShardDataset) -> dict[tuple[int, int], tuple[Tensor, int, float, str]]:
    """Pixels, class, time and video of each frame, by its video's number and its place in it."""
    found, video = {}, -1
    for number in range(len(data)):
        batch = data.__getitems__([number])
        assert batch.positions is not None
        assert batch.frame_times is not None
        video += int(batch.positions) == 0
        for frame in range(int(batch.num_valid)):
            found[video, int(batch.positions) + frame] = (
                batch.clip_frames()[0][frame],
                int(batch.frame_labels[0, frame]),
                float(batch.frame_times[0, frame]),
                batch.videos[0],
            )
    return found


def check(recut: RecutClips, data: ShardDataset, batch: ClipBatch) -> None:
    frames, windows = by_frame(data), recut.windows
    assert batch.positions is not None
    assert batch.frame_times is not None
    rows = batch.clip_frames() if batch.features is None else [*_features(batch)]
    for place, number in enumerate(batch.indices.tolist()):
        start, length = int(windows.starts[number]), int(windows.lengths[number])
        video = int(windows.of_video[number])
        wanted = [frames[video, frame] for frame in range(start, start + length)]
        pixels = torch.stack([frame[0] for frame in wanted])
        assert torch.equal(rows[place], pixels if batch.features is None else means(pixels))
        assert batch.frame_labels[place, :length].tolist() == [frame[1] for frame in wanted]
        assert batch.frame_times[place, :length].tolist() == [frame[2] for frame in wanted]
        assert (batch.frame_labels[place, length:] == -1).all()
        assert {batch.videos[place]} == {frame[3] for frame in wanted}
        assert batch.positions[place] == start
        assert batch.num_valid[place] == length


def _features(batch: ClipBatch) -> Sequence[Tensor]:
    assert batch.features is not None
    if batch.frame_counts is None:
        return list(batch.features)
    return torch.split(batch.features, batch.frame_counts.tolist())


@pytest.mark.parametrize(("length", "stride"), [(3, 2), (4, None), (7, 7), (None, None)])
@pytest.mark.parametrize("kind", ["shards", "decoded", "features"])
def test_a_window_has_the_frames_of_its_video(
    data: ShardDataset, kind: str, length: int | None, stride: int | None
) -> None:
    recut = RecutClips.cut(data, length=length, stride=stride)
    if kind == "decoded":
        everything = data.__getitems__(range(len(data)))
        recut = recut.of_cached(DecodedClips([pickle.loads(pickle.dumps(everything))]))
    if kind == "features":
        recut = recut.of_cached(Means(data))
    backwards = list(range(len(recut)))[::-1]

    check(recut, data, recut.__getitems__(backwards))
    assert sum(recut.shard_samples) == len(recut)


def test_windows_come_from_worker_processes(data: ShardDataset) -> None:
    recut = RecutClips.cut(data, length=7, stride=3)
    loader = DataLoader(recut, batch_size=3, num_workers=1, collate_fn=collate)

    batches = list(loader)

    assert sum(map(len, batches)) == len(recut)
    for batch in batches:
        check(recut, data, batch)


def test_a_window_counts_as_the_rarest_class_that_it_holds(data: ShardDataset) -> None:
    labels = [frame[1] for frame in by_frame(data).values()]

    for windows in (data, RecutClips.cut(data, length=3, stride=3)):
        rows = windows.__getitems__(range(len(windows))).frame_labels.tolist()
        for row, group in zip(rows, windows.label_groups.tolist(), strict=True):
            held = set(row) - {-1}
            assert group in (held or {-1})
            assert all(labels.count(group) <= labels.count(other) for other in held)


def test_clips_that_are_no_windows_are_not_cut(make_data_set: MakeDataSet) -> None:
    blocks = ShardDataset(str(make_data_set(labels_in_time=True, recipe={"sampling": "blocks"})))
    with pytest.raises(UsageError, match="was made with --sampling blocks; make shards with"):
        RecutClips.cut(blocks, length=2, stride=1)
    whole = ShardDataset(str(make_data_set("whole", recipe={"sampling": "windows"})))
    with pytest.raises(UsageError, match="has labels of whole clips, and --window"):
        RecutClips.cut(whole, length=2, stride=1)


def test_a_video_whose_beginning_is_not_named_is_refused(make_data_set: MakeDataSet) -> None:
    data = ShardDataset(str(make_data_set(samples={"train": [3, 3]}, **WINDOWS)))
    numbers = data.data_set.clip_numbers
    assert numbers is not None
    # as those of a shard that goes on with the video of one that isn't there
    data.data_set.clip_numbers = np.concatenate([numbers[:3], numbers[3:] + 1])
    with pytest.raises(UsageError, match=r"train-001\.tar goes on with a video .* name all shards"):
        RecutClips.cut(data, length=2, stride=1)
