from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.whole_sum import load_whole_sum
from lrcn_data.inspecting.stats import PixelStats, compute_stats, write_stats

MakeDataSet = Callable[..., Path]


def frames_of(folder: Path, pattern: str) -> list[np.ndarray]:
    """Every frame of some shards, by Python's tarfile and Pillow."""
    frames = []
    for path in sorted(folder.glob(pattern)):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".jpg"):
                    file = tar.extractfile(member)
                    assert file
                    frames.append(np.asarray(Image.open(io.BytesIO(file.read()))))
    return frames


def pixels_of(frames: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([frame.reshape(-1, 3) for frame in frames]).astype(float)


def test_the_standard_deviation_is_that_of_all_train_pixels(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(sizes=((32, 24), (40, 16)))
    stats, _ = compute_stats(str(folder), workers=2)
    pixels = pixels_of(frames_of(folder, "train-*.tar"))
    # Pillow's and simplejpeg's decoders may round differently
    assert stats.pixels.std == pytest.approx(pixels.std(0), abs=0.2)


def test_the_mean_is_that_of_the_exact_sums(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(smooth=True)
    stats, image = compute_stats(str(folder), workers=1)
    total, count = load_whole_sum(DataSetFolder(folder), canvas=(32, 24), channels=3)
    assert stats.pixels == PixelStats(
        split="train",
        frames=20,
        canvas=(32, 24),
        exact=True,
        mean=pytest.approx((total / count).mean((0, 1)).tolist(), rel=1e-12),
        std=stats.pixels.std,
    )
    assert np.abs(image - total / count).max() <= 0.5
    pixels = pixels_of(frames_of(folder, "train-*.tar"))
    assert stats.pixels.mean == pytest.approx(pixels.mean(0), abs=2)


def test_frames_of_other_sizes_make_the_mean_inexact(make_data_set: MakeDataSet) -> None:
    stats, _ = compute_stats(str(make_data_set(sizes=((32, 24), (40, 16)))), workers=1)
    assert not stats.pixels.exact
    assert stats.frame_sizes == {"32x24": 4, "40x16": 3}


def test_clips_videos_and_rejects_are_counted(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [30, 20], "val": [5], "test": [9]})
    stats, _ = compute_stats(str(folder), workers=2)
    assert {name: (s.shards, s.videos, s.clips, s.frames) for name, s in stats.splits.items()} == {
        "train": (2, 51, 50, 200),
        "val": (1, 6, 5, 20),
        "test": (1, 10, 9, 36),
    }
    assert stats.splits["train"].bytes == sum(
        path.stat().st_size for path in folder.glob("train-*.tar")
    )
    assert stats.rejects == {"short": {"train": 1, "val": 1, "test": 1}}
    assert [row.name for row in stats.classes] == ["class 0", "class 1", "class 2"]
    assert sum(row.clips["train"] for row in stats.classes) == 50
    assert {split: length.median for split, length in stats.seconds.items()} == {
        "train": 0.8,
        "val": 0.8,
        "test": 0.8,
    }
    # the clips of one video count once
    assert stats.seconds["train"].total == pytest.approx(25 * 0.8)


def test_any_number_of_threads_finds_the_same(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3, 4, 5, 6], "test": [2]})
    one, image = compute_stats(str(folder), workers=1)
    four, same = compute_stats(str(folder), workers=4)
    assert one == four
    assert np.array_equal(image, same)


def test_without_a_train_split_all_frames_are_described(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"val": [2], "test": [3]})
    stats, _ = compute_stats(str(folder), workers=1)
    assert (stats.pixels.split, stats.pixels.frames) == ("all", 20)
    pixels = pixels_of(frames_of(folder, "*.tar"))
    assert stats.pixels.std == pytest.approx(pixels.std(0), abs=0.2)


def test_an_empty_shard_is_counted(make_data_set: MakeDataSet) -> None:
    stats, _ = compute_stats(str(make_data_set(samples={"train": [2, 0]})), workers=1)
    assert (stats.splits["train"].shards, stats.splits["train"].clips) == (2, 2)


def test_every_clip_is_reported_once(make_data_set: MakeDataSet) -> None:
    started: list[tuple[int, int]] = []
    clips: list[None] = []
    compute_stats(
        str(make_data_set()),
        workers=2,
        on_start=lambda *numbers: started.append(numbers),
        on_clip=lambda: clips.append(None),
    )
    assert started == [(7, 7)]
    assert len(clips) == 7


def test_what_is_written_says_the_same(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    stats, image = compute_stats(str(folder), workers=1)
    write_stats(DataSetFolder(folder), stats, image)
    written = json.loads((folder / "stats.json").read_text())
    assert written["pixels"]["mean"] == stats.pixels.mean
    assert written["splits"]["train"]["clips"] == 5
    with Image.open(folder / "mean.png") as picture:
        assert np.array_equal(np.asarray(picture), image)
    first = (folder / "stats.json").read_bytes(), (folder / "mean.png").read_bytes()
    write_stats(DataSetFolder(folder), *compute_stats(str(folder), workers=3))
    assert ((folder / "stats.json").read_bytes(), (folder / "mean.png").read_bytes()) == first


def test_a_damaged_shard_is_not_described(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    path = folder / "train-001.tar"
    data = bytearray(path.read_bytes())
    data[1500] ^= 1
    path.write_bytes(data)
    with pytest.raises(ShardError, match=r"train-001\.tar"):
        compute_stats(str(folder), workers=2)


def test_missing_rejects_are_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / "rejected.jsonl").unlink()
    with pytest.raises(ShardError, match=r"rejected\.jsonl can't be read"):
        compute_stats(str(folder), workers=1)
