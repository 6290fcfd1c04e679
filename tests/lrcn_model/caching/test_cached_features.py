"""Features that are computed once: the same as those computed every time, and never half there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.caching.cached_features import CachedFeatures, FeatureMaker
from lrcn_model.caching.feature_folder import FeatureFolder
from lrcn_model.caching.feature_key import FeatureKey, FixedView, feature_key
from lrcn_model.nets.net import LRCN, NetConfig
from lrcn_model.processor import Processor, choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.augmentation import Augmentation
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset

CPU = choose_processor("cpu", "off")


class Extractor:
    """A frozen CNN that counts the clips it has seen."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.net = LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), lstm_hidden=4)).eval()
        self.preprocess = Preprocess.for_net(self.net, torch.tensor([100.0, 110.0, 120.0]))
        self.clips: list[str] = []
        self.maker = FeatureMaker(compute=self.compute, workers=0, processor=CPU, ranks=Ranks())

    @torch.no_grad()
    def compute(self, batch: ClipBatch) -> Tensor:
        self.clips += batch.keys
        return self.net.features(self.preprocess(batch), batch.lengths)

    def folder(self, runs: Path) -> FeatureFolder:
        return FeatureFolder(runs, feature_key(self.net, self.preprocess, CPU))

    def cached(self, data: ShardDataset, runs: Path, **others: Any) -> CachedFeatures:
        clips = self.maker.cached(data, self.folder(runs), **others)
        assert clips is not None
        return clips


@pytest.fixture(params=["one label", "several labels", "several lengths", "labels in time"])
def data(request: pytest.FixtureRequest, make_data_set: Callable[..., Path]) -> ShardDataset:
    folder = make_data_set(
        samples={"train": [19, 3, 5]},
        sizes=((32, 32), (40, 24)),
        multi_label=request.param == "several labels",
        variable_length=request.param == "several lengths",
        labels_in_time=request.param == "labels in time",
    )
    return ShardDataset(folder)


def test_a_batch_has_all_that_one_from_the_shards_has_but_features_for_pixels(
    data: ShardDataset, tmp_path: Path
) -> None:
    extractor = Extractor()
    cached = extractor.cached(data, tmp_path)
    assert len(cached) == len(data) == 27
    numbers = [25, 0, 18, 19, 21, 0]
    batch, expected = cached.__getitems__(numbers), data.__getitems__(numbers)
    for field in fields(ClipBatch):
        found, wanted = getattr(batch, field.name), getattr(expected, field.name)
        if field.name in ("pixels", "sizes", "features"):
            continue
        if isinstance(wanted, Tensor):
            assert found.dtype == wanted.dtype
            assert torch.equal(found, wanted), field.name
        else:
            assert found == wanted, field.name
    assert batch.features is not None
    assert torch.equal(batch.features, extractor.compute(expected))
    assert batch.seq_len == expected.seq_len
    assert len(batch.pixels) == 0


def test_a_clip_is_computed_once_for_all(data: ShardDataset, tmp_path: Path) -> None:
    first = Extractor()
    first.cached(data, tmp_path)
    assert len(first.clips) == 27
    second = Extractor()
    told = []
    second.cached(data, tmp_path, on_clips=lambda done, clips: told.append((done, clips)))
    assert second.clips == told == []


