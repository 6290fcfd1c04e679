"""Wrote the data set of format version 1 beside this file, which every later version must read.

Not to be run again for version 1: what is committed is the point. A new version of the format gets
a folder of its own: `python tests/golden/make.py tests/golden/v2`.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import META, REJECTED
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import Rejection, SampleRecord, ShardRecord, Source
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.shard_writer import ShardWriter

CLASSES = ["Archery", "Basket ball", "Überschlag"]
SEQ_LEN = 4
SIZE = (32, 24)
CLIPS = {"train": [0, 2, 1], "test": [1]}
"""Class number of each clip, by split."""

REJECTION = Rejection(
    path="videos/zu kurz.avi",
    split="train",
    reason="short",
    detail="3 frames at 12.5 fps, fewer than --seq-len 4",
)
FINGERPRINT = hashlib.sha256(b"golden data set of format version 1").hexdigest()


def frame(split: str, clip: int, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A frame of a clip: a ramp of grey whose brightness tells split, clip and frame."""
    width, height = SIZE
    ramp = 2.0 * np.arange(width)[None, :] + np.arange(height)[:, None]
    level = 10 + 100 * (split == "test") + 30 * clip + 8 * number
    grey = np.clip(ramp + level, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def record(split: str, clip: int) -> SampleRecord:
    """The json member of a clip; the last one of train has only three real frames."""
    label = CLIPS[split][clip]
    num_valid = 3 if (split, clip) == ("train", 2) else SEQ_LEN
    return SampleRecord(
        key=f"{split}-000-{clip:04d}",
        video=f"videos/{split} {clip} ü.avi",
        label=label,
        class_name=CLASSES[label],
        split=split,
        clip=0,
        fps=12.5,
        source_fps=25.0,
        width=SIZE[0],
        height=SIZE[1],
        frame_times=[0.08, 0.16, 0.24, 0.32],
        num_valid=num_valid,
        labels=[label] * num_valid + [-1] * (SEQ_LEN - num_valid),
        segment=[0.0, 0.4],
        salvaged=(split, clip) == ("test", 0),
    )


def write_shard(folder: DataSetFolder, split: str) -> ShardRecord:
    """Write a split's only shard."""
    sums = PixelSums(SIZE)
    layout = SampleLayout(seq_len=SEQ_LEN)
    with ShardWriter(folder.path, f"{split}-000", layout=layout, canvas=SIZE) as writer:
        for clip in range(len(CLIPS[split])):
            frames = [frame(split, clip, number) for number in range(SEQ_LEN)]
            jpegs = [
                simplejpeg.encode_jpeg(image, quality=90, colorsubsampling="420")
                for image in frames
            ]
            writer.write(record(split, clip), jpegs)
            for pixels in frames:
                sums.add(pixels)
        writer.add_pixels(sums)
        rejected = [REJECTION] if split == REJECTION.split else []
        sources = [
            Source(
                path=record(split, clip).video,
                bytes=5,
                sha256=hashlib.sha256(b"video").hexdigest(),
                decoding="planned",
            )
            for clip in range(len(CLIPS[split]))
        ]
        written = writer.finish(
            fingerprint=FINGERPRINT,
            split=split,
            videos=len(CLIPS[split]) + len(rejected),
            rejected=rejected,
            sources=sources,
        )
    folder.put_shard(written)
    return written.record


def main(path: Path) -> None:
    """Write the whole data set."""
    folder = DataSetFolder(path)
    folder.make(META)
    records = [write_shard(folder, split) for split in CLIPS]
    manifest = Manifest(
        complete=True,
        fingerprint=FINGERPRINT,
        options={
            "fps": "25/2",
            "seq_len": SEQ_LEN,
            "sampling": "blocks",
            "stride": None,
            "clips": 1,
            "short": "skip",
            "size": None,
            "quality": 90,
            "seed": 0,
            "videos_per_shard": 8,
            "check": "auto",
            "salvage": True,
        },
        lists={split: hashlib.sha256(split.encode()).hexdigest() for split in CLIPS},
        classes=CLASSES,
        tools={"av": "18.1.0", "simplejpeg": "1.9.0", "webdataset": "1.0.2"},
        canvas=list(SIZE),
        shards=[record.entry for record in records],
    )
    folder.write_manifest(manifest)
    folder.write(REJECTED, dump_json_line(asdict(REJECTION)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
