"""Which frames of a video are scored together: pure functions of its length and of the run.

A net scores a video as it was trained and evaluated: on clips that its shards' sampling chooses, on
windows that overlap, on whole videos, or frame after frame with its head's state carried on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil

from lrcn_data.errors import UsageError
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.choose_clips import choose_clips
from lrcn_data.sampling.sampling import Sampling
from lrcn_data.sampling.windows import Windows
from lrcn_model.reading.fewer_frames import count_valid, even_places
from lrcn_model.reading.video_seconds import VideoSeconds
from lrcn_model.scoring.trained_run import RunFacts

MOST_AT_ONCE = 4096
"""The most frames of a video that a net sees as a whole. Of more it sees overlapping spans, so that
the memory that a video takes has a bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedClip:
    """Frames that are scored together.

    Attributes:
        positions: The positions of its frames in the video's fps stream.
        num_valid: The number of frames that are real; the rest repeat the last one.
        votes: Whether its frames vote for the class of the whole video.
        covers: The frames of the fps stream that have the class of the clip; None where each of its
            real frames has a class of its own.
        tells: Whether it says of frames which class they have.
    """

    positions: Sequence[int]
    num_valid: int
    votes: bool = True
    covers: range | None = None
    tells: bool = True

    @property
    def begin(self) -> int:
        """The first frame of the fps stream that the clip is of."""
        first = min(self.positions)
        return first if self.covers is None else min(first, self.covers.start)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoPlan:
    """All that is scored of a video.

    Attributes:
        length: The number of frames of the video's fps stream.
        clips: What is scored together, ordered by the last frame.
        carried: Whether the head goes on with each where it has ended with the one before.
        span: The number of frames of the spans that a long video was cut into; None where it was
            taken as a whole.
    """

    length: int
    clips: Sequence[PlannedClip]
    carried: bool = False
    span: int | None = None

    @property
    def padded(self) -> int | None:
        """The number of real frames of a video too short for a clip; None for others."""
        clip = self.clips[0]
        return clip.num_valid if clip.num_valid < len(clip.positions) else None

    def needed_from(self) -> list[int]:
        """For each clip, the first frame of the fps stream that any clip behind it is of."""
        behind = accumulate((clip.begin for clip in reversed(self.clips[1:])), min)
        return [*reversed(list(behind)), self.length]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sliding:
    """How a net goes through a stream whose end is not known.

    Attributes:
        window: The number of frames that the head sees from where it begins; None for all.
        stride: The number of frames from one beginning to the next one.
    """

    window: int | None = None
    stride: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipPlanner:
    """Plans videos for a run.

    Attributes:
        facts: What the net was trained for.
        sampling: The sampling of the run's shards, or one that draws nothing in place of it.
        short: What is done with videos of fewer than seq_len frames.
        causal: Whether the net's head needs no frame to come.
        timeline: Whether a class is wanted for every frame.
        lengths: How long the videos were that the net was trained on, where its clips were drawn
            from whole ones; None where that isn't known.
    """

    facts: RunFacts
    sampling: Sampling
    short: str
    causal: bool
    timeline: bool
    lengths: VideoSeconds | None

    def plan(self, length: int) -> VideoPlan:
        """Plan a video.

        Args:
            length: The number of frames of its fps stream.
        """
        if not length:
            return VideoPlan(length=0, clips=[])
        if self.facts.labels_in_time:
            return self._in_time(length)
        if not isinstance(self.sampling, Center):
            return VideoPlan(length=length, clips=list(self._sampled(length)))
        return self._of_whole_videos(length)

    def sliding(self) -> Sliding:
        """How a stream is scored: each frame as `plan` has it, but for the last window of a video.

        Raises:
            UsageError: What is said of a frame needs frames to come.
        """
        facts, sampling = self.facts, self.sampling
        if self._is_carried:
            return Sliding()
        if facts.labels_in_time and facts.window:
            return Sliding(window=facts.window, stride=max(1, facts.window // 2))
        why = self.why_not_sliding
        if why is not None or not isinstance(sampling, Windows):
            raise UsageError(f"a stream can't be scored as it comes: of the run, {why}")
        return Sliding(window=sampling.seq_len, stride=_no_gaps(sampling))

    @property
    def why_not_sliding(self) -> str | None:
        """Why the clips trained on are none of a stream's, and what helps; None where they are."""
        if self._is_carried or (self.facts.labels_in_time and self.facts.window):
            return None
        if isinstance(self.sampling, Windows) and not self._by_clip:
            return None
        why = "its clips were drawn from whole videos"
        if self._by_clip:
            why = "it judges windows by their last frames (--average last)"
        return f"{why}; train on --sampling windows with --average probs, or on labels in time"

    @property
    def _is_carried(self) -> bool:
        """Whether the head goes on with its state through a whole video."""
        facts = self.facts
        return facts.labels_in_time and (facts.carry_state or (facts.window == 0 and self.causal))

    @property
    def _by_clip(self) -> bool:
        """Whether only a clip's last frame was trained, so that the others say nothing."""
        return self.facts.average == "last" and not self.facts.labels_in_time

    def _sampled(self, length: int) -> Iterator[PlannedClip]:
        """The clips that the shards' sampling chooses."""
        sampling = self.sampling
        if self.timeline and isinstance(sampling, Windows):
            sampling = replace(sampling, stride=_no_gaps(sampling))
        picked = choose_clips(length, sampling=sampling, short=self.short, seed=0, path="")
        for picks in sorted(picked, key=lambda picks: max(picks.positions)):
            ends = min(picks.positions), max(picks.positions)
            yield PlannedClip(
                positions=picks.positions,
                num_valid=picks.num_valid,
                covers=range(ends[0], ends[1] + 1) if self._by_clip else None,
            )

    def _of_whole_videos(self, length: int) -> VideoPlan:
        """A clip with frames of all of the video, or of spans as long as those trained on."""
        [picks] = choose_clips(length, sampling=self.sampling, short=self.short, seed=0, path="")
        whole = self._taken(picks.positions, picks.num_valid, covers=range(length))
        if self.lengths is None:
            return VideoPlan(length=length, clips=[whole])
        fps, least = self.facts.fps, self.sampling.seq_len
        span = max(least, round(self.lengths.median * fps))
        # not less than the fps stream of a video as long as that has
        is_long = length > max(least, ceil(self.lengths.longest * fps))
        if length <= span or not (is_long or self.timeline):
            return VideoPlan(length=length, clips=[whole])
        clips = [
            self._taken(
                self.sampling.choose(part, _draw_nothing)[0],
                self.sampling.seq_len,
                covers=part,
                votes=is_long,
            )
            for part in _spans(length, span, max(1, span // 2))
        ]
        if not is_long:
            clips = _by_last_frame([*clips, replace(whole, tells=False)])
        return VideoPlan(length=length, clips=clips, span=span)

    def _taken(
        self, stored: Sequence[int], num_valid: int, *, covers: range, votes: bool = True
    ) -> PlannedClip:
        """A clip of the frames that the net takes of those that shards would store."""
        if self.facts.seq_len == self.facts.stored_seq_len:
            return PlannedClip(positions=stored, num_valid=num_valid, covers=covers, votes=votes)
        places = even_places(self.sampling.seq_len, self.facts.seq_len)
        return PlannedClip(
            positions=[stored[place] for place in places],
            num_valid=count_valid(num_valid, places),
            covers=covers,
            votes=votes,
        )

    def _in_time(self, length: int) -> VideoPlan:
        """What a net is evaluated on whose labels are in time; see `evaluate_in_time`."""
        facts = self.facts
        if self._is_carried:
            size = facts.window or facts.seq_len
            return VideoPlan(length=length, clips=_clips(_spans(length, size, size)), carried=True)
        if facts.window is None:
            return VideoPlan(length=length, clips=list(self._sampled(length)))
        size = facts.window or MOST_AT_ONCE
        clips = _clips(_spans(length, size, max(1, size // 2)))
        is_cut = not facts.window and len(clips) > 1
        return VideoPlan(length=length, clips=clips, span=size if is_cut else None)


def _no_gaps(windows: Windows) -> int:
    """The stride of windows as they are in the shards, unless frames lie between them."""
    return min(windows.effective_stride, windows.seq_len)


def _spans(length: int, size: int, stride: int) -> list[range]:
    """Cut a video as `reading.windows.cut_windows` does.

    Spans that share no frames follow one another, and the last one may be shorter; of spans that
    do, it ends with the last frame.
    """
    if stride >= size or length <= size:
        return [range(start, min(start + size, length)) for start in range(0, length, size)]
    starts = [*range(0, length - size, stride), length - size]
    return [range(start, start + size) for start in starts]


def _clips(spans: Sequence[range]) -> list[PlannedClip]:
    return [PlannedClip(positions=span, num_valid=len(span)) for span in spans]


def _by_last_frame(clips: Sequence[PlannedClip]) -> list[PlannedClip]:
    return sorted(clips, key=lambda clip: max(clip.positions))


def _draw_nothing(clip: int, block: int) -> int:
    raise AssertionError("the middle frames of blocks are not drawn")
