"""The last good frames of videos that gave no clip: decoded anew, in processes of their own.

Each video is read by a worker as sharding uses them, so that none of them can harm anything, and
with --salvage, so that a damaged one gives what comes before the damage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import Rejection
from lrcn_data.inspecting.contact_sheet import sheet_size
from lrcn_data.lists.entry import Entry
from lrcn_data.machine import usable_cores
from lrcn_data.making.isolated_work import IsolatedWork
from lrcn_data.making.plan import PlannedShard, PlannedVideo
from lrcn_data.making.shard_job import ShardJob, VideoReport
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.pixels import RGB
from lrcn_data.reasons import Reason
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.storage.locations import is_url, listed_location
from lrcn_data.storage.temporary_folder import temporary_folder
from lrcn_data.video.decoders import read_frames
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.fetched_video import fetched_video
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import open_video

LAST = 6
"""The number of frames that are shown of a video."""

_SECONDS = 20.0
"""How long one video may take: less than when shards are made, since somebody waits for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastFrames:
    """The last frames of a video that could be decoded.

    Attributes:
        pictures: The frames, each uint8 (height, width, 3) as high as a contact sheet has them, in
            time order; none where no frame could be decoded.
        times: The time of each in seconds, counted from the video's first frame.
        problem: Why there are none, as a sentence.
        is_there: Whether there is a file of the video's name.
    """

    pictures: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    problem: str = ""
    is_there: bool = True


def read_last_frames(
    rejections: Sequence[Rejection],
    manifest: Manifest,
    *,
    root: str,
    on_video: Callable[[], None] = lambda: None,
) -> list[LastFrames]:
    """Decode the last good frames of rejected videos.

    Nothing is opened that lies outside of the root folder, since a data set may come from others.

    Args:
        rejections: The rejected entries.
        manifest: That of their data set; the frames are as far apart as those of its clips.
        root: The folder or URL that the paths in the lists were relative to.
        on_video: Called after each video.

    Returns:
        What was found of each entry, in their order.

    Raises:
        LrcnError: A worker failed for a reason that no video is to blame for.
    """
    rate = manifest.options.get("picture_rate")
    decode = DecodeOptions(
        salvage=True, timeout=_SECONDS, picture_rate=Fraction(rate) if rate else None
    )
    options = ShardOptions(clip=ClipOptions(fps=Fraction(manifest.fps), decode=decode))
    with (
        closing(IsolatedWork(work=decode_last_frames, timeout=_SECONDS)) as work,
        ThreadPoolExecutor(usable_cores()) as pool,
        temporary_folder() as scratch,
    ):

        def read(rejection: Rejection) -> LastFrames:
            location = listed_location(root, rejection.path)
            if not _lies_within(root, location):
                return LastFrames(problem=f"it lies outside of --root {root}")
            if not is_url(root) and not os.path.lexists(location):
                return LastFrames(problem=f"it is not in --root {root}", is_there=False)
            found: LastFrames = work(_job(rejection, root, scratch, options)).result
            return found

        results = []
        for found in pool.map(read, rejections):
            results.append(found)
            on_video()
        return results


def _lies_within(root: str, path: str) -> bool:
    """Whether a path or URL leads to somewhere below the root folder."""
    if is_url(root):
        return path.startswith(f"{root}/") and ".." not in path.split("/")
    if is_url(path):
        return False
    base = os.path.abspath(root)  # noqa: PTH100 - links stay as they are
    return os.path.commonpath([base, os.path.abspath(path)]) == base  # noqa: PTH100


def _job(rejection: Rejection, root: str, scratch: Path, options: ShardOptions) -> ShardJob:
    """The job of looking at one video; so a video that ends its worker costs no other one."""
    entry = Entry(path=rejection.path, label=0, split=rejection.split, line=0)
    return ShardJob(
        shard=PlannedShard(rejection.path, rejection.split, [PlannedVideo(entry, 0)]),
        root=root,
        folder=DataSetFolder(root),
        scratch=scratch,
        options=options,
        classes=[],
        fingerprint="",
        summed=False,
        finished=None,
        quarantine={},
    )


def decode_last_frames(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[VideoReport], None]
) -> LastFrames:
    """Decode the last frames of a job's only video; see `worker_process.Work`."""
    if job.quarantine:
        return LastFrames(problem=job.quarantine[0].detail)
    started(0)
    sink = _LastFramesSink(job.options.clip.fps)
    problem = ""
    try:
        location = listed_location(job.root, job.shard.videos[0].entry.path)
        with fetched_video(location, job.scratch) as on_disk, open_video(on_disk) as file:
            read_frames(file, sink, job.options.clip.decode, decoder="av")
    except LrcnError as error:
        problem = error.detail if isinstance(error, VideoError) else str(error)
    except Exception as error:
        # whatever a library raises for an odd file, others are still to be shown
        problem = repr(error)
    ended(VideoReport(clips=0, reason=Reason.DAMAGED if problem else None))
    if problem or not sink.pictures:
        return LastFrames(problem=problem or "it has no frame")
    return LastFrames(pictures=list(sink.pictures.values()), times=sink.times)


class _LastFramesSink:
    """The sink of a decoder: wants the last frames, as far apart as those of the fps stream."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._timeline: Timeline | None = None
        self.pictures: dict[int, npt.NDArray[np.uint8]] = {}

    def choose(self, timeline: Timeline) -> Collection[int]:
        self._timeline = timeline
        self.pictures = {}
        count = len(timeline.times)
        step = max(1, round(timeline.average_fps / self._fps))
        return range(count - 1, -1, -step)[:LAST]

    def take(self, frame: int, rgb: RGB) -> None:
        from PIL import Image

        size = sheet_size(rgb.shape[1], rgb.shape[0])
        small = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
        self.pictures[frame] = np.asarray(small)

    @property
    def times(self) -> list[float]:
        """The time of each picture in seconds."""
        return [self._timeline.seconds(frame) for frame in self.pictures] if self._timeline else []
