"""What a trained net says of video files.

A video is read as those were that the net was trained on (see `video_clips`), and scored as an
evaluation scores the clips of shards: on the videos of a test list, where the sampling draws
nothing, both give the same scores.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.format.records import SampleRecord
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import DEFAULT_HOURS, Limits
from lrcn_model.predicting.video_clips import VideoReader
from lrcn_model.scoring.calibration import probabilities
from lrcn_model.scoring.label_kinds import AnyVideoScores, label_kind
from lrcn_model.scoring.trained_run import TrainedRun, load_run
from lrcn_model.scoring.video_vote import Vote
from lrcn_model.scoring.views import WHOLE, Views, score_views


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
        probability: The probability of that class, from 0 to 1, as the net itself says it.
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
        frames: The most probable class of each sampled frame, in time order.
        clips: The number of clips whose scores were averaged.
        views_a_clip: The number of views of each clip whose scores were averaged before.
        padded: The number of real frames of a video that is too short for a clip, the last of which
            was repeated; None for others.
        error: The reason why the video can't be read; None where it can.
        class_name: The name of the most probable class; None where that is less probable than was
            asked for, or the video can't be read.
        temperature: What has corrected the probabilities of the guesses; None where the run has
            none, or has it for whole clips and others were scored: they are the net's own.
    """

    video: str
    guesses: list[Guess]
    frames: list[FrameGuess]
    clips: int = 0
    views_a_clip: int = 1
    padded: int | None = None
    error: str | None = None
    class_name: str | None = None
    temperature: float | None = None


def predict(
    run: TrainedRun | str | os.PathLike[str],
    video: str | os.PathLike[str],
    *,
    top: int = 5,
    min_score: float = 0.0,
    views: str = WHOLE,
    crop: float | None = None,
    batch_size: int = 16,
    decoder: str = "av",
    picture_rate: Fraction | None = None,
    max_hours: float = DEFAULT_HOURS,
    plugins: Collection[str] = (),
) -> Prediction:
    """Say what a video shows.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        video: The path of the video file, or of a folder of numbered pictures.
        top: The number of classes to name.
        min_score: The probability, from 0 to 1, below which the most probable class is no answer.
        views: In which views each clip is scored, as `evaluate` takes them.
        crop: The fraction of width and height that each of ten-crop's crops cuts away; None for
            0.125.
        batch_size: The number of a video's clips that are scored at a time.
        decoder: The name of the decoder, such as "av".
        picture_rate: The number of pictures a second of folders of numbered pictures; None to
            refuse such folders.
        max_hours: The longest time that a video may last, in hours.
        plugins: Names of plug-ins that may be imported, where one made or chose the frames that the
            net was trained on.

    Raises:
        VideoError: The video can't be used, with the reason.
        OSError: The file is not there or can't be read.
        UsageError: There is no such run, a value is out of range, or a plug-in made or chose the
            frames, and is not named.
        LrcnError: The run's weights are damaged.
    """
    return _Predictor(
        run,
        top=top,
        min_score=min_score,
        views=Views(name=views, crop=crop),
        batch_size=batch_size,
        decoder=decoder,
        picture_rate=picture_rate,
        max_hours=max_hours,
        plugins=plugins,
    ).predict(video)


