"""The options that decide the bytes of a data set, beside its lists."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.frame_kinds import FRAME_KINDS, RGB_FRAMES, load_frame_kind
from lrcn_data.format.mean_image import MAX_CANVAS_PIXELS, Canvas
from lrcn_data.format.recipe import WHOLE
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.shard_writer import DEFAULT_SHARD_BYTES
from lrcn_data.plugins import plugin_versions
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.samplings import name_of
from lrcn_data.size import Size
from lrcn_data.video.limits import DEFAULT_HOURS

_DEFAULT_CANVAS: Canvas = (320, 240)


_OF_NO_SAMPLING = {"stride": None, "clips": 1}
"""What the manifest has for these options where the sampling has no field of that name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardOptions:
    """The options that, beside the lists, decide the bytes of a data set.

    Attributes:
        clip: Which clips are taken, and how videos are decoded.
        size: The (width, height) of the stored frames in pixels; None for each video's own.
        mean_size: The (width, height) in pixels on which frames are summed up for the mean image;
            None for `size`, or for 320x240 if that is None too.
        quality: The JPEG quality, from 1 to 100.
        frame_kind: The name of the kind of frames, which says what is stored of each frame: `rgb`,
            `flow`, or `package.module:Class` for a plug-in.
        videos_per_shard: The largest number of list entries in a shard; None for a hundredth of the
            split's entries, but at least 8 and at most 1,000.
        shard_bytes: The size in bytes that a tar may have, if it has more than one sample. Samples
            that don't fit go into further tars of the same shard.
        multi_label: Whether a video has a set of classes, instead of one.
        labels_in_time: Whether videos have labels in time, so that frames have their own classes.

    Raises:
        UsageError: A value is out of its range, or there can be no kind of frames of that name.
    """

    clip: ClipOptions
    size: Size | None = None
    mean_size: Size | None = None
    quality: int = 90
    frame_kind: str = RGB_FRAMES
    videos_per_shard: int | None = None
    shard_bytes: int = DEFAULT_SHARD_BYTES
    multi_label: bool = False
    labels_in_time: bool = False

    def __post_init__(self) -> None:
        FRAME_KINDS.check(self.frame_kind)
        if not 1 <= self.quality <= 100:
            raise UsageError(f"--quality must be from 1 to 100, got {self.quality}")
        if self.videos_per_shard is not None and self.videos_per_shard < 1:
            raise UsageError(f"--videos-per-shard must be at least 1, got {self.videos_per_shard}")
        if self.shard_bytes < 1:
            raise UsageError(f"--shard-bytes must be at least 1, got {self.shard_bytes}")
        if self.labels_in_time:
            self._check_in_time()
        for name, size in (("size", self.size), ("mean-size", self.mean_size)):
            if size is not None and not _is_size(size):
                shown = "x".join(map(str, size)) if isinstance(size, tuple) else repr(size)
                raise UsageError(f"--{name} must have sides from 1 to 8192, got {shown}")
        width, height = self.canvas
        if width * height > MAX_CANVAS_PIXELS:
            raise UsageError(
                f"the mean image would have {width}x{height} pixels, of which {MAX_CANVAS_PIXELS:,}"
                " are possible; give a smaller --mean-size, such as 640x480"
            )

    def _check_in_time(self) -> None:
        if self.multi_label:
            raise UsageError(
                "--multi-label is for videos that have several classes as a whole; leave it out"
                " where lists say from when to when a video has a class"
            )
        if self.clip.decode.salvage:
            raise UsageError(
                "--salvage may keep a part of a video that begins later than its labels in time"
                " count from; leave it out"
            )
        if self.clip.short == "loop":
            raise UsageError(
                "--short loop shows a short video again, for which labels in time have no time;"
                " leave it out, or give --short pad"
            )

    @property
    def canvas(self) -> Canvas:
        """The (width, height) in pixels on which frames are summed up."""
        return self.mean_size or self.size or _DEFAULT_CANVAS

    @property
    def kind_of_frames(self) -> FrameKind:
        """The kind of frames that `frame_kind` names."""
        return load_frame_kind(self.frame_kind)

    def layout(self, classes: int) -> SampleLayout:
        """How the samples of a data set of so many classes are made up."""
        return SampleLayout(
            seq_len=self.clip.seq_len,
            frame_kind=self.kind_of_frames,
            sets_of=classes if self.multi_label else 0,
            variable_length=self.clip.short == WHOLE,
            labels_in_time=self.labels_in_time,
        )

    def as_manifest(self) -> dict[str, Any]:
        """The options by name, as the manifest has them."""
        sampling = {**_OF_NO_SAMPLING, **self.clip.sampling.values()}
        return {
            "fps": str(self.clip.fps),
            "seq_len": self.clip.seq_len,
            "sampling": name_of(self.clip.sampling),
            "stride": sampling["stride"],
            "clips": sampling["clips"],
            "short": self.clip.short,
            "size": list(self.size) if self.size else None,
            "quality": self.quality,
            "seed": self.clip.seed,
            "videos_per_shard": self.videos_per_shard,
            "check": "full" if self.clip.decode.check_full else "auto",
            "salvage": self.clip.decode.salvage,
            "allow_demuxer": ",".join(sorted({*self.clip.decode.demuxers})),
            "allow_decoder": ",".join(sorted({*self.clip.decode.decoders})),
            **self._beyond_defaults(),
        }

    def _beyond_defaults(self) -> dict[str, Any]:
        """The entries that older versions don't have, such as those of plug-ins.

        They are recorded only where they differ from what older versions could do, so that the
        fingerprints of all other data sets stay what they were.
        """
        sampling = self.clip.sampling
        own = {
            name: value
            for name, value in sampling.values().items()
            if name not in ("seq_len", *_OF_NO_SAMPLING)
        }
        kind = self.kind_of_frames
        hours = Fraction(self.clip.decode.limits.seconds, 3600)
        parts = {
            "shard_bytes": 0 if self.shard_bytes == DEFAULT_SHARD_BYTES else self.shard_bytes,
            "max_hours": "" if hours == DEFAULT_HOURS else str(hours),
            "picture_rate": str(self.clip.decode.picture_rate or ""),
            "multi_label": self.multi_label,
            "labels_in_time": self.labels_in_time,
            "sampling_values": own,
            "frame_kind": "" if kind.name == RGB_FRAMES else kind.name,
            "frame_values": dict(kind.values),
            "plugins": plugin_versions([(name_of(sampling), type(sampling)), (kind.name, kind)]),
        }
        return {name: part for name, part in parts.items() if part}


def _is_size(size: object) -> bool:
    return (
        isinstance(size, tuple)
        and len(size) == 2
        and all(isinstance(side, int) and 1 <= side <= 8192 for side in size)
    )
