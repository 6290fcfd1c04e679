"""Writes a shard of samples that other data sets have.

A sample of which nothing changes is copied byte for byte, so that a tar of such samples alone is
the one that it was; of others the label and the json are written anew, and never a frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import WrittenShard
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample, parse_sample
from lrcn_data.format.shard_writer import DEFAULT_SHARD_BYTES, ShardWriter
from lrcn_data.joining.class_numbers import relabelled
from lrcn_data.joining.joined_options import count_option
from lrcn_data.joining.joined_shards import JoinedShard
from lrcn_data.joining.stored_videos import StoredSet
from lrcn_data.size import Size


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """What all shards of a data set that is made from others have in common.

    Attributes:
        stored: The data sets that it is made from.
        numbers: For each of them, by its class numbers the new ones; see `class_numbers`.
        keys: For each of them, the new key of a sample by the sample's number.
        classes: The class names by the new numbers.
        layout: How its samples are made up.
        canvas: (width, height) of its pixel sums.
        summed_split: The split whose frames are summed up; None for all of them.
        own_sums: The numbers of the data sets whose own pixel sums are taken as they are.
        fingerprint: Its fingerprint.
    """

    stored: Sequence[StoredSet]
    numbers: Sequence[Sequence[int]]
    keys: Sequence[Mapping[int, str]]
    classes: Sequence[str]
    layout: SampleLayout
    canvas: Size
    summed_split: str | None
    own_sums: frozenset[int]
    fingerprint: str

    def is_summed(self, shard: JoinedShard) -> bool:
        """Whether the frames of a shard are summed up."""
        return self.summed_split in (None, shard.split)

    def is_decoded(self, shard: JoinedShard) -> bool:
        """Whether the frames of a shard must be decoded to be summed up."""
        return self.is_summed(shard) and shard.origin not in self.own_sums


def write_joined(shard: JoinedShard, joining: Joining, scratch: Path) -> WrittenShard:
    """Write a shard with its index, arrays and record to temporary files.

    Args:
        shard: The shard to write.
        joining: What it has in common with the others.
        scratch: The folder on this machine in which files are written until they are finished.

    Returns:
        The finished files.

    Raises:
        ShardError: A data set that it is made from is damaged.
    """
    stored = joining.stored[shard.origin]
    decoded = joining.is_decoded(shard)
    exact_frames = 0
    with ShardWriter(
        scratch,
        shard.name,
        layout=joining.layout,
        canvas=joining.canvas if decoded else None,
        most_bytes=count_option(stored.manifest, "shard_bytes") or DEFAULT_SHARD_BYTES,
    ) as writer:
        sums = PixelSums(joining.canvas, joining.layout.channels)
        for video in shard.videos:
            for clip in video.clips:
                data, sample = _read(stored, clip.number)
                _write(
                    writer, data, sample, joining, shard.origin, clip.number, video.source.sha256
                )
                if (sample.record.width, sample.record.height) == joining.canvas:
                    exact_frames += len(sample.frames)
                if decoded:
                    _add_frames(sums, sample)
        if decoded:
            writer.add_pixels(sums)
        return writer.finish(
            fingerprint=joining.fingerprint,
            split=shard.split,
            videos=shard.listed,
            rejected=shard.rejected,
            sources=shard.sources,
            labelling=shard.labelling,
            exact_frames=exact_frames if joining.is_summed(shard) else 0,
        )


def _read(stored: StoredSet, number: int) -> tuple[bytes, Sample]:
    """The bytes of a sample, and what they are."""
    data = stored.data.read_bytes(number)
    location = stored.data.shards[stored.data.locate(number)[0]].location
    try:
        return data, replace(parse_sample(data, stored.data.layout), shard=location)
    except ShardError as error:
        raise ShardError(
            f"{location}: sample {number} {error}; `lrcn-data verify` finds all that is damaged"
        ) from error


def _write(
    writer: ShardWriter,
    data: bytes,
    sample: Sample,
    joining: Joining,
    origin: int,
    number: int,
    sha256: str,
) -> None:
    record = relabelled(
        sample.record,
        joining.keys[origin][number],
        joining.numbers[origin],
        joining.classes,
        labels_in_time=joining.layout.labels_in_time,
    )
    if record == sample.record:
        writer.copy(data, record, sha256)
    else:
        writer.write(record, [bytes(frame) for frame in sample.frames], sha256)


def _add_frames(sums: PixelSums, sample: Sample) -> None:
    buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
    for frame in decode_frames(sample, buffer):
        sums.add(frame)
