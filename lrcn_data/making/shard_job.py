"""Writes one planned shard, video by video; runs in a worker process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.data_set_folder import DataSetFolder, WrittenShard
from lrcn_data.format.json_text import readable
from lrcn_data.format.recipe import WHOLE
from lrcn_data.format.records import (
    NO_CLASS,
    LabelFinding,
    Rejection,
    SampleRecord,
    ShardRecord,
    Source,
)
from lrcn_data.format.shard_writer import ShardWriter
from lrcn_data.lists.entry import Label
from lrcn_data.making.fingerprint import tool_versions, value_differences
from lrcn_data.making.frame_encoder import FrameEncoder
from lrcn_data.making.frame_labels import frame_labels
from lrcn_data.making.frame_spool import FrameSpool, SpooledFrame
from lrcn_data.making.kept_videos import KeptVideo, KeptVideos, keep_videos
from lrcn_data.making.label_findings import find_in_labels
from lrcn_data.making.plan import PlannedShard, PlannedVideo
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.reasons import Reason
from lrcn_data.sampling.clips import Clip, FrameKeeper, Kept, VideoClips, collect_clips
from lrcn_data.storage import locations
from lrcn_data.storage.atomic_file import write_failure
from lrcn_data.video.fetched_video import fetched_video
from lrcn_data.video.video_file import open_video


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardJob:
    """Everything that a worker needs to know to write a shard.

    Attributes:
        shard: The shard to write, with the entries that go into it.
        root: The folder or URL that the paths in the lists are relative to.
        folder: The data set's folder.
        scratch: The folder on this machine in which files are written until they are finished.
        options: Which clips are taken, and how they are stored.
        classes: The class names by class number.
        fingerprint: The fingerprint of the data set.
        summed: Whether the frames are summed up for the mean image.
        finished: The record of the shard as it was written before, where only failed videos are to
            be read again; None where all of its videos are to be read.
        quarantine: The videos that are not to be tried, since they ended a worker: the error to
            record for each, by the video's position in the shard, counted from 0.
        tools: The versions of what decodes and encodes frames, by name, that the machine must have
            which does the job; None where it may have any.
    """

    shard: PlannedShard
    root: str
    folder: DataSetFolder
    scratch: Path
    options: ShardOptions
    classes: list[str]
    fingerprint: str
    summed: bool
    finished: ShardRecord | None
    quarantine: Mapping[int, VideoError]
    tools: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReport:
    """What became of a video, for progress and warnings.

    Attributes:
        clips: The number of clips that the video gave.
        reason: Why the video gave no clip or not all of them, a `Reason`; None if it gave all.
        slow: Whether the video has fewer frames per second than --fps, so that frames repeat.
    """

    clips: int
    reason: str | None = None
    slow: bool = False


def write_shard(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[VideoReport], None]
) -> WrittenShard:
    """Write a shard with its index, arrays and record to temporary files.

    Args:
        job: The job that says what to write.
        started: Called before a video's file is touched, with the video's position in the shard.
        ended: Called with the video's report once its samples are written or it is rejected.

    Returns:
        The finished files, which `put_shard` gives their places.

    Raises:
        LrcnError: This machine has other versions of what decodes and encodes frames.
        OSError: A file can't be written.
    """
    options = job.options
    if job.tools is not None:
        _refuse_other_tools(job.shard.name, job.tools, tool_versions(options))
    if not job.folder.is_local:
        job.scratch.mkdir(exist_ok=True)  # on another machine than the run's there is none yet
    canvas = options.canvas if job.summed else None
    layout = options.layout(len(job.classes))
    kept = keep_videos(job.folder, job.finished, layout=layout, canvas=canvas)
    encoder = FrameEncoder.of(options, summed=job.summed)
    with (
        closing(FrameSpool(encoder, job.scratch)) as spool,
        ShardWriter(
            job.scratch,
            job.shard.name,
            layout=layout,
            canvas=canvas,
            most_bytes=options.shard_bytes,
        ) as writer,
    ):
        shard = _OpenShard(job=job, writer=writer, encoder=encoder, spool=spool)
        if kept and kept.sums:
            writer.add_pixels(kept.sums)
        for position, video in enumerate(job.shard.videos):
            if kept and video.entry.path in kept.videos:
                shard.write_kept(kept, kept.videos[video.entry.path])
            else:
                started(position)
                ended(shard.write_read(position, video))
        return shard.finish()


def _refuse_other_tools(shard: str, wanted: Mapping[str, str], here: Mapping[str, str]) -> None:
    found = value_differences("", wanted, here, {*wanted, *here})
    if found:
        raise LrcnError(
            f"{shard}: {socket.gethostname()} has other tools than the run was started"
            f" with: {'; '.join(found)}; install the same versions there"
        )


def put_shard(job: ShardJob, written: WrittenShard) -> ShardRecord:
    """Give a finished shard its place in the data set's folder, and return its record.

    Raises:
        LrcnError: A file can't be put there.
    """
    try:
        job.folder.put_shard(written)
    except OSError as error:
        raise write_failure(str(job.folder), error) from error
    return written.record


@dataclass(frozen=True, kw_only=True, slots=True)
class _OpenShard:
    """A shard that is being written, and what its record will say of its videos.

    Attributes:
        job: The job that says what to write.
        writer: Writes the shard's files.
        encoder: Encodes the frames of the video that is being read.
        spool: Keeps that video's frames until all of the video has been read.
        rejected: The entries so far that gave no clip, or not all of their clips.
        sources: The files of the videos so far that could be read.
        labelling: What is unusual about the labels in time of these videos.
    """

    job: ShardJob
    writer: ShardWriter
    encoder: FrameEncoder
    spool: FrameSpool
    rejected: list[Rejection] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    labelling: list[LabelFinding] = field(default_factory=list)

    def write_kept(self, kept: KeptVideos, video: KeptVideo) -> None:
        """Write the samples that the finished shard has of a video, unchanged."""
        self.sources.append(video.source)
        if video.rejection:
            self.rejected.append(video.rejection)
        if video.finding:
            self.labelling.append(video.finding)
        for sample in kept.samples(video):
            frames = [bytes(frame) for frame in sample.frames]
            self.writer.write(sample.record, frames, video.source.sha256)

    def write_read(self, position: int, video: PlannedVideo) -> VideoReport:
        """Read a video and write its samples, or say why it is rejected."""
        try:
            clips, source = self._read(position, video)
        except VideoError as error:
            self._reject(video, error)
            return VideoReport(clips=0, reason=error.reason)
        self.sources.append(source)
        finding = find_in_labels(video.entry, clips)
        if finding:
            self.labelling.append(finding)
        fault = _fault(clips, self.job.options)
        if fault:
            self._reject(video, fault)
        self._write(video, clips, source)
        return VideoReport(
            clips=len(clips.clips),
            reason=fault.reason if fault else None,
            slow=clips.source_fps < float(self.job.options.clip.fps),
        )

    def finish(self) -> WrittenShard:
        """Close the shard, once all of its videos are in it."""
        return self.writer.finish(
            fingerprint=self.job.fingerprint,
            split=self.job.shard.split,
            videos=len(self.job.shard.videos),
            rejected=self.rejected,
            sources=self.sources,
            labelling=self.labelling,
        )

    def _read(self, position: int, video: PlannedVideo) -> tuple[VideoClips[SpooledFrame], Source]:
        if position in self.job.quarantine:
            raise self.job.quarantine[position]
        return read_planned(self.job, video, self.spool)

    def _reject(self, video: PlannedVideo, error: VideoError) -> None:
        rejection = Rejection(
            path=video.entry.path,
            split=video.entry.split,
            reason=error.reason,
            detail=error.detail,
        )
        self.rejected.append(rejection)

    def _write(self, video: PlannedVideo, clips: VideoClips[SpooledFrame], source: Source) -> None:
        for clip in clips.clips:
            record = _record(self.job, video, clips, clip, self.encoder)
            frames = [self.spool.load(frame) for frame in clip.frames]
            self.writer.write(record, frames, source.sha256)
        if self.encoder.sums is not None:
            self.writer.add_pixels(self.encoder.sums)


def read_planned(
    job: ShardJob, video: PlannedVideo, keeper: FrameKeeper[Kept]
) -> tuple[VideoClips[Kept], Source]:
    """Read a video's clips, and hash its file.

    Args:
        job: The job that the video belongs to.
        video: The video to read.
        keeper: Decides in what form each wanted frame is kept.

    Returns:
        The clips, and what the shard's record says of the file.

    Raises:
        VideoError: The video can't be used, for whatever reason.
        LrcnError: No video can be read with these options, or the disk is full.
    """
    path = video.entry.path
    location = locations.listed_location(job.root, path)
    try:
        with fetched_video(location, job.scratch) as on_disk, open_video(on_disk) as file:
            clips = collect_clips(file, path, job.options.clip, keeper)
            source = Source(
                path=path, bytes=file.size, sha256=file.sha256(), decoding=clips.decoding
            )
    except LrcnError:
        raise
    except OSError as error:
        if locations.is_url(location):
            raise  # it can't be written on this machine
        raise VideoError(Reason.MISSING, f"can't be read: {error.strerror}") from error
    except MemoryError as error:
        raise VideoError(Reason.TOO_LARGE, "it takes more memory than a worker may have") from error
    except Exception as error:
        # whatever a library raises for one odd file must not end a run of a million
        raise VideoError(Reason.CRASHED, f"reading it raised {error!r}") from error
    return clips, source


def _fault(clips: VideoClips[Kept], options: ShardOptions) -> VideoError | None:
    """Say why a video that could be read gave no clip, or only those of its sound part.

    Returns:
        The error to record; None for a video that gave all of its clips.
    """
    if clips.damage is not None:
        if not clips.clips:
            return clips.damage
        return VideoError(
            Reason.PARTIAL,
            f"{len(clips.clips)} clips kept of its sound part; {clips.damage.detail}",
        )
    if clips.clips:
        return None
    needed = "1 is" if options.clip.short == WHOLE else f"{options.clip.seq_len} are"
    return VideoError(
        Reason.SHORT,
        f"{clips.stream_length} frames at {options.clip.fps} fps ({clips.duration:.2f} s),"
        f" {needed} needed",
    )


def _record(
    job: ShardJob,
    video: PlannedVideo,
    clips: VideoClips[Kept],
    clip: Clip[Kept],
    encoder: FrameEncoder,
) -> SampleRecord:
    entry = video.entry
    frames = frame_labels(entry, clip)
    in_time = job.options.labels_in_time
    labels = _labels(clip_label(frames) if in_time else entry.label, job.classes)
    return SampleRecord(
        key=video.key(clip.number),
        video=readable(entry.path),
        **labels,
        split=entry.split,
        clip=clip.number,
        fps=float(job.options.clip.fps),
        source_fps=clips.source_fps,
        width=encoder.width,
        height=encoder.height,
        frame_times=clip.frame_times,
        num_valid=clip.num_valid,
        labels=frames,
        segment=[0.0, round(clips.duration, 6)],
        salvaged=clips.damage is not None,
        position=clip.position if in_time else None,
        neighbour_times=clip.neighbour_times,
    )


def _labels(label: Label, classes: Sequence[str]) -> dict[str, Any]:
    """The values of a sample's record that say which class, or set of classes, it has."""
    if isinstance(label, int):
        return {"label": label, "class_name": classes[label] if label != NO_CLASS else ""}
    names = [classes[number] for number in label]
    return {"label": NO_CLASS, "classes": list(label), "class_names": names}
