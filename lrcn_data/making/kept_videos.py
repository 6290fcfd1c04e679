"""What a finished shard holds of videos that --retry-failed need not read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import ShardFiles
from lrcn_data.format.json_text import readable
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.format.records import LabelFinding, Rejection, ShardRecord, Source
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
        finding: What is unusual about the video's labels in time; None if nothing is.
        extents: Each of its samples by the name of the tar, and the offset and length in bytes.
    """

    source: Source
    rejection: Rejection | None
    finding: LabelFinding | None
    extents: list[tuple[str, int, int]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptVideos:
    """The sound and the short videos of a finished shard.

    Attributes:
        videos: The videos by their path in the list.
        sums: The pixel sums of all their frames; None where frames are not summed up.
        folder: The data set's folder.
        layout: How the shard's samples are made up.
    """

    videos: dict[str, KeptVideo]
    sums: PixelSums | None
    folder: DataSetFolder
    layout: SampleLayout

    def samples(self, video: KeptVideo) -> Iterator[Sample]:
        """Read a video's samples."""
        for tar, offset, length in video.extents:
            yield parse_sample(self.folder.read_range(tar, offset, length), self.layout)


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
    folder: DataSetFolder,
    record: ShardRecord | None,
    *,
    layout: SampleLayout,
    canvas: Canvas | None,
) -> KeptVideos | None:
    """Find in a finished shard what it holds of the videos that need not be read again.

    Args:
        folder: The data set's folder.
        record: The record that was written of the shard; None where it is to be written anew.
        layout: How the shard's samples are made up.
        canvas: The (width, height) of the pixel sums in pixels; None where there are none.

    Returns:
        The videos; None where all are to be read again, or where the shard's bytes are no longer
        those that were written.
    """
    if record is None:
        return None
    short = {line.path: line for line in record.rejected if line.reason in NOT_BAD}
    findings = {finding.path: finding for finding in record.labelling}
    wanted = kept_paths(record)
    videos = {
        source.path: KeptVideo(
            source=source,
            rejection=short.get(source.path),
            finding=findings.get(source.path),
        )
        for source in record.sources
        if source.path in wanted
    }
    by_name = {readable(path): video for path, video in videos.items()}
    sums = None
    try:
        for path, extent in _sample_extents(folder, record, layout):
            by_name[path].extents.append(extent)
        if canvas is not None:
            arrays = ShardFiles.of(record.entry.file).arrays
            total, count = load_pixel_sum(folder, arrays, canvas=canvas, channels=layout.channels)
            sums = PixelSums(canvas, layout.channels)
            sums.add_total(total, frame_count=count, exact_frames=record.exact_frames)
    except (ShardError, OSError, KeyError):
        return None
    return KeptVideos(videos=videos, sums=sums, folder=folder, layout=layout)


def _sample_extents(
    folder: DataSetFolder, record: ShardRecord, layout: SampleLayout
) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """Give each sample's video as samples have it, and the sample's tar, offset and length there.

    Raises:
        ShardError: The shard is not sound.
    """
    for entry in record.entries:
        videos = []
        with folder.open(entry.file) as file:
            scan = ShardScan(file, layout)
            for sample in scan:
                if isinstance(sample, ShardError):
                    raise sample
                videos.append(sample.record.video)
            if scan.sha256 != entry.sha256:
                raise ShardError("is not what was written")
        index = scan.index()
        for video, offset, length in zip(
            videos, index.offset.tolist(), index.length.tolist(), strict=True
        ):
            yield video, (entry.file, offset, length)