def test_one_that_is_stopped_loses_only_the_shard_underway(
    data: ShardDataset, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    extractor = Extractor()
    stopped = extractor.maker.cached(
        data,
        extractor.folder(tmp_path),
        on_clips=lambda done, clips: told.append((done, clips)),
        go_on=lambda: len(told) < 4,
    )
    assert stopped is None
    # 16 and 3 clips of the first shard, 3 of the second, 5 of the third
    assert told == [(16, 27), (19, 27), (22, 27), (27, 27)]
    again = Extractor()
    again.cached(data, tmp_path)
    assert again.clips == extractor.clips[22:]


@pytest.mark.parametrize("variable_length", [False, True])
def test_a_shard_without_clips_has_no_features(
    make_data_set: Callable[..., Path], tmp_path: Path, variable_length: bool
) -> None:
    samples, sizes = {"train": [2, 0, 3]}, ((32, 32),)
    folder = make_data_set(samples=samples, sizes=sizes, variable_length=variable_length)
    extractor, data = Extractor(), ShardDataset(folder)
    batch = extractor.cached(data, tmp_path).__getitems__([4, 1])
    assert batch.features is not None
    assert torch.equal(batch.features, extractor.compute(data.__getitems__([4, 1])))


def test_other_shards_of_the_data_set_are_added(
    make_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_data_set(samples={"train": [2, 3], "val": [4]}, sizes=((32, 32),))
    Extractor().cached(ShardDataset(folder / "train-001.tar"), tmp_path)
    extractor = Extractor()
    extractor.cached(ShardDataset(folder), tmp_path)
    assert len(extractor.clips) == 6


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_computed_anew(data: ShardDataset, tmp_path: Path, damage: str) -> None:
    extractor = Extractor()
    whole = extractor.cached(data, tmp_path).__getitems__(range(27))
    file = sorted(extractor.folder(tmp_path).path.glob("*.safetensors"))[0]
    content = bytearray(file.read_bytes())
    file.unlink()
    content[-9] ^= 1
    file.write_bytes({"cut": content[:-30], "changed": content, "empty": b""}[damage])
    extractor.clips.clear()
    again = extractor.cached(data, tmp_path).__getitems__(range(27))
    assert 0 < len(extractor.clips) < 27
    assert whole.features is not None
    assert again.features is not None
    assert torch.equal(again.features, whole.features)


def test_a_leftover_of_a_killed_training_is_removed(data: ShardDataset, tmp_path: Path) -> None:
    extractor = Extractor()
    folder = extractor.folder(tmp_path)
    with folder.held():
        leftover = folder.path / "ab.safetensors.123.partial"
        leftover.write_bytes(b"half")
    extractor.cached(data, tmp_path)
    assert not leftover.exists()


def test_names_of_videos_that_are_no_text_are_kept(
    make_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    data = ShardDataset(make_data_set(samples={"train": [2]}, sizes=((32, 32),)))
    folder = Extractor().folder(tmp_path)
    cached = Extractor().cached(data, tmp_path)
    odd = cached._shards[0]
    videos = ("caf\udce9.avi", "日本.avi")
    folder.write("x", replace(odd, videos=videos))
    found = folder.read("x")
    assert found is not None
    assert found.videos == videos


def other_keys() -> dict[str, Callable[[Extractor], FeatureKey]]:
    def weight(extractor: Extractor) -> FeatureKey:
        parameter = next(extractor.net.cnn.parameters())
        parameter.data.view(-1)[0] += 1e-6
        return feature_key(extractor.net, extractor.preprocess, CPU)

    def statistic(extractor: Extractor) -> FeatureKey:
        extractor.net.cnn.register_buffer("running", torch.ones(1))
        return feature_key(extractor.net, extractor.preprocess, CPU)

    def mean(extractor: Extractor) -> FeatureKey:
        extractor.preprocess.mean[0] += 1
        return feature_key(extractor.net, extractor.preprocess, CPU)

    def precision(extractor: Extractor) -> FeatureKey:
        half = Processor(device=torch.device("cpu"), amp_type=torch.bfloat16)
        return feature_key(extractor.net, extractor.preprocess, half)

    def size(extractor: Extractor) -> FeatureKey:
        net = LRCN(NetConfig(classes=3, cnn="small", size=(40, 32), lstm_hidden=4))
        net.cnn.load_state_dict(extractor.net.cnn.state_dict())
        return feature_key(net, extractor.preprocess, CPU)

    def view(extractor: Extractor) -> FeatureKey:
        fixed = FixedView(number=1, augmentation=Augmentation(flip=0.5))
        return feature_key(extractor.net, extractor.preprocess, CPU, fixed)

    return {
        "a weight": weight,
        "a buffer": statistic,
        "the mean": mean,
        "the precision": precision,
        "the size": size,
        "the view": view,
    }


@pytest.mark.parametrize("change", list(other_keys()))
def test_what_features_depend_on_gives_another_key(change: str) -> None:
    before = Extractor()
    key = feature_key(before.net, before.preprocess, CPU).digest
    assert other_keys()[change](Extractor()).digest != key


def test_what_features_do_not_depend_on_keeps_the_key() -> None:
    one = Extractor()
    other = LRCN(NetConfig(classes=9, cnn="small", size=(32, 32), head="gru"))
    other.cnn.load_state_dict(one.net.cnn.state_dict())
    keys = [feature_key(net, one.preprocess, CPU).digest for net in (one.net, other)]
    assert keys[0] == keys[1]


def test_a_folder_that_can_not_be_written_to_is_named(data: ShardDataset, tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file")
    with pytest.raises(UsageError, match=r"features.*can't be written to.*--out.*--cache off"):
        Extractor().cached(data, tmp_path)
