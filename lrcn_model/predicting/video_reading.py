"""Reading videos for a run as those were read that its net was trained on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.frame_kinds import recorded_frame_kind
from lrcn_data.format.recipe import WHOLE
from lrcn_data.plugins import check_plugin_version, is_plugin
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.sampling import Sampling
from lrcn_data.sampling.samplings import SAMPLINGS
from lrcn_data.video.decoding import LONGEST, DecodeOptions
from lrcn_model.predicting.clip_plan import ClipPlanner
from lrcn_model.predicting.read_ahead import VideoReading
from lrcn_model.predicting.run_to_predict import RunToPredict
from lrcn_model.predicting.stored_frames import StoredFrames
from lrcn_model.reading.video_seconds import VideoSeconds
from lrcn_model.scoring.trained_run import RunFacts

_QUALITY = 90
"""The JPEG quality of runs that have not recorded one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How videos are read, beside what follows from the run.

    Attributes:
        decoder: The name of the decoder, such as `av`.
        decode: How the videos are decoded.
        plugins: Names of plug-ins that may be imported, where one has made the frames or chosen
            them.
        timeline: Whether a class is wanted for every frame.
        span: The seconds of the spans that videos are cut into where clips are drawn from whole
            ones; None for the median length of the videos that the net was trained on.

    Raises:
        UsageError: The span is no length.
    """

    decoder: str
    decode: DecodeOptions
    plugins: Collection[str] = ()
    timeline: bool = False
    span: float | None = None

    def __post_init__(self) -> None:
        if self.span is not None and not 0 < self.span < float("inf"):
            raise UsageError(f"--span must be above 0 seconds, got {self.span}")


def frame_kind_of(facts: RunFacts, plugins: Collection[str]) -> FrameKind:
    """The kind of frames that a net was trained on.

    Raises:
        UsageError: A plug-in made them, and is not named.
    """
    return recorded_frame_kind(facts.frame_kind, "the run", plugins, facts.frame_plugins)


def video_reading(run: RunToPredict, options: ReadOptions) -> VideoReading:
    """How videos are read for a run.

    All windows are taken of a video where the training's clips are windows. Where a frame was drawn
    from each block, the block's middle frame is taken. A short video is padded, unless the
    training's were looped, or taken whole (--seq-len max).

    Args:
        run: The trained net.
        options: How the videos are read.

    Raises:
        UsageError: A plug-in made or chose the frames, and is not named; or spans are asked for,
            and there are none or it isn't known how long they are.
    """
    planner = clip_planner(run, options)
    return VideoReading(
        options=ClipOptions(
            fps=run.facts.fps,
            sampling=planner.sampling,
            short=planner.short,
            decoder=options.decoder,
            # decoding waits for the net
            decode=replace(options.decode, timeout=LONGEST),
        ),
        plan=planner.plan,
        keeper=frame_keeper(run.facts, options.plugins),
    )


def clip_planner(run: RunToPredict, options: ReadOptions) -> ClipPlanner:
    """What plans which frames of videos a run scores together; see `video_reading`."""
    facts = run.facts
    sampling = _sampling(facts.stored_seq_len, facts.recipe, options.plugins)
    return ClipPlanner(
        facts=facts,
        sampling=sampling,
        short=facts.recipe["short"] if facts.recipe.get("short") in ("loop", WHOLE) else "pad",
        causal=run.causal,
        timeline=options.timeline,
        lengths=_lengths(facts, sampling, options),
    )


def frame_keeper(facts: RunFacts, plugins: Collection[str]) -> StoredFrames:
    """What encodes frames as shards hold them that a net was trained on.

    Raises:
        UsageError: A plug-in made the frames, and is not named.
    """
    return StoredFrames(
        kind=frame_kind_of(facts, plugins),
        size=facts.stored_size,
        quality=facts.recipe.get("quality", _QUALITY),
    )


def _lengths(facts: RunFacts, sampling: Sampling, options: ReadOptions) -> VideoSeconds | None:
    """How long the videos of the training were, or are taken to have been."""
    of_whole_videos = isinstance(sampling, Center) and not facts.labels_in_time
    if options.span is not None:
        if not of_whole_videos:
            raise UsageError(
                f"--span {options.span:g} is for nets whose clips were drawn from whole videos;"
                " leave it out"
            )
        return VideoSeconds(median=options.span, longest=options.span)
    if of_whole_videos and options.timeline and facts.video_seconds is None:
        raise UsageError(
            "the run doesn't say how long the videos were that it was trained on, as an older"
            " version trained it; say it with --span SECONDS"
        )
    return facts.video_seconds


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
