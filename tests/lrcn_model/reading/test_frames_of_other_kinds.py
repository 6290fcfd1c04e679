"""Batches and preprocessing of frames that aren't RGB, and what of it a run records."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import MANIFEST, META
from lrcn_data.format.frame_kind import FrameKind, size_error
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.format.shard_writer import ShardWriter
from lrcn_data.pixels import RGB, Picture
from lrcn_model import (
    ClipBatch,
    Preprocess,
    ShardDataset,
    WebdatasetReader,
    collate,
    evaluate,
)
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.augmentation import ClipChange
from lrcn_model.reading.open_shards import Wanted, check_fits
from lrcn_model.scoring.trained_run import RunFacts, TrainedRun
from lrcn_model.training.data import TrainData
from lrcn_model.training.options import TrainOptions

SIZE, SEQ_LEN = (6, 4), 3
FLIP = ClipChange(left=0, top=0, scale=1, flip=True, brightness=1, contrast=1, saturation=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow(FrameKind):
    """Two channels, of which the first is a movement to the right."""

    version: ClassVar[str] = "1"
    channels: ClassVar[int] = 2
    ending: ClassVar[str] = "raw"
    coding: ClassVar[str] = "raw picture"
    starts_with: ClassVar[bytes] = b"raw:"
    mirrored_channels: ClassVar[tuple[int, ...]] = (0,)

    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        return rgb[:, :, :2]

    def encode(self, picture: Picture, quality: int) -> bytes:
        return b"raw:%d:%d:" % picture.shape[:2] + picture.tobytes()

    def decode(self, data: memoryview, into: Picture) -> None:
        _, height, width, pixels = bytes(data).split(b":", 3)
        if (int(height), int(width)) != into.shape[:2]:
            raise size_error(int(width), int(height), into)
        into[:] = np.frombuffer(pixels, np.uint8).reshape(into.shape)


NAME = f"{__name__}:Flow"
KIND = Flow(name=NAME)


def pictures(clip: int) -> np.ndarray:
    shape = (SEQ_LEN, SIZE[1], SIZE[0], 2)
    return np.random.default_rng(clip).integers(0, 256, shape, np.uint8)


def write(
    folder: Path, change: Callable[[list[bytes]], list[bytes]] = list, kind: str = NAME
) -> Path:
    """A data set of three clips."""
    data_set = DataSetFolder(folder)
    data_set.make(META)
    layout, sums = SampleLayout(seq_len=SEQ_LEN, frame_kind=KIND), PixelSums(SIZE, 2)
    with ShardWriter(folder, "train-000", layout=layout, canvas=SIZE) as writer:
        for clip in range(3):
            record = SampleRecord(
                key=f"k{clip}",
                video=f"v{clip}.avi",
                label=0,
                class_name="a",
                split="train",
                clip=0,
                fps=5.0,
                source_fps=25.0,
                width=SIZE[0],
                height=SIZE[1],
                frame_times=[0.0] * SEQ_LEN,
                num_valid=SEQ_LEN,
                labels=[0] * SEQ_LEN,
                segment=[0.0, 1.0],
                salvaged=False,
            )
            writer.write(record, change([KIND.encode(p, 90) for p in pictures(clip)]))
            for picture in pictures(clip):
                sums.add(picture)
        writer.add_pixels(sums)
        written = writer.finish(fingerprint="", split="train", videos=3, rejected=[], sources=[])
    manifest = Manifest(
        complete=True,
        fingerprint="",
        options={"fps": "5", "seq_len": SEQ_LEN, "frame_kind": kind, "plugins": {kind: "1"}},
        lists={},
        classes=["a", "b"],
        tools={},
        canvas=list(SIZE),
        shards=[written.record.entry],
    )
    data_set.put_shard(written)
    data_set.write_manifest(manifest)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> ShardDataset:
    return ShardDataset(write(tmp_path / "shards"), plugins=[NAME])


def test_frames_that_another_version_of_a_plug_in_made_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "shards")
    monkeypatch.setattr(Flow, "version", "2")
    with pytest.raises(
        UsageError, match=r"made with version 1 of .*:Flow, which has version 2 here"
    ):
        ShardDataset(folder, plugins=[NAME])


def frames_of(batches: Iterator[ClipBatch]) -> dict[str, np.ndarray]:
    return {
        key: frames.numpy().copy()
        for batch in batches
        for key, frames in zip(batch.keys, batch.clip_frames(), strict=True)
    }


def test_both_readers_give_the_pictures_that_were_written(data: ShardDataset) -> None:
    streamed = WebdatasetReader(
        data.data_set.shards[0].location, plugins=[NAME], batch_size=2, shuffle=False
    )
    loaded = DataLoader(data, batch_size=2, collate_fn=collate, num_workers=1)
    for batches in (iter(streamed), iter(loaded), iter([data.__getitems__([0, 1, 2])])):
        found = frames_of(batches)
        assert sorted(found) == ["k0", "k1", "k2"]
        assert all(np.array_equal(found[f"k{clip}"], pictures(clip)) for clip in range(3))


def test_the_frames_of_a_batch_have_their_channels(data: ShardDataset) -> None:
    batch = data.__getitems__([0, 1])
    assert batch.frames.shape == (2, SEQ_LEN, SIZE[1], SIZE[0], 2)
    for copy in (pickle.loads(pickle.dumps(batch)), pickle.loads(ForkingPickler.dumps(batch))):
        assert copy.channels == 2
        assert torch.equal(copy.frames, batch.frames)


def test_the_mean_image_has_their_channels(data: ShardDataset) -> None:
    mean = np.mean([pictures(clip) for clip in range(3)], axis=(0, 1)).transpose(2, 0, 1)
    assert np.allclose(data.mean_image(SIZE).numpy(), mean)


@pytest.mark.parametrize("opened", [ShardDataset, WebdatasetReader, open_data_set])
def test_no_reader_imports_a_plugin_that_is_not_named(tmp_path: Path, opened: Any) -> None:
    folder = write(tmp_path / "shards", kind="nowhere.at_all:Flow")
    with pytest.raises(UsageError, match=r"give --frame-kind nowhere\.at_all:Flow"):
        opened(folder)


def test_data_sets_of_different_kinds_are_not_read_together(
    tmp_path: Path, make_data_set: Callable[..., Path]
) -> None:
    ours = make_data_set("rgb", seq_len=SEQ_LEN, classes=1)
    manifest = Manifest.from_json((ours / MANIFEST).read_bytes())
    (ours / MANIFEST).write_bytes(replace(manifest, classes=["a", "b"]).to_json())
    with pytest.raises(ShardError, match=rf"differ in frame kind \(rgb and {NAME}\)"):
        open_data_set([ours, write(tmp_path / "flow")], plugins=[NAME])


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        (b"raw:6:4:" + bytes(48), "frame 0 has 4x6 pixels where its json says 6x4; make the shard"),
        (b"raw:4:6:" + bytes(47), "frame 0 can't be decoded: "),
        (b"jpeg", "has something else than a raw picture as its frame 0"),
    ],
)
def test_a_damaged_frame_is_named(tmp_path: Path, encoded: bytes, said: str) -> None:
    folder = write(tmp_path / "shards", lambda frames: [encoded, *frames[1:]])
    with pytest.raises(ShardError, match=said):
        ShardDataset(folder, plugins=[NAME])[0]


@pytest.mark.parametrize("own", [(0.0, 0.0), (0.3, 0.7)])
def test_a_flipped_clip_is_the_mirrored_one_where_the_cnn_has_a_mean_of_its_own(
    data: ShardDataset, own: tuple[float, float]
) -> None:
    preprocess = Preprocess(
        SIZE,
        channels=2,
        expects=Expects(mean=own, std=(0.5, 2.0)),
        mirrored_channels=KIND.mirrored_channels,
    )
    batch = data.__getitems__([0])
    [found] = preprocess(batch, [FLIP])
    mirrored = batch.frames[0].permute(0, 3, 1, 2).flip(-1).clone()
    mirrored[:, 0] = 255 - mirrored[:, 0]
    torch.testing.assert_close(found, preprocess.core(mirrored), atol=1e-6, rtol=0)


@pytest.mark.parametrize("mean", ["image", "colour", "none"])
def test_a_flip_exchanges_left_and_right_also_within_mirrored_channels(
    data: ShardDataset, mean: str
) -> None:
    image = data.mean_image(SIZE).double()
    means = {"image": image, "colour": image.mean((1, 2))[:, None, None].expand_as(image)}
    subtracted = means.get(mean, torch.zeros_like(image))
    preprocess = Preprocess(
        SIZE,
        None if mean == "none" else subtracted,
        channels=2,
        mirrored_channels=KIND.mirrored_channels,
    )
    batch = data.__getitems__([0])
    [found] = preprocess(batch, [FLIP])
    pixels = batch.frames[0].permute(0, 3, 1, 2).double()
    to_right, down = ((pixels - subtracted) / 255).unbind(1)
    # the deviation from the mean is turned round; where there is no mean, the value is
    turned = -to_right if mean != "none" else 1 - to_right
    expected = torch.stack([turned.flip(-1), down.flip(-1)], dim=1)
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


def test_views_are_scored_with_their_movements_turned_round(data: ShardDataset) -> None:
    torch.manual_seed(0)
    net = LRCN(NetConfig(classes=2, cnn="small", size=(32, 32), channels=2)).eval()
    facts = RunFacts(
        classes=["a", "b"],
        seq_len=SEQ_LEN,
        fps=data.fps,
        average="log-probs",
        stored_size=None,
        trained={},
        frame_kind=NAME,
        frame_plugins={NAME: "1"},
    )
    run = TrainedRun(
        net=net,
        preprocess=Preprocess((32, 32), channels=2),
        facts=facts,
        processor=choose_processor("cpu", "off"),
    )
    shard = data.data_set.shards[0].location
    found = evaluate(run, shard, views="flip", plugins=[NAME], workers=0)
    away = {True: 0.0, False: 0.0}
    for number, video in enumerate(found.videos):
        batch = data[number]
        for turned in away:
            mirrored = batch.frames.flip(3).clone()
            if turned:
                mirrored[..., 0] = 255 - mirrored[..., 0]
            both = [run.score(batch), run.score(replace(batch, pixels=mirrored.flatten()))]
            expected = torch.stack(both).mean(dim=0).log_softmax(-1).mean(dim=1)[0]
            away[turned] = max(away[turned], np.abs(video.scores - expected.numpy()).max())
    # resized pixels are rounded before they are turned round, or after it
    assert away[True] < 2e-4
    assert away[False] > 10 * away[True]


def test_jitter_is_refused_where_there_are_no_colours(data: ShardDataset) -> None:
    options = TrainOptions(shards=(data.data_set.shards[0].location,), jitter=0.2, workers=0)
    with pytest.raises(UsageError, match=r"--jitter 0\.2 varies colours, which frames"):
        TrainData(options, Ranks(), choose_processor("cpu", "off"), plugins=[NAME])


def test_frames_without_colours_are_not_jittered(data: ShardDataset) -> None:
    preprocess = Preprocess(SIZE, channels=2)
    with pytest.raises(UsageError, match="which frames of 2 channels don't have; leave it out"):
        preprocess(data.__getitems__([0]), [replace(FLIP, brightness=1.1)])


def test_shards_of_another_kind_than_a_runs_are_refused(data: ShardDataset) -> None:
    with pytest.raises(UsageError, match=rf"frames of the kind {NAME}, the run has rgb; make"):
        check_fits(
            data,
            Wanted(what="the run has", classes=["a"], seq_len=SEQ_LEN, frame_kind="rgb", recipe={}),
            allow_other_sampling=False,
        )
