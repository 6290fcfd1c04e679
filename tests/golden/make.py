"""Wrote the data sets beside this file, which every later version must read.

`v1` is of the first version, in which each shard had arrays of its own. `every` has every part that
a data set may have or not. `later` is what a later version of the same major one could write: with
keys that this one doesn't know, in every object. `appended` got two train clips by an append. In
`sets` a clip has a set of classes. In `lengths` the last train clip has fewer frames than others.
In `in_time` frames have classes of their own; the first two train clips are of one video, and the
last one has no class. `joined` says that it was made from two others.

Not to be run again for these: what is committed is the point. What is new in the format gets a
folder of its own: `python tests/golden/make.py every tests/golden/every`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from lrcn_data.format.append import Append
from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import DATA_CARD, META, REJECTED, ShardFiles
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.made_from import MadeFrom
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import Rejection, SampleRecord, ShardRecord, Source
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.shard_writer import ShardWriter
from lrcn_data.inspecting.stats import compute_stats, write_stats
from lrcn_data.lists.entry import Entry
from lrcn_data.making.data_card import data_card
from lrcn_data.making.entries_there import write_added
from lrcn_data.making.settle import remove_parts, write_whole

VARIANTS = ("v1", "every", "later", "appended", "sets", "lengths", "in_time", "joined")
CLASSES = ["Archery", "Basket ball", "Überschlag"]
SEQ_LEN = 4
SIZE = (32, 24)
CLIPS = {"train": [0, 2, 1], "test": [1]}
"""Class number of each clip, by split."""
SETS: dict[str, list[list[int]]] = {"train": [[0, 2], [], [1]], "test": [[1, 2]]}
"""Class numbers of each clip of `sets`, by split."""
IN_TIME: dict[str, list[list[int]]] = {
    "train": [[-1, 0, 0, 2], [2, 2, -1, 0], [-1, -1, -1, -1]],
    "test": [[1, 0, 0, 1]],
}
"""Class numbers of the frames of each clip of `in_time`, by split."""

REJECTION = Rejection(
    path="videos/zu kurz.avi",
    split="train",
    reason="short",
    detail="3 frames at 12.5 fps, fewer than --seq-len 4",
)
PARTIAL = Rejection(
    path="videos/train 2 ü.avi",
    split="train",
    reason="partial",
    detail="1 clips kept of its sound part; a corrupt packet at 0.32 s",
)
VIDEO_SHA256 = hashlib.sha256(b"video").hexdigest()
FINGERPRINT = hashlib.sha256(b"golden data set of format version 1").hexdigest()
APPEND = Append(
    fingerprint=hashlib.sha256(b"golden append").hexdigest(),
    options={"videos_per_shard": None},
    lists={"train": hashlib.sha256(b"appended").hexdigest()},
    classes=["Überschlag"],
    tools={"av": "19.0.0", "simplejpeg": "1.9.0", "webdataset": "1.0.2"},
    shards={"train": 1},
    videos={"train": 2},
)
MADE_FROM = MadeFrom(
    fingerprint=hashlib.sha256(b"golden whole").hexdigest(),
    tars=hashlib.sha256(b"golden tars").hexdigest(),
    samples=4,
    left_out=1,
    options={"quality": 95},
)
FINGERPRINTS = (FINGERPRINT, APPEND.fingerprint)


def frame(split: str, clip: int, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A frame of a clip: a ramp of grey whose brightness tells split, clip and frame."""
    width, height = SIZE
    ramp = 2.0 * np.arange(width)[None, :] + np.arange(height)[:, None]
    level = 10 + 100 * (split == "test") + 30 * clip + 8 * number
    grey = np.clip(ramp + level, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def layout_of(variant: str) -> SampleLayout:
    """How the samples of a variant are made up."""
    return SampleLayout(
        seq_len=SEQ_LEN,
        sets_of=len(CLASSES) if variant == "sets" else 0,
        variable_length=variant == "lengths",
        labels_in_time=variant == "in_time",
    )


def record(split: str, clip: int, variant: str = "v1") -> SampleRecord:
    """The json member of a clip; the last one of train has only three real frames."""
    label = -1 if variant == "sets" else CLIPS[split][clip]
    labels: dict[str, Any] = {"label": label, "class_name": CLASSES[label]}
    if variant == "sets":
        numbers = SETS[split][clip]
        names = [CLASSES[number] for number in numbers]
        labels = {"label": label, "classes": numbers, "class_names": names}
    num_valid = 3 if (split, clip) == ("train", 2) else SEQ_LEN
    frames = num_valid if variant == "lengths" else SEQ_LEN
    frame_labels = [label] * num_valid + [-1] * (frames - num_valid)
    goes_on = variant == "in_time" and (split, clip) == ("train", 1)
    if variant == "in_time":
        frame_labels = IN_TIME[split][clip]
        label = clip_label(frame_labels)
        labels = {"label": label, "class_name": "" if label == -1 else CLASSES[label]}
        labels["position"] = SEQ_LEN if goes_on else 0
    return SampleRecord(
        key=f"{split}-000-{clip:04d}",
        video=f"videos/{split} {clip - goes_on} ü.avi",
        **labels,
        split=split,
        clip=int(goes_on),
        fps=12.5,
        source_fps=25.0,
        width=SIZE[0],
        height=SIZE[1],
        frame_times=[round(0.08 * (n + goes_on * SEQ_LEN), 6) for n in range(1, frames + 1)],
        num_valid=num_valid,
        labels=frame_labels,
        segment=[0.0, 0.8 if (variant, split, clip < 2) == ("in_time", "train", True) else 0.4],
        salvaged=(split, clip) == ("test", 0),
    )


class Later:
    """A record as a later version may write it: with a key that this one doesn't know."""

    def __init__(self, now: SampleRecord | ShardRecord | Manifest) -> None:
        self.now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)

    def to_json(self) -> bytes:
        """The same JSON with a key more in every object of it."""
        values = with_later_keys(json.loads(self.now.to_json()))
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def with_later_keys(value: Any) -> Any:
    """JSON with a key more in every object of it."""
    if isinstance(value, dict):
        return {**{name: with_later_keys(one) for name, one in value.items()}, "later": {"a": [1]}}
    return [with_later_keys(one) for one in value] if isinstance(value, list) else value


