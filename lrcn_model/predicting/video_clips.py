"""The clips of a video as shards would hold them: sampled, resized and encoded in the same way."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.format.frame_kind import FrameKind, Neighbour, make_picture
from lrcn_data.format.frame_kinds import recorded_frame_kind
from lrcn_data.format.json_text import readable
from lrcn_data.format.recipe import WHOLE
from lrcn_data.format.records import NO_CLASS, SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample
from lrcn_data.pixels import RGB
from lrcn_data.plugins import check_plugin_version, is_plugin
from lrcn_data.reasons import Reason
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import collect_clips
from lrcn_data.sampling.sampling import Sampling
from lrcn_data.sampling.samplings import SAMPLINGS
from lrcn_data.size import Size
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.video_file import open_video
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.decode_samples import decode_samples
from lrcn_model.scoring.trained_run import RunFacts

_QUALITY = 90
"""The JPEG quality of runs that have not recorded one."""


class StoredFrames:
    """Keeps of each frame what shards would hold of it, encoded.

    Args:
        kind: The kind of frames that shards would have.
        size: (width, height), in pixels, that frames are resized to; None for their own size.
        quality: The quality of the encoding, from 1 to 100.

    Attributes:
        width: The width of this video's pictures in pixels; 0 before the first one.
        height: The height of this video's pictures in pixels; 0 before the first one.
    """

    def __init__(self, kind: FrameKind, size: Size | None, quality: int) -> None:
        self._kind = kind
        self._size = size
        self._quality = quality
        self.width = self.height = 0

    @property
    def neighbour(self) -> Neighbour:
        """The second frame that each one has to come with; see `FrameKind`."""
        return self._kind.neighbour

    def begin(self) -> None:
        """Forget the video before, or the same one that is read again."""
        self.width = self.height = 0

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> bytes:
        """Encode a frame; see `sampling.clips.FrameKeeper`."""
        picture = make_picture(self._kind, rgb, size=self._size, number=number, neighbour=neighbour)
        self.height, self.width = picture.shape[:2]
        return self._kind.encode(picture, self._quality)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoSamples:
    """The clips of a video, still encoded.

    Attributes:
        samples: The clips, as a shard's reader gives them.
        padded: The number of real frames of a video that is too short for a clip, the last of which
            is repeated; None for others.
    """

    samples: list[Sample]
    padded: int | None

    def batches(self, size: int) -> Iterator[ClipBatch]:
        """Decode the clips as shards are decoded, so many at a time."""
        for start in range(0, len(self.samples), size):
            part = self.samples[start : start + size]
            yield decode_samples(part, range(start, start + len(part)))


class VideoReader:
    """Reads videos as those were read that a net was trained on.

    All windows are taken of a video where the training's clips are windows. Where a frame was drawn
    from each block, the block's middle frame is taken. A short video is padded, unless the
    training's were looped, or taken whole (--seq-len max).

    Args:
        facts: What the net was trained for.
        decoder: The name of the decoder, such as `av`.
        decode: How the videos are decoded.
        plugins: Names of plug-ins that may be imported, where one has made the frames or chosen
            them.

    Raises:
        UsageError: A plug-in made or chose the frames, and is not named.
    """

    def __init__(
        self,
        facts: RunFacts,
        *,
        decoder: str,
        decode: DecodeOptions,
        plugins: Collection[str],
    ) -> None:
        kind = recorded_frame_kind(facts.frame_kind, "the run", plugins, facts.frame_plugins)
        recipe = facts.recipe
        self._layout = SampleLayout(
            seq_len=facts.seq_len,
            frame_kind=kind,
            sets_of=len(facts.classes) if facts.multi_label else 0,
            variable_length=recipe.get("short") == WHOLE,
        )
        self._keeper = StoredFrames(kind, facts.stored_size, recipe.get("quality", _QUALITY))
        self._options = ClipOptions(
            fps=facts.fps,
            sampling=_sampling(facts.seq_len, recipe, plugins),
            short=recipe["short"] if recipe.get("short") in ("loop", WHOLE) else "pad",
            decoder=decoder,
            decode=decode,
        )

    @property
    def frame_kind(self) -> FrameKind:
        """The kind of frames of the clips."""
        return self._layout.frame_kind

    def read(self, path: str | os.PathLike[str]) -> VideoSamples:
        """Read the clips of a video.

        Raises:
            VideoError: The video can't be used, or has no frame at the run's frame rate.
        """
        name = os.fspath(path)
        with open_video(name) as file:
            found = collect_clips(file, name, self._options, self._keeper)
        if not found.clips:
            raise VideoError(Reason.SHORT, f"no frame at {self._options.fps} frames a second")
        samples = [
            Sample(
                frames=[memoryview(frame) for frame in clip.frames],
                label=0,
                # of a net for several labels a clip none, as none are known
                record=SampleRecord(
                    key=f"clip-{clip.number}",
                    video=readable(name),
                    label=0,
                    classes=[] if self._layout.multi_label else None,
                    clip=clip.number,
                    fps=float(self._options.fps),
                    source_fps=found.source_fps,
                    width=self._keeper.width,
                    height=self._keeper.height,
                    frame_times=clip.frame_times,
                    num_valid=clip.num_valid,
                    labels=[NO_CLASS] * len(clip.frames),
                    segment=[0.0, found.duration],
                ),
                layout=self._layout,
            )
            for clip in found.clips
        ]
        first = found.clips[0]
        is_padded = first.num_valid < len(first.frames)
        return VideoSamples(samples=samples, padded=first.num_valid if is_padded else None)


def _sampling(seq_len: int, recipe: Mapping[str, Any], plugins: Collection[str]) -> Sampling:
    """The sampling of a run's shards, or one that draws nothing in place of it."""
    name = recipe.get("sampling", "blocks")
    if name in ("blocks", "center"):
        return Center(seq_len=seq_len)
    if name not in SAMPLINGS.built_in and not is_plugin(name):
        raise UsageError(f"the run's clips were sampled by {name!r:.80}; upgrade lrcn")
    kind = SAMPLINGS.load_recorded(name, "the run", plugins)
    check_plugin_version(name, kind, "the run", recipe.get("plugins", {}))
    values = {**recipe, **recipe.get("sampling_values", {}), "seq_len": seq_len}
    return kind(**{f.name: values[f.name] for f in fields(kind) if f.name in values})
