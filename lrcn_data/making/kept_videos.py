"""What a finished shard holds of videos that --retry-failed need not read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lrcn_data.errors import ShardError
from lrcn_data.format.file_names import ShardPaths
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.format.records import Rejection, ShardRecord, Source
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample, parse_sample
from lrcn_data.format.shard_index import load_pixel_sum
from lrcn_data.format.shard_scan import ShardScan
from lrcn_data.reasons import NOT_BAD, Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptVideo:
    """One video of a finished shard.

    Attributes:
        source: The video's file as it was when it was read.
        rejection: Why the video gave no clip; None if it gave some.
        extents: The offset and length in bytes of each of its samples in the tar.
    """

    source: Source
    rejection: Rejection | None
    extents: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptVideos:
    """The sound and the short videos of a finished shard.

    Attributes:
        videos: The videos by their path in the list.
        sums: The pixel sums of all their frames.
        tar: The path of the shard's tar.
        layout: How the shard's samples are made up.
    """

    videos: dict[str, KeptVideo]
    sums: PixelSums
    tar: Path
    layout: SampleLayout

    def samples(self, video: KeptVideo) -> Iterator[Sample]:
        """Read a video's samples from the tar."""
        with self.tar.open("rb") as file:
            for offset, length in video.extents:
                file.seek(offset)
                yield parse_sample(file.read(length), self.layout)


def can_keep(record: ShardRecord) -> bool:
    """Whether a shard's pixel sums come only from videos that need not be read again.

    They don't where a video was salvaged: it is read again, but its clips are in the sums.
    """
    return not any(line.reason == Reason.PARTIAL for line in record.rejected)


def kept_paths(record: ShardRecord) -> set[str]:
    """The paths, as in the list, of the videos that need not be read again."""
    bad = {line.path for line in record.rejected if line.reason not in NOT_BAD}
    return {source.path for source in record.sources} - bad


def keep_videos(
    paths: ShardPaths, record: ShardRecord, *, layout: SampleLayout, canvas: Canvas
) -> KeptVideos | None:
    """Find in a finished shard what it holds of the videos that need not be read again.

    Args:
        paths: Where the shard's files are.
        record: The record that was written of the shard.
        layout: How the shard's samples are made up.
        canvas: The (width, height) of the pixel sums in pixels.

    Returns:
        The videos, or None where the shard's bytes are no longer those that were written.
    """
    short = {line.path: line for line in record.rejected if line.reason in NOT_BAD}
    wanted = kept_paths(record)
    videos = {
        source.path: KeptVideo(source=source, rejection=short.get(source.path))
        for source in record.sources
        if source.path in wanted
    }
    try:
        for path, extent in _sample_extents(paths, record, layout):
            videos[path].extents.append(extent)
        total, count = load_pixel_sum(str(paths.arrays), canvas=canvas, channels=layout.channels)
    except (ShardError, OSError, KeyError):
        return None
    sums = PixelSums(canvas, layout.channels)
    sums.add_total(total, frame_count=count, exact_frames=record.exact_frames)
    return KeptVideos(videos=videos, sums=sums, tar=paths.tar, layout=layout)


def _sample_extents(
    paths: ShardPaths, record: ShardRecord, layout: SampleLayout
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give each sample's video path, and the sample's offset and length in the tar.

    Raises:
        ShardError: The shard is not sound.
    """
    videos = []
    with paths.tar.open("rb") as file:
        scan = ShardScan(file, layout)
        for sample in scan:
            if isinstance(sample, ShardError):
                raise sample
            videos.append(sample.record.video)
        if scan.sha256 != record.entry.sha256:
            raise ShardError("is not what was written")
    index = scan.index()
    yield from zip(
        videos, zip(index.offset.tolist(), index.length.tolist(), strict=True), strict=True
    )
