"""Which clips are taken from a video, and how it is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypedDict

from lrcn_data.errors import UsageError
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.sampling import Sampling
from lrcn_data.sampling.samplings import make_sampling
from lrcn_data.sampling.seq_len import read_seq_len
from lrcn_data.sampling.short_videos import SHORT
from lrcn_data.video.decoders import DECODERS, check_salvages
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import DEFAULT_HOURS, Limits

_DECODE = DecodeOptions()
_SAMPLING = Blocks()


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipOptions:
    """Which clips are taken from a video, and how it is decoded.

    Attributes:
        fps: The number of frames per second of the fps stream, from which clips are sampled.
        sampling: Decides which frames of the fps stream make a clip.
        short: What is done with videos that have fewer than seq_len frames: `skip`, `loop`, `pad`
            or, with --seq-len max, `whole`; see `sampling.short_videos`.
        seed: The seed of the random draws.
        decoder: The name of the decoder: `av` decodes in this process, `ffmpeg` in processes of
            that program; see `video.decoders`.
        decode: The decoder's options, such as its limits.

    Raises:
        UsageError: A value is none of those allowed, or the decoder can't salvage as asked.
    """

    fps: Fraction = Fraction(5)
    sampling: Sampling = _SAMPLING
    short: str = "skip"
    seed: int = 0
    decoder: str = "av"
    decode: DecodeOptions = _DECODE

    def __post_init__(self) -> None:
        if not 0 < self.fps <= 1000:
            raise UsageError(f"--fps must be above 0 and at most 1000, got {self.fps}")
        if self.short not in SHORT:
            raise UsageError(f"--short must be one of {', '.join(SHORT)}, got {self.short!r}")
        if not isinstance(self.seed, int):
            raise UsageError(f"--seed must be a whole number, got {self.seed!r}")
        DECODERS.check(self.decoder)
        if self.decode.salvage:
            check_salvages(self.decoder)

    @property
    def seq_len(self) -> int:
        """The number of frames in a clip; the largest one with --seq-len max."""
        return self.sampling.seq_len


class ClipValues(TypedDict, total=False):
    """The values that `ClipOptions` can be made of, as `lrcn-data shard` has them too.

    Attributes:
        fps: The number of frames per second of video that clips are sampled from: 5, 12.5, or a
            text such as "30000/1001". 5 by default.
        seq_len: The number of frames in a clip, 8 by default; or "max" for all that a video has, up
            to 64, or as "max:32" up to another number.
        sampling: The name of the sampling: "blocks", "center", "windows", or
            "package.module:Class" of your own. "blocks" by default; where labels are in time
            "windows" that follow one another.
        stride: The number of frames from the start of one window to that of the next; None for
            half of `seq_len`, or for `seq_len` with the windows that labels in time have by
            default.
        clips: The number of clips drawn from each video; 1 by default.
        short: What is done with videos of fewer than `seq_len` frames: "skip", "loop" or "pad".
            "skip" by default; where labels are in time "pad".
        seed: The seed of the random draws; 0 by default.
        decoder: "av" by default, or "ffmpeg".
        check: "auto" by default, or "full" to decode everything, strictly.
        timeout: The longest time that one video may take, in seconds; 300 by default.
        max_hours: The longest time that a video may last, in hours; 4 by default.
        salvage: Whether the clips of a damaged video's sound part are kept.
        picture_rate: The number of pictures a second of folders of pictures, in the forms of `fps`;
            None to refuse such folders.
        allow_demuxer: The names of container formats that are allowed beside the usual ones.
        allow_decoder: The names of video decoders that are allowed beside the usual ones.
    """

    fps: Fraction | int | float | str
    seq_len: int | str
    sampling: str | None
    stride: int | None
    clips: int
    short: str | None
    seed: int
    decoder: str
    check: str
    timeout: float
    max_hours: float
    salvage: bool
    picture_rate: Fraction | int | float | str | None
    allow_demuxer: Sequence[str]
    allow_decoder: Sequence[str]


def clip_options(
    *,
    fps: Fraction | int | float | str = 5,
    seq_len: int | str = 8,
    sampling: str | None = None,
    stride: int | None = None,
    clips: int = 1,
    short: str | None = None,
    seed: int = 0,
    decoder: str = "av",
    check: str = "auto",
    timeout: float = 300.0,
    max_hours: float = DEFAULT_HOURS,
    salvage: bool = False,
    picture_rate: Fraction | int | float | str | None = None,
    allow_demuxer: Sequence[str] = (),
    allow_decoder: Sequence[str] = (),
    in_time: bool = False,
) -> ClipOptions:
    """Make options of single values; see `ClipValues` for what they mean.

    With `in_time` they are for labels in time.

    Raises:
        UsageError: A value is out of its range.
    """
    if check not in CHECKS:
        raise UsageError(f"--check must be one of {', '.join(CHECKS)}, got {check!r}")
    short = short or ("pad" if in_time and isinstance(seq_len, int) else "skip")
    frames, short = read_seq_len(seq_len, short)
    if sampling is None:
        sampling = "windows" if in_time else "blocks"
        stride = frames if in_time and stride is None else stride
    return ClipOptions(
        fps=_rate("fps", fps),
        sampling=make_sampling(sampling, {"seq_len": frames, "stride": stride, "clips": clips}),
        short=short,
        seed=seed,
        decoder=decoder,
        decode=DecodeOptions(
            check_full=check == "full",
            salvage=salvage,
            picture_rate=None if picture_rate is None else _rate("picture_rate", picture_rate),
            timeout=timeout,
            demuxers=tuple(allow_demuxer),
            decoders=tuple(allow_decoder),
            limits=Limits.of_hours(max_hours),
        ),
    )


def _rate(name: str, value: Fraction | int | float | str) -> Fraction:
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(
            f"{name} must be a number such as 5, 12.5 or 30000/1001, got {value!r}"
        ) from error


CHECKS = ("auto", "full")
"""How thoroughly videos can be checked."""
