"""What is said of a video: its classes, those of its frames, and its segments."""

from __future__ import annotations

from dataclasses import dataclass, field

from lrcn_model.predicting.segments import Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """A class that a video may show.

    Attributes:
        label: The number of the class.
        name: The name of the class.
        probability: The probability of the class, from 0 to 1; calibrated where the run is. Those
            of all classes add up to 1, unless the net was trained on clips with several labels:
            then each is by itself.
    """

    label: int
    name: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameGuess:
    """The class of one frame (detection).

    Attributes:
        seconds: The time at which the frame is shown, in seconds after the video's first frame.
        name: The name of the class with the highest probability.
        probability: The probability of that class, from 0 to 1, as the net itself says it: the mean
            over the clips that the frame is in.
    """

    seconds: float
    name: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What a trained net says of one video.

    Attributes:
        video: The path of the video.
        guesses: The most probable classes, the most probable one first; none where the video can't
            be read.
        frames: The most probable class of each frame that was scored, in time order; of every frame
            at the run's frame rate where a timeline was asked for.
        segments: What the video shows when, in the order of their ends.
        clips: The number of clips whose scores were averaged.
        views_a_clip: The number of views of each clip whose scores were averaged before.
        padded: The number of real frames of a video that is too short for a clip, the last of which
            was repeated; None for others.
        duration: The length of the video in seconds.
        span: The seconds of the spans that the video was cut into, as it is longer than those that
            the net was trained on or may see at once; None where it was not.
        error: The reason why the video can't be read; None where it can.
        class_name: The name of the most probable class; None where that is less probable than was
            asked for, or the video can't be read.
        temperature: What has corrected the probabilities of the guesses; None where the run has
            none, or has it for whole clips and others were scored: they are the net's own.
    """

    video: str
    guesses: list[Guess] = field(default_factory=list)
    frames: list[FrameGuess] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    clips: int = 0
    views_a_clip: int = 1
    padded: int | None = None
    duration: float = 0.0
    span: float | None = None
    error: str | None = None
    class_name: str | None = None
    temperature: float | None = None
