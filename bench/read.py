"""What reading clips for training costs, against other ways to the same tensors.

    python bench/read.py [FOLDER_OF_VIDEOS] [--batch-size 16] [--runs 7]

CPU time a sample: eight stored frames of 320x240 to a float tensor of 216x216, less the mean, on
the CPU, in one process and one thread. Without a folder, videos are generated.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import simplejpeg
import torch
import webdataset
from compare import Work, compare, processor_name, show
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lrcn_data.demo.videos import encode_video, plan_demo
from lrcn_data.format.sample_members import Sample
from lrcn_model import EpochSampler, Preprocess, ShardDataset, collate
from lrcn_model.nets.resize import resize

STORED, SIZE = (320, 240), (216, 216)
SEQ_LEN, VIDEOS = 8, 96
ENDINGS = {".avi", ".mp4", ".mkv", ".webm", ".mov"}

Batches = Callable[[], Iterable[Tensor]]
"""Gives an epoch of float batches (clips, frames, 3, height, width)."""


def generate_videos(folder: Path) -> list[Path]:
    """The videos of `lrcn-data demo`, but of another size and none of them short."""
    videos = [v for v in plan_demo({"train": 2 * VIDEOS}, seed=0) if v.frames > 8 * v.rate / 5]
    paths = []
    for video in videos[:VIDEOS]:
        paths.append(folder / Path(video.name).name)
        sized = replace(video, width=STORED[0], height=STORED[1])
        paths[-1].write_bytes(encode_video(sized))
    return paths


def find_videos(folder: Path) -> list[Path]:
    """All videos below a folder that have the size wanted."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    return [path.resolve() for path in paths if stored_size(path) == STORED]


def stored_size(path: Path) -> tuple[int, int]:
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def write_shards(videos: Sequence[Path], folder: Path) -> Path:
    """The shards of `lrcn-data shard`."""
    (folder / "train.txt").write_text("".join(f"{path} {n % 2}\n" for n, path in enumerate(videos)))
    command = [sys.executable, "-m", "lrcn_cli.data", "shard", "--root", "/"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "shards"


def ours(dataset: ShardDataset, mean: Tensor, batch_size: int) -> Batches:
    """Shards, sampler, batches and preprocessing of this project."""
    sampler = EpochSampler(dataset, batch_size=batch_size)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=collate)
    preprocess = Preprocess(SIZE, mean * 255)
    return lambda: (preprocess(batch) for batch in loader)


def plain_clip(images: Iterable[Image.Image], mean: Tensor) -> Tensor:
    """Resized, to a tensor, normalized: frame by frame, as one writes it without thinking."""
    frames = []
    for image in images:
        pixels = np.array(image.resize(SIZE, Image.Resampling.BILINEAR))
        frame = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
        frames.append(frame.float() / 255 - mean)
    return torch.stack(frames)


def with_webdataset(shards: Sequence[Path], mean: Tensor, batch_size: int) -> Batches:
    """The pipeline of webdataset's README, into torch's DataLoader."""
    names = [f"{number:03d}.jpg" for number in range(SEQ_LEN)]
    dataset = (
        webdataset.WebDataset([str(path) for path in shards], shardshuffle=100)
        .shuffle(1000)
        .decode("pil")
        .to_tuple(*names, "cls")
        .map(lambda sample: (plain_clip(sample[:-1], mean), sample[-1]))
    )
    loader = DataLoader(dataset, batch_size=batch_size)
    return lambda: (frames for frames, _ in loader)


class VideosOnTheFly(Dataset[Tensor]):
    """Decodes a whole video with PyAV for every sample, and takes one frame of each block.

    Args:
        videos: The paths of the videos.
        mean: The mean that is subtracted from the frames.
        convert_all: Whether to turn every frame to RGB, as torchvision's read_video does, rather
            than just those that are taken.
    """

    def __init__(self, videos: Sequence[Path], mean: Tensor, *, convert_all: bool) -> None:
        self._videos, self._mean, self._convert_all = videos, mean, convert_all

    def __len__(self) -> int:
        return len(self._videos)

    def __getitem__(self, number: int) -> Tensor:
        with av.open(str(self._videos[number]), metadata_errors="replace") as container:
            container.streams.video[0].codec_context.thread_count = 1
            frames = list(container.decode(video=0))
        if self._convert_all:
            pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
            images = [Image.fromarray(pixels[place]) for place in block_starts(len(pixels))]
        else:
            images = [frames[place].to_image() for place in block_starts(len(frames))]
        return plain_clip(images, self._mean)


