"""What a trained net says of video files.

Each video gives one clip: the middle frames of its blocks at the run's frame rate, whatever the
sampling of the run's shards was. A short video is padded.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lrcn_data.errors import VideoError
from lrcn_data.format.frame_kind import FrameKind, make_picture
from lrcn_data.format.frame_kinds import recorded_frame_kind
from lrcn_data.pixels import RGB, Picture
from lrcn_data.reasons import Reason
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import Clip, collect_clips
from lrcn_data.size import Size
from lrcn_data.video.video_file import open_video
from lrcn_model.scoring.trained_run import TrainedRun, load_run
from lrcn_model.scoring.video_vote import VOTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """A class that a video may show.

    Attributes:
        label: The number of the class.
        name: The name of the class.
        probability: The probability of the class, from 0 to 1.
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
        probability: The probability of that class, from 0 to 1.
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
        frames: The most probable class of each sampled frame.
        error: The reason why the video can't be read; None where it can.
    """

    video: str
    guesses: list[Guess]
    frames: list[FrameGuess]
    error: str | None = None


def predict(
    run: TrainedRun | str | os.PathLike[str],
    video: str | os.PathLike[str],
    *,
    top: int = 5,
    decoder: str = "av",
    plugins: Collection[str] = (),
) -> Prediction:
    """Say what a video shows.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        video: The path of the video file.
        top: The number of classes to name.
        decoder: The name of the decoder, such as "av".
        plugins: Names of plug-ins that may be imported, where one made the frames that the net was
            trained on.

    Raises:
        VideoError: The video can't be used, with the reason.
        OSError: The file is not there or can't be read.
        UsageError: There is no such run, or a plug-in made the frames, and is not named.
        LrcnError: The run's weights are damaged.
    """
    return _Predictor(run, top=top, decoder=decoder, plugins=plugins).predict(video)


def predict_videos(
    run: TrainedRun | str | os.PathLike[str],
    videos: Iterable[str | os.PathLike[str]],
    *,
    top: int = 5,
    decoder: str = "av",
    plugins: Collection[str] = (),
) -> Iterator[Prediction]:
    """Predict videos one by one; a video that can't be used doesn't stop the others.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        videos: The paths of the video files.
        top: The number of classes to name for a video.
        decoder: The name of the decoder, such as "av".
        plugins: Names of plug-ins that may be imported, where one made the frames that the net was
            trained on.

    Yields:
        The prediction of each video, in the order of the paths.

    Raises:
        UsageError: There is no such run, or a plug-in made the frames, and is not named.
        LrcnError: The run's weights are damaged.
    """
    predictor = _Predictor(run, top=top, decoder=decoder, plugins=plugins)
    for path in videos:
        try:
            yield predictor.predict(path)
        except VideoError as error:
            yield Prediction(video=os.fspath(path), guesses=[], frames=[], error=str(error))


class _Predictor:
    """Predicts videos with one net; the arguments are those of `predict`."""

    def __init__(
        self,
        run: TrainedRun | str | os.PathLike[str],
        *,
        top: int,
        decoder: str,
        plugins: Collection[str],
    ) -> None:
        self._run = run if isinstance(run, TrainedRun) else load_run(run)
        self._top = top
        facts = self._run.facts
        kind = recorded_frame_kind(facts.frame_kind, "the run", plugins, facts.frame_plugins)
        self._keeper = PictureKeeper(kind, facts.stored_size)
        self._options = ClipOptions(
            fps=facts.fps, sampling=Center(seq_len=facts.seq_len), short="pad", decoder=decoder
        )

    def predict(self, path: str | os.PathLike[str]) -> Prediction:
        clip = _only_clip(path, self._options, self._keeper)
        return _predict(self._run, os.fspath(path), clip, self._top)


class PictureKeeper:
    """Keeps of each frame the picture that shards would have of it, before it is encoded.

    Args:
        kind: The kind of frames that shards would have.
        size: (width, height), in pixels, that frames are resized to; None for their own size.
    """

    def __init__(self, kind: FrameKind, size: Size | None) -> None:
        self._kind = kind
        self._size = size

    @property
    def neighbour(self) -> int:
        """The offset of the other frame that each picture is made from as well; see `FrameKind`."""
        return self._kind.neighbour

    def begin(self) -> None:
        """Do nothing, since there is nothing to forget of the video before."""

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> Picture:
        """The picture of a frame; see `sampling.clips.FrameKeeper`."""
        return make_picture(self._kind, rgb, size=self._size, number=number, neighbour=neighbour)


def _only_clip(
    path: str | os.PathLike[str], options: ClipOptions, keeper: PictureKeeper
) -> Clip[Picture]:
    """The one clip of a video.

    Raises:
        VideoError: The video can't be read, or has no frame at the run's frame rate.
    """
    with open_video(os.fspath(path)) as file:
        clips = collect_clips(file, os.fspath(path), options, keeper).clips
    if not clips:
        raise VideoError(Reason.SHORT, f"no frame at {options.fps} frames a second")
    return clips[0]


def _predict(run: TrainedRun, video: str, clip: Clip[Picture], top: int) -> Prediction:
    frames_BTHWC = _frames(clip)[None]
    scores_TC = run.score_frames(frames_BTHWC, torch.tensor([clip.num_valid]))[0]
    log_probs_TC = torch.log_softmax(scores_TC, dim=-1).double().cpu()
    real_TC = log_probs_TC[: clip.num_valid]
    vote = VOTES[run.facts.average]
    probabilities = vote.probabilities(vote.of_frames(real_TC).mean(dim=0))
    names = run.facts.classes
    best = probabilities.topk(min(top, len(names)))
    return Prediction(
        video=video,
        guesses=[
            Guess(label=label, name=names[label], probability=probability)
            for probability, label in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ],
        frames=[
            FrameGuess(seconds=seconds, name=names[int(row.argmax())], probability=float(row.max()))
            for seconds, row in zip(clip.frame_times, real_TC.exp(), strict=False)
        ],
    )


def _frames(clip: Clip[Picture]) -> Tensor:
    """A clip's frames as shards would hold them, uint8 (frames, height, width, channels)."""
    return torch.from_numpy(np.stack(clip.frames))