def write_shard(
    folder: DataSetFolder, name: str, clips: Sequence[int], variant: str, fingerprint: str
) -> ShardRecord:
    """Write a shard with some clips of its split; of `every` that of train has several tars."""
    split = name.partition("-")[0]
    sums = PixelSums(SIZE)
    layout = layout_of(variant)
    most = 15_000 if variant == "every" else 1 << 28
    with ShardWriter(folder.path, name, layout=layout, canvas=SIZE, most_bytes=most) as writer:
        for clip in clips:
            sample: Any = record(split, clip, variant)
            count = len(sample.frame_times)
            frames = [frame(split, clip, number) for number in range(count)]
            jpegs = [
                simplejpeg.encode_jpeg(image, quality=90, colorsubsampling="420")
                for image in frames
            ]
            writer.write(Later(sample) if variant == "later" else sample, jpegs, VIDEO_SHA256)
            for pixels in frames:
                sums.add(pixels)
        writer.add_pixels(sums)
        rejected = [REJECTION] if split == REJECTION.split and 0 in clips else []
        if variant == "every" and rejected:
            rejected.append(PARTIAL)
        videos = dict.fromkeys(record(split, clip, variant).video for clip in clips)
        sources = [
            Source(path=video, bytes=5, sha256=VIDEO_SHA256, decoding="planned") for video in videos
        ]
        written = writer.finish(
            fingerprint=fingerprint,
            split=split,
            videos=len(videos) + len(rejected),
            rejected=rejected,
            sources=sources,
        )
    folder.put_shard(written)
    if variant == "later":
        folder.write(ShardFiles(written.name).record, Later(written.record).to_json())
    return written.record


def main(variant: str, path: Path) -> None:
    """Write the whole data set of a variant: one of `VARIANTS`."""
    folder = DataSetFolder(path)
    folder.make(META)
    shards: dict[str, Sequence[int]] = {"train-000": range(3), "test-000": [0]}
    if variant == "appended":
        shards = {"train-000": [0], "train-001": [1, 2], "test-000": [0]}
    records = {
        name: write_shard(folder, name, clips, variant, FINGERPRINTS[name.endswith("1")])
        for name, clips in shards.items()
    }
    options = {
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
    }
    if variant == "every":
        options |= {
            "sampling": "my_samplings:Middle",
            "sampling_values": {"spread": 2},
            "short": "pad",
            "size": list(SIZE),
            "shard_bytes": 15_000,
            "plugins": {"my_samplings:Middle": "3"},
        }
    if variant == "sets":
        options |= {"multi_label": True}
    if variant == "lengths":
        options |= {"short": "whole"}
    if variant == "in_time":
        options |= {"sampling": "windows", "stride": 4, "labels_in_time": True}
    requires = {
        "every": ["parts"],
        "sets": ["multi-label"],
        "lengths": ["variable-length"],
        "in_time": ["labels-in-time"],
    }
    made: dict[str, Any] = {}
    if variant == "joined":
        del options["quality"]
        other = replace(MADE_FROM, samples=0, options={"quality": 90}, tools={"av": "18.1.0"})
        choice = {"classes": CLASSES, "per_class": 1, "seed": 0}
        made = {"made_from": [MADE_FROM, other], "choice": choice, "decoded_frames": 12}
    manifest = Manifest(
        complete=True,
        fingerprint=FINGERPRINT,
        options=options,
        lists={split: hashlib.sha256(split.encode()).hexdigest() for split in CLIPS},
        classes=CLASSES,
        tools={"av": "18.1.0", "simplejpeg": "1.9.0", "webdataset": "1.0.2"},
        canvas=list(SIZE),
        mean_exact=variant != "joined",
        requires=requires.get(variant, []),
        shards=[entry for record in records.values() for entry in record.entries],
        appends=[APPEND] if variant == "appended" else [],
        **made,
    )
    if variant != "v1":
        summed = {name: name.startswith("train") for name in records}
        if variant == "appended":
            added = [
                Entry(path=record("train", clip).video, label=0, split="train", line=clip)
                for clip in shards["train-001"]
            ]
            write_added(0, added, folder)
        write_whole(folder, records, summed=summed, canvas=SIZE, layout=layout_of(variant))
        remove_parts(folder, records.values())
    wanted: Any = Later(manifest) if variant == "later" else manifest
    folder.write_manifest(wanted)
    rejected = [line for record in records.values() for line in record.rejected]
    folder.write(REJECTED, b"".join(dump_json_line(asdict(line)) for line in rejected))
    if variant in ("every", "appended", "lengths", "in_time", "joined"):
        folder.write(DATA_CARD, data_card(manifest).encode())
        write_stats(folder, *compute_stats(folder.location, workers=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