def block_starts(count: int) -> list[int]:
    """One frame of each of SEQ_LEN blocks."""
    return [count * block // SEQ_LEN for block in range(SEQ_LEN)]


def with_pyav(
    videos: Sequence[Path], mean: Tensor, batch_size: int, *, convert_all: bool
) -> Batches:
    dataset = VideosOnTheFly(videos, mean, convert_all=convert_all)
    return lambda: DataLoader(dataset, batch_size=batch_size, shuffle=True)


def with_litdata(samples: Sequence[Sample], mean: Tensor, batch_size: int, folder: Path) -> Batches:
    """Litdata's own format, written from the same JPEGs, and its StreamingDataset."""
    import litdata

    class Clips(litdata.StreamingDataset):
        def __getitem__(self, index: object) -> Tensor:
            sample = super().__getitem__(index)
            jpegs = (io.BytesIO(sample[str(frame)]) for frame in range(SEQ_LEN))
            return plain_clip(map(Image.open, jpegs), mean)

    writer = litdata.streaming.writer.BinaryWriter(str(folder), chunk_bytes="64MB")
    for number, sample in enumerate(samples):
        frames = {str(frame): bytes(jpeg) for frame, jpeg in enumerate(sample.frames)}
        writer.add_item(number, {**frames, "label": sample.label})
    writer.done()
    writer.merge()
    dataset = Clips(str(folder), shuffle=True)
    return lambda: litdata.StreamingDataLoader(dataset, batch_size=batch_size)


def with_hugging_face(shards: Sequence[Path], mean: Tensor, batch_size: int) -> Batches:
    """Hugging Face datasets, streaming the same shards."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets

    names = [f"{number:03d}.jpg" for number in range(SEQ_LEN)]
    paths = [str(path) for path in shards]
    stream = datasets.load_dataset("webdataset", data_files=paths, split="train", streaming=True)
    clips = stream.shuffle(buffer_size=1000).map(
        lambda sample: {"frames": plain_clip((sample[name] for name in names), mean)},
        remove_columns=stream.column_names,
    )
    loader = DataLoader(clips, batch_size=batch_size)
    return lambda: (batch["frames"] for batch in loader)


def parts(samples: Sequence[Sample], mean: Tensor) -> dict[str, Work]:
    """What can't be saved, each alone and in memory that is at hand: decode, resize, normalize."""
    width, height = STORED
    pixels = np.empty((SEQ_LEN, height, width, 3), np.uint8)
    frames_NCHW = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    jpegs = [[bytes(jpeg) for jpeg in sample.frames] for sample in samples]
    channels_last = torch.channels_last
    small = resize(frames_NCHW, SIZE)
    offset = (-mean)[None].contiguous(memory_format=channels_last)
    result = torch.empty(small.shape).contiguous(memory_format=channels_last)

    def decode() -> None:
        for clip in jpegs:
            for jpeg, frame in zip(clip, pixels, strict=True):
                simplejpeg.decode_jpeg(jpeg, colorspace="RGB", buffer=frame)

    def shrink() -> None:
        for _ in samples:
            resize(frames_NCHW, SIZE)

    def normalize() -> None:
        for _ in samples:
            torch.add(offset, result.copy_(small), alpha=1 / 255, out=result)

    def everything() -> None:
        decode()
        shrink()
        normalize()

    return {
        "its parts alone: all three": everything,
        "  JPEG decode (simplejpeg)": decode,
        "  resize": shrink,
        "  normalize": normalize,
    }


def drain(batches: Batches) -> Work:
    """Go through an epoch, keeping nothing."""

    def work() -> None:
        for _ in batches():
            pass

    return work


def check_agreement(ways: dict[str, Batches], samples: int) -> None:
    """Every way gives all samples, of about the same values."""
    for name, batches in ways.items():
        means = torch.cat([batch.mean(dim=(1, 2, 3, 4)) for batch in batches()])
        if len(means) != samples or means.mean().abs() > 0.02:
            raise SystemExit(f"{name}: {len(means)} samples, mean {means.mean():.3f}")


def readers(
    dataset: ShardDataset, samples: Sequence[Sample], batch_size: int, folder: Path
) -> dict[str, Batches]:
    """All ways that are installed."""
    shards = [Path(shard.location) for shard in dataset.data_set.shards]
    videos = [Path("/", sample.record.video) for sample in samples]
    mean = dataset.mean_image(SIZE) / 255
    ways = {
        "lrcn": ours(dataset, mean, batch_size),
        "webdataset, Pillow, DataLoader": with_webdataset(shards, mean, batch_size),
        "PyAV on the fly, all frames to RGB": with_pyav(videos, mean, batch_size, convert_all=True),
        "PyAV on the fly, 8 frames to RGB": with_pyav(videos, mean, batch_size, convert_all=False),
    }
    if find_spec("litdata"):
        ways["litdata, Pillow"] = with_litdata(samples, mean, batch_size, folder / "litdata")
    else:
        print("litdata: not installed")
    if find_spec("datasets"):
        ways["Hugging Face datasets, streaming"] = with_hugging_face(shards, mean, batch_size)
    else:
        print("Hugging Face datasets: not installed")
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "videos",
        type=Path,
        nargs="?",
        help="The folder of the videos to read; without it, videos are generated.",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=16,
        help="The number of clips in a batch [default: %(default)s].",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=7,
        help="The number of counted runs of each way to read [default: %(default)s].",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generated = arguments.videos is None
        videos = generate_videos(folder) if generated else find_videos(arguments.videos)
        dataset = ShardDataset(str(write_shards(videos, folder)))
        samples = [dataset.data_set.read_sample(number) for number in range(len(dataset))]
        print(
            f"{processor_name()}, 1 thread, torch {torch.__version__}, {len(samples)} clips of"
            f" {'generated' if generated else 'given'} videos, batches of {arguments.batch_size}",
            flush=True,
        )
        ways = readers(dataset, samples, arguments.batch_size, folder)
        check_agreement(ways, len(samples))
        works = {name: drain(batches) for name, batches in ways.items()}
        works |= parts(samples, dataset.mean_image(SIZE) / 255)
        measured = compare(works, runs=arguments.runs)
    show("eight frames of 320x240 to 216x216", measured, items=len(samples), unit="sample")


if __name__ == "__main__":
    main()