def predict_videos(
    run: TrainedRun | str | os.PathLike[str],
    videos: Iterable[str | os.PathLike[str]],
    *,
    top: int = 5,
    min_score: float = 0.0,
    views: str = WHOLE,
    crop: float | None = None,
    batch_size: int = 16,
    decoder: str = "av",
    picture_rate: Fraction | None = None,
    max_hours: float = DEFAULT_HOURS,
    plugins: Collection[str] = (),
) -> Iterator[Prediction]:
    """Predict videos one by one; a video that can't be used doesn't stop the others.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        videos: The paths of the video files, or of folders of numbered pictures.
        top: The number of classes to name for a video.
        min_score: The probability, from 0 to 1, below which the most probable class is no answer.
        views: In which views each clip is scored, as `evaluate` takes them.
        crop: The fraction of width and height that each of ten-crop's crops cuts away; None for
            0.125.
        batch_size: The number of a video's clips that are scored at a time.
        decoder: The name of the decoder, such as "av".
        picture_rate: The number of pictures a second of folders of numbered pictures; None to
            refuse such folders.
        max_hours: The longest time that a video may last, in hours.
        plugins: Names of plug-ins that may be imported, where one made or chose the frames that the
            net was trained on.

    Yields:
        The prediction of each video, in the order of the paths.

    Raises:
        UsageError: There is no such run, a value is out of range, or a plug-in made or chose the
            frames, and is not named.
        LrcnError: The run's weights are damaged.
    """
    predictor = _Predictor(
        run,
        top=top,
        min_score=min_score,
        views=Views(name=views, crop=crop),
        batch_size=batch_size,
        decoder=decoder,
        picture_rate=picture_rate,
        max_hours=max_hours,
        plugins=plugins,
    )
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
        min_score: float,
        views: Views,
        batch_size: int,
        decoder: str,
        picture_rate: Fraction | None,
        max_hours: float,
        plugins: Collection[str],
    ) -> None:
        if top < 1 or batch_size < 1:
            raise UsageError(f"top {top} or batch_size {batch_size} is below 1")
        if not 0 <= min_score <= 1:
            raise UsageError(f"min_score must be from 0 to 1, got {min_score}")
        trained = run if isinstance(run, TrainedRun) else load_run(run)
        self._label_kind = label_kind(multi_label=trained.facts.multi_label)
        self._top, self._min_score = top, min_score
        self._views, self._batch_size = views, batch_size
        # fitted to whole clips, a temperature says nothing of other views
        self._calibration = trained.facts.calibration if views.name == WHOLE else None
        self._reader = VideoReader(
            trained.facts,
            decoder=decoder,
            decode=DecodeOptions(picture_rate=picture_rate, limits=Limits.of_hours(max_hours)),
            plugins=plugins,
        )
        self._run = trained.for_frames(self._reader.frame_kind)

    def predict(self, path: str | os.PathLike[str]) -> Prediction:
        found = self._reader.read(path)
        kind, facts = self._label_kind, self._run.facts
        scorer = kind.scorer(len(facts.classes), facts.average)
        frames = _FrameScores(kind.votes["log-probs"])
        vote = kind.votes[facts.average]
        for batch in found.batches(self._batch_size):
            on_device = batch.to(self._run.processor.device)
            scores_BTC = score_views(self._run, on_device, self._views, vote)
            scorer.add(scores_BTC, on_device)
            for clip, scores_TC in zip(batch.indices.tolist(), scores_BTC, strict=True):
                frames.add(found.samples[clip].record, scores_TC)
        [video] = scorer.videos()
        guesses, calibration = self._guesses(video), self._calibration
        is_answer = guesses[0].probability >= self._min_score
        return Prediction(
            video=os.fspath(path),
            guesses=guesses,
            frames=frames.guesses(facts.classes),
            clips=len(found.samples),
            views_a_clip=len(self._views),
            padded=found.padded,
            class_name=guesses[0].name if is_answer else None,
            temperature=calibration.temperature if calibration else None,
        )

    def _guesses(self, video: AnyVideoScores) -> list[Guess]:
        """The most probable classes of a video."""
        facts = self._run.facts
        vote = self._label_kind.votes[facts.average]
        [probabilities_C] = probabilities([video], vote, self._calibration)
        best = torch.from_numpy(probabilities_C).topk(min(self._top, len(facts.classes)))
        return [
            Guess(label=label, name=facts.classes[label], probability=probability)
            for probability, label in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]


class _FrameScores:
    """The scores of a video's frames, one that is in several clips having their mean."""

    def __init__(self, vote: Vote) -> None:
        self._vote = vote
        self._by_time: dict[float, list[Tensor]] = {}

    def add(self, record: SampleRecord, scores_TC: Tensor) -> None:
        """Add the scores of a clip's real frames, before any softmax or sigmoid."""
        votes_TC = self._vote.of_frames(scores_TC.double()).cpu()
        real = zip(record.frame_times[: record.num_valid], votes_TC, strict=False)
        for seconds, votes_C in real:
            self._by_time.setdefault(seconds, []).append(votes_C)

    def guesses(self, names: Sequence[str]) -> list[FrameGuess]:
        """The most probable class of each frame, in time order."""
        found = []
        for seconds, rows in sorted(self._by_time.items()):
            probabilities = self._vote.probabilities(torch.stack(rows).mean(dim=0))
            best = int(probabilities.argmax())
            probability = float(probabilities[best])
            found.append(FrameGuess(seconds=seconds, name=names[best], probability=probability))
        return found
