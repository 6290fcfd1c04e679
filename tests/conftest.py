"""What many tests need: data sets of random frames, written by the product's own writer, and how
trials are counted for docs/reliability.md."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import simplejpeg

from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.data_set_folder import DataSetFolder, WrittenShard
from lrcn_data.format.file_names import META, REJECTED, shard_name
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import Rejection, SampleRecord, Source
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.shard_writer import ShardWriter
from lrcn_data.making.settle import remove_parts, write_whole

MakeDataSet = Callable[..., Path]

# Said before torch is imported, here and in the processes that tests start. Tests run side by side,
# and threads that wait for each other's cores made the trainings of one file take 23 s, not 11.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Else each of the hundreds of processes that tests start compiles the packages anew, which took a
# fifth of all time that whole runs of `lrcn-data shard` do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Pictures of every run that tests train and score would take minutes; tests of them ask for them.
os.environ.setdefault("LRCN_PICTURES", "0")
# What is written is synced, for which a disk takes 6 ms each time: the tests of test_settle.py took
# 34 s on one, and take 7 s in memory. The full figures of make chaos-data are those of a disk.
_IN_MEMORY = Path("/dev/shm")
if (
    not os.environ.get("LRCN_CHAOS")
    and _IN_MEMORY.is_dir()
    and shutil.disk_usage(_IN_MEMORY).free > 2 << 30
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the long variations of other tests, unless they are asked for."""
    if os.environ.get("LRCN_LONG") or os.environ.get("LRCN_CHAOS"):
        return
    skipped = pytest.mark.skip(reason="a long variation of another test: make long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skipped)


def random_frames(
    rng: np.random.Generator, count: int, size: tuple[int, int], *, smooth: bool = False
) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Frames of (width, height): blocks of colour, or smooth ones that JPEG hardly changes."""
    width, height = size
    if smooth:
        ramp = np.linspace(0, 1, width)[:, None] * np.linspace(0, 1, height)[:, None, None]
        ends = rng.integers(0, 256, (count, 1, 1, 3))
        return list(np.ascontiguousarray(ramp * ends, np.uint8))
    coarse = rng.integers(0, 256, (count, -(-height // 8), -(-width // 8), 3), np.uint8)
    fine = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
    return list(np.ascontiguousarray(fine))


def _write_shard(
    folder: Path,
    name: str,
    sizes: list[tuple[int, int]],
    *,
    seq_len: int,
    names: Sequence[str],
    canvas: tuple[int, int],
    seed: int,
    rejected: list[Rejection],
    change_jpegs: Callable[[list[bytes]], list[bytes]],
    smooth: bool,
    multi_label: bool,
    layout: SampleLayout,
    videos: str,
) -> WrittenShard:
    rng = np.random.default_rng([seed, *name.encode()])
    split = name.split("-")[0]
    sums = PixelSums(canvas)
    with ShardWriter(folder, name, layout=layout, canvas=canvas) as writer:
        for number, size in enumerate(sizes):
            frames = random_frames(rng, seq_len, size, smooth=smooth)
            label = int(rng.integers(len(names)))
            num_valid = int(rng.integers(1, seq_len + 1))
            if layout.labels_in_time and number % 2 == 0:
                num_valid = seq_len  # the video goes on
            # where clips differ in length those of the others, of which each has the first ones
            length = num_valid if layout.variable_length else seq_len
            frames = frames[:length]
            labels = labels_of(label, rng, names, multi_label=multi_label)
            frame_labels = [labels["label"]] * num_valid + [-1] * (length - num_valid)
            first = 0
            if layout.labels_in_time:
                frame_labels[:num_valid] = rng.integers(-1, len(names), num_valid).tolist()
                first = number % 2 * seq_len
                labels = in_time(frame_labels, names) | {"position": first}
            record = SampleRecord(
                key=f"{name}-{number:05d}",
                video=f"{videos}/{name}_{number // 2}.avi",
                **labels,
                split=split,
                clip=number % 2,
                fps=5.0,
                source_fps=25.0,
                width=size[0],
                height=size[1],
                frame_times=[(first + i) / 5 for i in range(length)],
                num_valid=num_valid,
                labels=frame_labels,
                segment=[0.0, seq_len / 5],
                salvaged=False,
            )
            jpegs = [
                simplejpeg.encode_jpeg(frame, quality=90, colorsubsampling="420")
                for frame in frames
            ]
            writer.write(record, change_jpegs(jpegs), sha256_of(record.video))
            for frame in frames:
                sums.add(frame)
        writer.add_pixels(sums)
        return writer.finish(
            fingerprint="0" * 64,
            split=split,
            videos=len(sizes) + len(rejected),
            rejected=rejected,
            sources=[
                Source(path=video, bytes=1, sha256=sha256_of(video))
                for video in dict.fromkeys(
                    f"{videos}/{name}_{i // 2}.avi" for i in range(len(sizes))
                )
            ],
        )


def labels_of(
    label: int, rng: np.random.Generator, names: Sequence[str], *, multi_label: bool
) -> dict[str, Any]:
    """A record's class, or a random set of classes, which may be empty."""
    if not multi_label:
        return {"label": label, "class_name": names[label]}
    numbers = np.flatnonzero(rng.integers(0, 2, len(names))).tolist()
    shown = [names[number] for number in numbers]
    return {"label": -1, "classes": numbers, "class_names": shown}


def in_time(frame_labels: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """The class that a record with these classes of its frames has."""
    label = clip_label(frame_labels)
    return {"label": label, "class_name": "" if label == -1 else names[label]}


def sha256_of(video: str) -> str:
    """The SHA-256 that the input of a made data set is said to have."""
    return hashlib.sha256(video.encode()).hexdigest()


@pytest.fixture
def make_data_set(tmp_path: Path) -> MakeDataSet:
    """A function that writes a data set and gives its folder."""

    def make(
        folder: str = "shards",
        *,
        samples: dict[str, list[int]] | None = None,
        seq_len: int = 4,
        sizes: tuple[tuple[int, int], ...] = ((32, 24),),
        classes: int = 3,
        seed: int = 0,
        complete: bool = True,
        fps: str = "5",
        change_jpegs: Callable[[list[bytes]], list[bytes]] = list,
        smooth: bool = False,
        own_arrays: bool = False,
        recipe: Mapping[str, Any] = MappingProxyType({}),
        class_names: Sequence[str] = (),
        multi_label: bool = False,
        variable_length: bool = False,
        labels_in_time: bool = False,
        videos: str = "videos",
    ) -> Path:
        """Write samples[split][shard] clips, whose sizes go round `sizes`.

        What `recipe` has is added to the manifest's options. With `own_arrays` each shard keeps its
        index and pixel sums, as while a data set is written, and as version 1 had them at first.
        With `variable_length` samples have the real frames only of those that they have without.
        With `labels_in_time` frames have random classes, or none, and two clips are of one video,
        whose frames have one size. The paths of the videos, and with them their SHA-256, begin with
        `videos`.
        """
        path = tmp_path / folder
        names = list(class_names) or [f"class {i}" for i in range(classes)]
        layout = SampleLayout(
            seq_len=seq_len,
            sets_of=len(names) if multi_label else 0,
            variable_length=variable_length,
            labels_in_time=labels_in_time,
        )
        if variable_length:
            recipe = {**recipe, "short": "whole"}
        data_set = DataSetFolder(path)
        data_set.make(META)
        rejections, records = [], {}
        for split, counts in (samples or {"train": [3, 2], "test": [2]}).items():
            for number, count in enumerate(counts):
                rejected = []
                if number == 0:
                    detail = "3 frames where 4 are wanted"
                    rejected = [
                        Rejection(
                            path=f"videos/short_{split}.avi",
                            split=split,
                            reason="short",
                            detail=detail,
                        )
                    ]
                name = shard_name(split, number, len(counts))
                written = _write_shard(
                    path,
                    name,
                    [sizes[(i // 2 if labels_in_time else i) % len(sizes)] for i in range(count)],
                    seq_len=seq_len,
                    names=names,
                    canvas=sizes[0],
                    seed=seed,
                    rejected=rejected,
                    change_jpegs=change_jpegs,
                    smooth=smooth,
                    multi_label=multi_label,
                    layout=layout,
                    videos=videos,
                )
                data_set.put_shard(written)
                rejections += rejected
                records[name] = written.record
        entries = [record.entry for record in records.values()]
        if complete and not own_arrays:
            summed = {
                name: name.startswith("train") or not any(n.startswith("train") for n in records)
                for name in records
            }
            write_whole(
                data_set,
                records,
                summed=summed,
                canvas=sizes[0],
                layout=layout,
            )
            remove_parts(data_set, records.values())
        manifest = Manifest(
            complete=complete,
            fingerprint="0" * 64,
            options={
                "fps": fps,
                "seq_len": seq_len,
                **recipe,
                **({"multi_label": True} if multi_label else {}),
                **({"labels_in_time": True} if labels_in_time else {}),
            },
            lists={},
            classes=names,
            tools={},
            canvas=list(sizes[0]),
            requires=[
                *(["labels-in-time"] if labels_in_time else []),
                *(["multi-label"] if multi_label else []),
                *(["variable-length"] if variable_length else []),
            ],
            mean_exact=all(r.exact_frames == r.entry.frames for r in records.values()),
            shards=entries,
        )
        data_set.write_manifest(manifest)
        lines = [dump_json_line(dataclasses.asdict(rejection)) for rejection in rejections]
        (path / REJECTED).write_bytes(b"".join(lines))
        return path

    return make


@pytest.fixture
def only_new_objects() -> Iterator[None]:
    """Have the garbage collector know of nothing that was there before: a session holds much."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Tally:
    """Counts trials; use `check` at the end."""

    def __init__(self) -> None:
        self.tried = 0
        self.faults: list[str] = []
        self.known = 0
        self.notes: list[str] = []
        self._lock = threading.Lock()

    @property
    def survived(self) -> int:
        return self.tried - len(self.faults) - self.known

    def add(self, fault: str | None = None, *, known: bool = False) -> None:
        """Count a trial; a known fault is one that docs/reliability.md says can't be mended."""
        with self._lock:
            self.tried += 1
            if fault and known:
                self.known += 1
            elif fault:
                self.faults.append(fault)
                print(fault, file=sys.stderr)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def check(self, tried: int) -> None:
        """As many trials as meant, and all of them survived."""
        assert not self.faults, "\n".join(self.faults[:20])
        assert self.tried == tried


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def count() -> Callable[[int, int], int]:
    """How many: few in the normal suite, all where LRCN_CHAOS is set."""
    return lambda few, full: full if os.environ.get("LRCN_CHAOS") else few


@pytest.fixture
def each() -> Callable[..., None]:
    """Call a function with each of some values, two at a time."""

    def call(function: Callable[[Any], None], values: Iterable[Any], *, at_once: int = 2) -> None:
        with ThreadPoolExecutor(at_once) as pool:
            for _ in pool.map(function, values):
                pass

    return call
