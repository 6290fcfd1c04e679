"""What a training step of the paper's net costs, and on a GPU how near it is to what is possible.

    python bench/train.py [--clips 2] [--runs 5] [--threads 1] [--device auto|cpu|cuda]

On a CPU: CPU time a step at 216x216, in bf16 against a net written plainly in float32. On a GPU:
frames a second, share of the roofline, largest batch, time spent waiting for 8 workers, and the
time of an epoch of UCF-101's 9,537 training clips; --clips is 32 there unless given.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from compare import Work, bf16_units, compare, print_table, processor_name, show
from read import generate_videos, write_shards
from torch import Tensor, nn

from lrcn_model.nets.layer_table import net_table
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.processor import Processor, choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.batch_loader import load_batches
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step import TrainStep

CLASSES, FRAMES, EPOCH_CLIPS = 101, 8, 9537
STORED = (320, 240)
MODES = {
    "float32": ("off", False),
    "bf16": ("bf16", False),
    "bf16, compiled": ("bf16", True),
}
"""--amp, and whether the net is compiled."""


class PlainNet(nn.Module):
    """The paper's net as one writes it down: layer after layer, float32, NCHW."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        width, height = size
        self.cnn = nn.Sequential(
            nn.Conv2d(3, 64, 7, padding=3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 96, 5, padding=2),
            nn.BatchNorm2d(96),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(96, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 196, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(196 * (height // 8) * (width // 8), 320),
            nn.ReLU(),
            nn.Dropout(0.5),
        )
        self.lstm = nn.LSTM(320, 256, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(256, CLASSES)

    def forward(self, frames: Tensor) -> Tensor:
        clips, length = frames.shape[:2]
        features = self.cnn(frames.flatten(0, 1)).view(clips, length, -1)
        hidden, _ = self.lstm(features)
        scores: Tensor = self.classifier(self.dropout(hidden))
        return scores


def plain_step(size: tuple[int, int], clips: int) -> Work:
    """A step of the plain net, on frames that are floats already."""
    width, height = size
    net = PlainNet(size)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-5)
    frames = torch.rand(clips, FRAMES, 3, height, width)
    labels = torch.randint(CLASSES, (clips * FRAMES,))

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(frames).flatten(0, 1), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def random_batch(clips: int) -> ClipBatch:
    """Clips of random pixels, as they come from shards."""
    width, height = STORED
    labels = torch.randint(CLASSES, (clips,))
    return ClipBatch(
        pixels=torch.randint(256, (clips * FRAMES * height * width * 3,), dtype=torch.uint8),
        sizes=torch.tensor([(height, width)] * clips),
        labels=labels,
        frame_labels=labels[:, None].expand(clips, FRAMES).contiguous(),
        num_valid=torch.full((clips,), FRAMES),
        indices=torch.arange(clips),
        keys=tuple(str(clip) for clip in range(clips)),
        videos=tuple(str(clip) for clip in range(clips)),
    )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained, and where."""

    size: tuple[int, int]
    clips: int
    device: str

    def processor(self, mode: str) -> Processor:
        return choose_processor(self.device, MODES[mode][0])

    def train_step(self, mode: str) -> TrainStep:
        """What `lrcn-train` trains with."""
        amp, compiled = MODES[mode]
        options = TrainOptions(
            net=NetConfig(size=self.size),
            amp=amp,
            compile=compiled,
            device=self.device,
            batch_size=self.clips,
        )
        return TrainStep(
            options,
            classes=CLASSES,
            mean=torch.full((3,), 128.0),
            processor=self.processor(mode),
            ranks=Ranks(),
        )

    def step(self, mode: str) -> Work:
        """A step, from stored pixels on, on a batch that is on the device already."""
        train_step = self.train_step(mode)
        batch = random_batch(self.clips).to(self.processor(mode).device)
        numbers = itertools.count()
        return lambda: train_step.run([batch], step=next(numbers), epoch=0, lr=1e-4)


def seconds_each(work: Work, device: torch.device, *, runs: int, warm_up: int = 3) -> float:
    """Median time by the clock, until the device has finished."""
    times = []
    for number in range(warm_up + runs):
        synchronize(device)
        began = time.perf_counter()
        work()
        synchronize(device)
        if number >= warm_up:
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def step_bytes(net: LRCN, *, frames: int, element: int) -> int:
    """Bytes that a step moves if every layer reads and writes its own tensors once.

    Forward a layer reads its input and writes its output; backward it reads both gradient and
    input, and writes the input's gradient. Adam reads weight, gradient and two moments, and writes
    all but the gradient, which was written before; all in float32.
    """
    width, height = net.config.size
    outputs = [math.prod(layer.shape) for layer in net_table(net).layers]
    inputs = [3 * width * height, *outputs[:-1]]
    moved = 3 * sum(inputs) - inputs[0] + 2 * sum(outputs)
    weights = sum(parameter.numel() for parameter in net.parameters())
    return frames * moved * element + weights * (2 * element + 8 * 4)


def peak_flop(device: torch.device, dtype: torch.dtype, *, side: int) -> float:
    """Operations a second of a large matrix product."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    result = torch.empty_like(left)
    spent = seconds_each(lambda: torch.mm(left, right, out=result), device, runs=9)
    return 2 * side**3 / spent


def peak_bytes(device: torch.device, *, length: int) -> float:
    """Bytes a second that a copy in the device's memory reads and writes."""
    source = torch.zeros(length, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * length / seconds_each(lambda: target.copy_(source), device, runs=9)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast a way of training is; shares from 0 to 1."""

    seconds: float
    frames_per_s: float
    flop_per_s: float
    flop_share: float
    bytes_share: float

    @property
    def roofline_share(self) -> float:
        """Of the time that the slower of computing and memory must take at least."""
        return max(self.flop_share, self.bytes_share)


def measure_speed(
    setting: Setting, mode: str, *, runs: int, side: int = 8192, length: int = 1 << 30
) -> Speed:
    """Time steps, and put them against what the device does at most, measured here as well."""
    processor = setting.processor(mode)
    dtype = processor.amp_type or torch.float32
    frames = setting.clips * FRAMES
    seconds = seconds_each(setting.step(mode), processor.device, runs=runs)
    net = setting.train_step("float32").net
    flop = frames * net_table(net).flop_with_backward
    moved = step_bytes(net, frames=frames, element=dtype.itemsize)
    return Speed(
        seconds=seconds,
        frames_per_s=frames / seconds,
        flop_per_s=flop / seconds,
        flop_share=flop / peak_flop(processor.device, dtype, side=side) / seconds,
        bytes_share=moved / peak_bytes(processor.device, length=length) / seconds,
    )


def step_with(setting: Setting, mode: str, clips: int) -> Work:
    return replace(setting, clips=clips).step(mode)


def largest_batch(step_of: Callable[[int], Work], *, most: int) -> int:
    """The largest power of two of clips with which a step fits into memory; 0 for none."""
    fits, clips = 0, 1
    while clips <= most:
        try:
            step_of(clips)()
        except torch.OutOfMemoryError:
            break
        finally:
            gc.collect()
            torch.cuda.empty_cache()
        fits, clips = clips, 2 * clips
    return fits


@dataclass(frozen=True, kw_only=True)
class Fed:
    """A training that reads its clips from shards."""

    clips_per_s: float
    waiting: float

    @property
    def epoch_minutes(self) -> float:
        return EPOCH_CLIPS / self.clips_per_s / 60


def measure_feeding(
    setting: Setting, mode: str, dataset: ShardDataset, *, workers: int, steps: int, warm_up: int
) -> Fed:
    """Train from shards, and count the time by the clock that the host waits for batches.

    A step's figures are read one step late, as `lrcn-train` does; so a GPU may still compute while
    the host waits, and its own share of waiting is at most this.
    """
    processor, train_step = setting.processor(mode), setting.train_step(mode)
    numbers = itertools.cycle(range(len(dataset)))
    order = [list(itertools.islice(numbers, setting.clips)) for _ in range(warm_up + steps)]
    batches = load_batches(dataset, order, workers, processor)
    began, waited, before = 0.0, 0.0, None
    for number in range(warm_up + steps):
        if number == warm_up:
            synchronize(processor.device)
            began, waited = time.perf_counter(), 0.0
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        sums = train_step.run([batch], step=number, epoch=0, lr=1e-4)
        if before is not None:
            before.wait()
        before = sums.start_reading()
    synchronize(processor.device)
    spent = time.perf_counter() - began
    return Fed(clips_per_s=steps * setting.clips / spent, waiting=waited / spent)


@contextmanager
def generated_shards() -> Iterator[ShardDataset]:
    """Shards of generated videos of 320x240."""
    with tempfile.TemporaryDirectory() as name:
        yield ShardDataset(str(write_shards(generate_videos(Path(name)), Path(name))))


def report_cpu(setting: Setting, runs: int) -> None:
    ways = {
        "lrcn-train --amp bf16": setting.step("bf16"),
        "lrcn-train --amp off": setting.step("float32"),
        "plain net, float32": plain_step(setting.size, setting.clips),
    }
    width, height = setting.size
    title = f"a step: {setting.clips} clips of {FRAMES} frames of {width}x{height}"
    show(title, compare(ways, runs=runs), items=1, unit="step")


def report_gpu(setting: Setting, runs: int, workers: int) -> None:
    rows = []
    for mode in MODES:
        speed = measure_speed(setting, mode, runs=runs)
        rows.append(
            [
                mode,
                f"{speed.seconds * 1000:.1f}",
                f"{speed.frames_per_s:,.0f}",
                f"{speed.flop_per_s / 1e12:.0f}",
                f"{speed.flop_share:.0%}",
                f"{speed.bytes_share:.0%}",
                f"{speed.roofline_share:.0%}",
            ]
        )
    headings = ["", "ms a step", "frames/s", "TFLOP/s", "of FLOP", "of bytes", "of the roofline"]
    print_table(f"training, {setting.clips} clips of {FRAMES} frames", headings, rows)
    for mode in MODES:
        step_of = partial(step_with, setting, mode)
        most = largest_batch(step_of, most=1 << 14)
        print(f"largest batch, {mode}: {most} clips (powers of two were tried)", flush=True)
    with generated_shards() as dataset:
        for mode in MODES:
            fed = measure_feeding(
                setting, mode, dataset, workers=workers, steps=40 * runs, warm_up=20
            )
            print(
                f"from shards with {workers} workers, {mode}: {fed.clips_per_s:,.0f} clips/s,"
                f" at most {fed.waiting:.1%} of the time waiting; {EPOCH_CLIPS:,} clips would take"
                f" {fed.epoch_minutes:.1f} minutes",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--clips",
        type=int,
        help="The number of clips in a batch [default: 2 on a CPU, 32 on a GPU].",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        help="The number of counted runs of each way to train [default: %(default)s].",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="The number of threads that compute on a CPU [default: %(default)s].",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=8,
        help="The number of processes that read shards for a GPU [default: %(default)s].",
    )
    parser.add_argument(
        "--device",
        default="auto",
        choices=["auto", "cpu", "cuda"],
        help="The device to compute on; auto takes a GPU if there is one [default: %(default)s].",
    )
    arguments = parser.parse_args()
    device = choose_processor(arguments.device, "off").device
    clips = arguments.clips or (2 if device.type == "cpu" else 32)
    setting = Setting(size=(216, 216), clips=clips, device=device.type)
    if device.type == "cuda":
        print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}", flush=True)
        report_gpu(setting, arguments.runs, arguments.workers)
    else:
        torch.set_num_threads(arguments.threads)
        print(
            f"{processor_name()}, bf16 units: {bf16_units()}, {arguments.threads} threads,"
            f" torch {torch.__version__}",
            flush=True,
        )
        report_cpu(setting, arguments.runs)


if __name__ == "__main__":
    main()
