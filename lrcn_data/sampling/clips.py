"""From a video file to its clips: times, the fps stream, the choice of frames, and their pixels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar, Unpack

from lrcn_data.errors import VideoError
from lrcn_data.format.frame_kind import NEXT_IN_SOURCE, Neighbour
from lrcn_data.pixels import RGB
from lrcn_data.sampling.choose_clips import choose_clips
from lrcn_data.sampling.clip_options import ClipOptions, ClipValues, clip_options
from lrcn_data.sampling.frame_pairs import FramePairs, Pair, pair_of
from lrcn_data.sampling.short_videos import ClipPicks
from lrcn_data.video.decoders import read_frames
from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.picture_folder import PictureFolder
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import VideoFile, open_video

Kept = TypeVar("Kept")
KeptFrame = TypeVar("KeptFrame", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip(Generic[Kept]):
    """A sampled clip.

    Attributes:
        number: The number of the clip in its video, counted from 0.
        frames: The frames in time order, each in the form that the keeper gave it: seq_len of them,
            or those of a shorter video that is taken whole.
        frame_times: For each frame, the time in seconds at which the source shows it, counted from
            the source's first frame.
        num_valid: The number of frames that are real; the rest repeat the last one.
        frame_numbers: For each frame, its number in the source, counted from 0.
        position: The number of the first frame in the fps stream, counted from 0.
        neighbour_times: For each frame, the time, counted in the same way, of the other frame that
            it came with: the next one of the source, of the source's last one the one before. None
            where the keeper asks for no frame of the source beside it.
    """

    number: int
    frames: list[Kept]
    frame_times: list[float]
    num_valid: int
    frame_numbers: list[int]
    position: int
    neighbour_times: list[float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoClips(Generic[Kept]):
    """All clips of a video.

    Attributes:
        clips: The clips in order; none if the video is too short and short ones are skipped.
        stream_length: The number of frames in the fps stream.
        source_length: The number of frames in the video.
        source_fps: The video's own average number of frames per second.
        duration: The length of the video in seconds.
        decoding: How much was decoded; see `video.decoding.Decoded`.
        damage: What is wrong with a video of which only the sound part was taken; None for others.
    """

    clips: list[Clip[Kept]]
    stream_length: int
    source_length: int
    source_fps: float
    duration: float
    decoding: str
    damage: VideoError | None


class FrameKeeper(Protocol[KeptFrame]):
    """Decides in what form each wanted frame is kept; every frame is handed over once.

    Where neighbours are asked for, a frame is handed over once with each of its neighbours: a frame
    that the fps stream repeats may have several. What a frame may be stood in for by is said of
    `FrameKind.picture`.
    """

    @property
    def neighbour(self) -> Neighbour:
        """The second frame that each one has to come with; 0 for none."""

    def begin(self) -> None:
        """Forget everything, because another video is read, or the same one again."""

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> KeptFrame:
        """Take a frame, and give the form in which it is kept.

        Args:
            rgb: The frame's pixels, uint8 (height, width, 3).
            number: The number of the frame in its video, counted from 0.
            neighbour: The pixels of the frame that `neighbour` says, of the same shape; see
                `FrameKind.picture`. None if `neighbour` is 0.
            uses: How many times the frame, with this neighbour, occurs in the video's clips.
        """


class KeepPixels:
    """Keeps frames as RGB arrays, just as they are decoded."""

    neighbour: Neighbour = 0

    def begin(self) -> None:
        """Do nothing, as there is nothing to forget."""

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> RGB:
        """Give back the frame itself."""
        return rgb


def read_clips(
    video: str | os.PathLike[str],
    name: str | None = None,
    options: ClipOptions | None = None,
    **values: Unpack[ClipValues],
) -> VideoClips[RGB]:
    """Read the clips of a video as RGB frames.

    Args:
        video: The path of the file, or of the folder of pictures.
        name: The path of the video as a list has it, on which the random draws depend; None for
            `video` as it is given.
        options: Which clips are taken, and how the video is decoded; None to make them of `values`.
        **values: What is given of `ClipValues`: `fps=5, seq_len=8` and so on.

    Returns:
        The clips, whose frames are uint8 (height, width, 3), in time order.

    Raises:
        UsageError: A value is out of its range.
        VideoError: The file can't be used, with the reason.
        OSError: The file is not there or can't be read.
    """
    path = os.fspath(video)
    name = path if name is None else name
    with open_video(path) as file:
        return collect_clips(file, name, options or clip_options(**values), KeepPixels())


def collect_clips(
    file: VideoFile | PictureFolder, name: str, options: ClipOptions, keeper: FrameKeeper[Kept]
) -> VideoClips[Kept]:
    """Read the clips of a video, each frame in the form that the keeper gives it.

    Args:
        file: The open file, or the folder of pictures.
        name: The path of the video as its list has it; the random draws depend on it.
        options: Which clips are taken, and how the video is decoded.
        keeper: Decides in what form each wanted frame is kept.

    Raises:
        VideoError: The file can't be used, with the reason.
    """
    collector = _Collector(name, options, keeper)
    decoded = read_frames(file, collector, options.decode, decoder=options.decoder)
    return VideoClips(
        clips=collector.clips(decoded.timeline),
        stream_length=collector.stream_length,
        source_length=len(decoded.timeline.times),
        source_fps=decoded.timeline.average_fps,
        duration=decoded.timeline.duration,
        decoding=decoded.decoding,
        damage=decoded.damage,
    )


class _Wanted(NamedTuple):
    """A frame of a clip, and the two frames of the video that what is kept of it is made from."""

    frame: int
    pair: Pair


class _Collector(Generic[Kept]):
    """The sink of a decoder: chooses clips once the timeline is known, and keeps their frames."""

    def __init__(self, name: str, options: ClipOptions, keeper: FrameKeeper[Kept]) -> None:
        self._name = name
        self._options = options
        self._keeper = keeper
        self.stream_length = 0
        self._picks: list[tuple[ClipPicks, list[_Wanted]]] = []
        self._pairs = FramePairs({})
        self._kept: dict[Pair, Kept] = {}

    def choose(self, timeline: Timeline) -> Collection[int]:
        options = self._options
        self._keeper.begin()
        self._kept = {}
        stream = FpsStream(timeline, options.fps)
        self.stream_length = len(stream)
        chosen = choose_clips(
            self.stream_length,
            sampling=options.sampling,
            short=options.short,
            seed=options.seed,
            path=self._name,
        )
        self._picks = [
            (picks, [self._wanted(stream, position, timeline) for position in picks.positions])
            for picks in chosen
        ]
        self._pairs = FramePairs(Counter(one.pair for _, clip in self._picks for one in clip))
        return self._pairs.frames

    def _wanted(self, stream: FpsStream, position: int, timeline: Timeline) -> _Wanted:
        pair = pair_of(stream, position, self._keeper.neighbour, len(timeline.times))
        return _Wanted(stream[position], pair)

    def take(self, frame: int, rgb: RGB) -> None:
        for pair, pixels, other, uses in self._pairs.complete(frame, rgb):
            neighbour = other if self._keeper.neighbour else None
            self._kept[pair] = self._keeper.keep(pixels, pair[0], neighbour, uses)

    def clips(self, timeline: Timeline) -> list[Clip[Kept]]:
        return [self._clip(picks, wanted, timeline) for picks, wanted in self._picks]

    def _clip(self, picks: ClipPicks, wanted: list[_Wanted], timeline: Timeline) -> Clip[Kept]:
        def seconds(frames: Iterable[int]) -> list[float]:
            return [round(timeline.seconds(frame), 6) for frame in frames]

        of_source = self._keeper.neighbour == NEXT_IN_SOURCE
        frames = [frame for frame, _ in wanted]
        return Clip(
            number=picks.number,
            frames=[self._kept[pair] for _, pair in wanted],
            frame_times=seconds(frames),
            num_valid=picks.num_valid,
            frame_numbers=frames,
            position=picks.positions[0],
            # the sum of both less the frame is the other one, also of a single frame
            neighbour_times=seconds(sum(pair) - frame for frame, pair in wanted)
            if of_source
            else None,
        )
