"""Writes one planned shard, video by video; runs in a worker process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.format.json_text import readable
from lrcn_data.format.names import ShardPaths
from lrcn_data.format.records import Rejection, SampleRecord, ShardRecord, Source
from lrcn_data.format.shard_writer import ShardWriter
from lrcn_data.making.jpeg_keeper import JpegKeeper
from lrcn_data.making.jpeg_spool import JpegSpool
from lrcn_data.making.kept_videos import KeptVideos, keep_videos
from lrcn_data.making.plan import PlannedShard, PlannedVideo, ShardOptions, root_path
from lrcn_data.reasons import Reason
from lrcn_data.sampling.clips import Clip, FrameKeeper, Kept, VideoClips, collect_clips
from lrcn_data.video.video_file import open_video


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardJob:
    """All that a worker needs to write a shard.

    Attributes:
        shard: What goes into it.
        root: What the list's paths are relative to.
        folder: The data set's folder.
        options: Which clips, and how they are stored.
        classes: Class names by number.
        fingerprint: Of the run.
        finished: What was written of the shard before, where only what failed is to be read again.
        quarantine: Videos that ended a worker, by their place in the shard, which are not to be
            tried again.
    """

    shard: PlannedShard
    root: Path
    folder: Path
    options: ShardOptions
    classes: list[str]
    fingerprint: str
    finished: ShardRecord | None
    quarantine: Mapping[int, VideoError]


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReport:
    """What became of a video, for progress and warnings.

    Attributes:
        clips: How many it gave.
        reason: Why it gave none or not all, or None.
        slow: Whether its rate is below --fps, so that frames repeat.
    """

    clips: int
    reason: str | None = None
    slow: bool = False


def write_shard(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[VideoReport], None]
) -> ShardRecord:
    """Write a shard, and its index, arrays and record.

    Args:
        job: What to write.
        started: Called with each video's place in the shard before it is touched.
        ended: Called with each video's report.
    """
    rejected: list[Rejection] = []
    sources: list[Source] = []
    options = job.options
    paths = ShardPaths(job.folder, job.shard.name)
    kept = _kept(job, paths)
    jpegs = JpegKeeper(size=options.size, canvas=options.canvas, quality=options.quality)
    with (
        closing(JpegSpool(jpegs, paths.record.parent)) as spool,
        ShardWriter(paths, seq_len=options.clip.seq_len, canvas=options.canvas) as writer,
    ):
        if kept:
            writer.add_pixels(kept.sums)
        for place, video in enumerate(job.shard.videos):
            if kept and video.entry.path in kept.videos:
                _write_again(kept, video.entry.path, writer, sources, rejected)
                continue
            started(place)
            try:
                if place in job.quarantine:
                    raise job.quarantine[place]
                clips, source = read_planned(job, video, spool)
            except VideoError as error:
                rejected.append(_rejection(video, error))
                ended(VideoReport(clips=0, reason=error.reason))
                continue
            sources.append(source)
            if fault := _fault(clips, options):
                rejected.append(_rejection(video, fault))
            for clip in clips.clips:
                record = _record(job, video, clips, clip, jpegs)
                writer.write(record, [spool.load(frame) for frame in clip.frames])
            writer.add_pixels(jpegs.sums)
            ended(
                VideoReport(
                    clips=len(clips.clips),
                    reason=fault.reason if fault else None,
                    slow=clips.source_fps < float(options.clip.fps),
                )
            )
        return writer.finish(
            fingerprint=job.fingerprint,
            split=job.shard.split,
            videos=len(job.shard.videos),
            rejected=rejected,
            sources=sources,
        )


def _kept(job: ShardJob, paths: ShardPaths) -> KeptVideos | None:
    if job.finished is None:
        return None
    options = job.options
    return keep_videos(paths, job.finished, seq_len=options.clip.seq_len, canvas=options.canvas)


def _write_again(
    kept: KeptVideos,
    path: str,
    writer: ShardWriter,
    sources: list[Source],
    rejected: list[Rejection],
) -> None:
    video = kept.videos[path]
    sources.append(video.source)
    if video.rejection:
        rejected.append(video.rejection)
    for sample in kept.samples(video):
        writer.write(sample.record, [bytes(jpeg) for jpeg in sample.jpegs])


def read_planned(
    job: ShardJob, video: PlannedVideo, keeper: FrameKeeper[Kept]
) -> tuple[VideoClips[Kept], Source]:
    """Read a video's clips, and hash its file.

    Raises:
        VideoError: It can't be used, for whatever reason.
        LrcnError: No video can be read so.
    """
    path = video.entry.path
    try:
        with open_video(root_path(job.root, video.entry)) as file:
            clips = collect_clips(file, path, job.options.clip, keeper)
            source = Source(
                path=path, bytes=file.size, sha256=file.sha256(), decoding=clips.decoding
            )
    except LrcnError:
        raise
    except OSError as error:
        raise VideoError(Reason.MISSING, f"can't be read: {error.strerror}") from error
    except MemoryError as error:
        raise VideoError(Reason.TOO_LARGE, "it takes more memory than a worker may have") from error
    except Exception as error:
        # whatever a library raises for one odd file must not end a run of a million
        raise VideoError(Reason.CRASHED, f"reading it raised {error!r}") from error
    return clips, source


def _rejection(video: PlannedVideo, error: VideoError) -> Rejection:
    return Rejection(
        path=video.entry.path,
        split=video.entry.split,
        reason=error.reason,
        detail=error.detail,
    )


def _fault(clips: VideoClips[Kept], options: ShardOptions) -> VideoError | None:
    """Why a video that could be read gave no clip, or only those of its sound part."""
    if clips.damage is not None:
        if not clips.clips:
            return clips.damage
        return VideoError(
            Reason.PARTIAL,
            f"{len(clips.clips)} clips kept of its sound part; {clips.damage.detail}",
        )
    if clips.clips:
        return None
    return VideoError(
        Reason.SHORT,
        f"{clips.stream_length} frames at {options.clip.fps} fps ({clips.duration:.2f} s),"
        f" {options.clip.seq_len} are needed",
    )


def _record(
    job: ShardJob,
    video: PlannedVideo,
    clips: VideoClips[Kept],
    clip: Clip[Kept],
    jpegs: JpegKeeper,
) -> SampleRecord:
    entry = video.entry
    seq_len = job.options.clip.seq_len
    return SampleRecord(
        key=video.key(clip.number),
        video=readable(entry.path),
        label=entry.label,
        class_name=job.classes[entry.label],
        split=entry.split,
        clip=clip.number,
        fps=float(job.options.clip.fps),
        source_fps=clips.source_fps,
        width=jpegs.width,
        height=jpegs.height,
        frame_times=clip.frame_times,
        num_valid=clip.num_valid,
        labels=[entry.label] * clip.num_valid + [-1] * (seq_len - clip.num_valid),
        segment=[0.0, round(clips.duration, 6)],
        salvaged=clips.damage is not None,
    )
