"""What a trained net says of video files.

A video is read as those were that the net was trained on (see `video_reading`), and scored as an
evaluation scores the clips of shards: on the videos of a test list, where the sampling draws
nothing, both give the same scores. Videos are decoded beside the net (`read_ahead`), the CNN sees
each frame once (`clip_pieces`), and memory has a bound, however long a video is.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import DEFAULT_HOURS, Limits
from lrcn_model.nets.side_by_side import side_by_side
from lrcn_model.predicting.clip_pieces import Piece
from lrcn_model.predicting.clip_plan import PlannedClip
from lrcn_model.predicting.exported_run import load_to_predict
from lrcn_model.predicting.prediction import Guess, Prediction
from lrcn_model.predicting.read_ahead import Begun, Event, Read, read_ahead
from lrcn_model.predicting.run_to_predict import RunToPredict
from lrcn_model.predicting.segments import Segmenter, SegmentOptions
from lrcn_model.predicting.stored_frames import frame_batch
from lrcn_model.predicting.stream_scorer import StreamScorer
from lrcn_model.predicting.video_reading import ReadOptions, frame_kind_of, video_reading
from lrcn_model.predicting.video_scores import Floats, VideoInProgress
from lrcn_model.processor import out_of_memory_remedy
from lrcn_model.scoring.calibration import probabilities
from lrcn_model.scoring.label_kinds import label_kind
from lrcn_model.scoring.loss import real_frames
from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.views import WHOLE, Views, mean_of_views

_MOST_FRAMES = 64
"""The frames of which no more pieces are added to a batch. With 256, the buffers of 320x240 frames
took 90 MB more of an hour's video, and the net was no faster on a CPU."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictProgress:
    """How far a video is.

    Attributes:
        video: Its path.
        seconds: The seconds of it that have been scored.
        duration: Its length in seconds.
    """

    video: str
    seconds: float
    duration: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FrameProbabilities:
    """What the net says of a frame.

    Attributes:
        video: The path of its video.
        number: The number of the frame among `Prediction.frames`, counted from 0.
        probs_C: The probability of each class, float64 (classes,).
    """

    video: str
    number: int
    probs_C: Floats


class PredictValues(TypedDict, total=False):
    """How videos are predicted, as `lrcn-predict` has it too.

    Attributes:
        top: The number of classes to name, 5 by default.
        min_score: The probability, from 0 to 1, below which the most probable class is no answer; 0
            by default.
        timeline: Whether a class is wanted for every frame at the run's frame rate. Where clips are
            drawn from whole videos, videos are cut into spans for that, also where they are no
            longer than those of the training.
        min_length: The seconds that a segment lasts at least; 0 by default.
        enter: The probability at which a segment begins; by default that of the most probable
            class, whatever it is. See `segments`.
        leave: The probability below which a segment ends; by default as `enter`.
        span: The seconds of the spans that videos are cut into where clips are drawn from whole
            ones; by default the median length of the videos that the net was trained on, for videos
            longer than the longest of them.
        views: In which views each clip is scored, as `evaluate` takes them.
        crop: The fraction of width and height that each of ten-crop's crops cuts away; 0.125 by
            default.
        batch_size: The number of clips that are scored at a time, of several videos where they are
            short; 16 by default.
        decoder: The name of the decoder, "av" by default.
        picture_rate: The number of pictures a second of folders of numbered pictures; by default
            such folders are refused.
        max_hours: The longest time that a video may last, in hours; 4 by default.
        plugins: Names of plug-ins that may be imported, where one made or chose the frames that the
            net was trained on.
        on_progress: Called now and then with how far a video is.
        on_frame: Called with each frame that `Prediction.frames` will have, in their order; again
            from number 0 on where a video has to be read anew.
    """

    top: int
    min_score: float
    timeline: bool
    min_length: float
    enter: float | None
    leave: float | None
    span: float | None
    views: str
    crop: float | None
    batch_size: int
    decoder: str
    picture_rate: Fraction | None
    max_hours: float
    plugins: Collection[str]
    on_progress: Callable[[PredictProgress], None]
    on_frame: Callable[[FrameProbabilities], None]


def predict(
    run: RunToPredict | str | os.PathLike[str],
    video: str | os.PathLike[str],
    **values: Unpack[PredictValues],
) -> Prediction:
    """Say what a video shows, as a whole (`guesses`) and when (`segments`).

    Args:
        run: The trained net as `load_run` gives it, the path or URL of its run, or that of an ONNX
            model made of it.
        video: The path or URL of the video file, or the path of a folder of numbered pictures.
        **values: What is given of `PredictValues`: `top=5, min_length=1` and so on.

    Raises:
        VideoError: The video can't be used, with the reason.
        UsageError: There is no such run, a value is out of range, or a plug-in made or chose the
            frames, and is not named.
        LrcnError: The run's weights are damaged, or memory ran out.
    """
    [(_, found)] = _Predictor(run, **values).outcomes([video])
    if isinstance(found, VideoError):
        raise found
    return found


def predict_videos(
    run: RunToPredict | str | os.PathLike[str],
    videos: Iterable[str | os.PathLike[str]],
    **values: Unpack[PredictValues],
) -> Iterator[Prediction]:
    """Predict videos; one that can't be used doesn't stop the others.

    Args:
        run: The trained net as `load_run` gives it, the path or URL of its run, or that of an ONNX
            model made of it.
        videos: The paths or URLs of the video files, or the paths of folders of numbered pictures;
            they are asked for as they are needed.
        **values: What is given of `PredictValues`.

    Yields:
        The prediction of each video as soon as it is done, in the order of the paths.

    Raises:
        UsageError: There is no such run, a value is out of range, or a plug-in made or chose the
            frames, and is not named.
        LrcnError: The run's weights are damaged, or memory ran out.
    """
    for video, found in _Predictor(run, **values).outcomes(videos):
        if isinstance(found, VideoError):
            yield Prediction(video=video, error=str(found))
        else:
            yield found


@dataclass(slots=True, eq=False)
class _Video:
    """A video that is being read or scored.

    Attributes:
        path: Its path.
        progress: The reading of it that counts; None before it has begun.
        ended: Whether all of it has been read.
        error: What is wrong with it.
    """

    path: str
    progress: VideoInProgress | None = None
    ended: bool = False
    error: VideoError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _ReadClip:
    """A clip of a video whose features are all known."""

    video: VideoInProgress
    clip: PlannedClip
    features_VTF: Tensor
    needed_from: int


class _Predictor:
    """Predicts videos with one net; the arguments are those of `predict`."""

    def __init__(
        self,
        run: RunToPredict | str | os.PathLike[str],
        *,
        top: int = 5,
        min_score: float = 0.0,
        timeline: bool = False,
        min_length: float = 0.0,
        enter: float | None = None,
        leave: float | None = None,
        span: float | None = None,
        views: str = WHOLE,
        crop: float | None = None,
        batch_size: int = 16,
        decoder: str = "av",
        picture_rate: Fraction | None = None,
        max_hours: float = DEFAULT_HOURS,
        plugins: Collection[str] = (),
        on_progress: Callable[[PredictProgress], None] = lambda progress: None,
        on_frame: Callable[[FrameProbabilities], None] = lambda frame: None,
    ) -> None:
        if top < 1 or batch_size < 1:
            raise UsageError(f"top {top} or batch_size {batch_size} is below 1")
        if not 0 <= min_score <= 1:
            raise UsageError(f"min_score must be from 0 to 1, got {min_score}")
        self._segment_options = SegmentOptions(min_length=min_length, enter=enter, leave=leave)
        read_options = ReadOptions(
            decoder=decoder,
            decode=DecodeOptions(picture_rate=picture_rate, limits=Limits.of_hours(max_hours)),
            plugins=plugins,
            timeline=timeline,
            span=span,
        )
        self._views, self._batch_size = Views(name=views, crop=crop), batch_size
        trained = load_to_predict(run)
        facts = trained.facts
        self._reading = video_reading(trained, read_options)
        self._frame_kind = frame_kind_of(facts, plugins)
        self._run = trained.for_frames(self._frame_kind)
        self._votes = label_kind(multi_label=facts.multi_label).votes
        self._top, self._min_score, self._timeline = top, min_score, timeline
        # fitted to whole clips, a temperature says nothing of other views
        self._calibration = facts.calibration if self._views.name == WHOLE else None
        self._on_progress = on_progress
        self._on_frame = on_frame
        self._pending: list[tuple[VideoInProgress, Piece]] = []

    def outcomes(
        self, videos: Iterable[str | os.PathLike[str]]
    ) -> Iterator[tuple[str, Prediction | VideoError]]:
        """The path of each video, in order, with what was found or why it can't be read."""
        underway: deque[_Video] = deque()
        with (
            read_ahead(self._reading, (os.fspath(video) for video in videos)) as reading,
            out_of_memory_remedy(self._batch_size),
        ):
            for path, channel in reading:
                video = _Video(path)
                underway.append(video)
                while not video.ended:
                    if channel.waits and underway[0].ended:
                        # a video that is decoded slowly holds up none before it
                        yield from self._done(underway)
                    self._take(video, channel.get())
                    if self._is_full():
                        self._score_pending()
                        self._tell(video)
            yield from self._done(underway)

    def _take(self, video: _Video, event: Event) -> None:
        if isinstance(event, Begun):
            self._forget(video)
            video.progress = self._begin(event, video.path)
        elif isinstance(event, Read):
            assert video.progress is not None
            pieces = video.progress.pieces.add(event.frame, event.times)
            self._pending += [(video.progress, piece) for piece in pieces]
        else:
            video.ended = True
            if event.error is None:
                return
            if not isinstance(event.error, VideoError):
                raise event.error
            video.error = event.error
            self._forget(video)

    def _begin(self, begun: Begun, path: str) -> VideoInProgress:
        facts = self._run.facts
        segmenter = Segmenter(facts.classes, self._segment_options, independent=facts.multi_label)
        count = len(self._views) if begun.plan.carried else 0

        def on_frame(number: int, probs_C: Floats) -> None:
            self._on_frame(FrameProbabilities(video=path, number=number, probs_C=probs_C))

        return VideoInProgress(
            begun,
            segmenter,
            streams=[StreamScorer(self._run) for _ in range(count)],
            every_frame=self._timeline,
            smooth=self._run.facts.smooth,
            clip_by_clip=self._run.clip_by_clip,
            on_frame=on_frame,
        )

    def _forget(self, video: _Video) -> None:
        """Drop what has been read of a video, as it doesn't count."""
        self._pending = [one for one in self._pending if one[0] is not video.progress]
        video.progress = None

    def _is_full(self) -> bool:
        frames = sum(len(piece.positions) for _, piece in self._pending)
        return len(self._pending) >= self._batch_size or frames >= _MOST_FRAMES

    def _tell(self, video: _Video) -> None:
        progress = video.progress
        if progress is not None:
            duration = progress.begun.duration
            self._on_progress(
                PredictProgress(video=video.path, seconds=progress.seconds, duration=duration)
            )

    def _done(self, underway: deque[_Video]) -> Iterator[tuple[str, Prediction | VideoError]]:
        """Score all that has been read; the outcomes of the videos that have ended."""
        self._score_pending()
        while underway and underway[0].ended:
            video = underway.popleft()
            yield video.path, video.error or self._outcome(video)

    def _score_pending(self) -> None:
        """Score what has been read: the CNN on new frames, the head on clips that are complete."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        batch = frame_batch([piece.frames for _, piece in pending], self._frame_kind)
        on_device = batch.to(self._run.processor.device)
        features_VNF = torch.stack(
            [self._run.features(on_device, change) for change in self._views.changes()]
        )
        counts = [len(piece.positions) for _, piece in pending]
        complete = []
        of_pieces = torch.split(features_VNF, counts, dim=1)
        for (video, piece), features_VTF in zip(pending, of_pieces, strict=True):
            for clip, of_clip, needed_from in video.pieces.add_features(piece, features_VTF):
                complete.append(_ReadClip(video, clip, of_clip, needed_from))
        carried = [one for one in complete if one.video.streams]
        for one in carried:
            self._add([one], self._stream_scores(one))
        others = [one for one in complete if not one.video.streams]
        if others:
            self._add(others, self._clip_scores(others))

    def _stream_scores(self, read: _ReadClip) -> Tensor:
        """The scores of frames that follow those scored before, float32 (1, frames, classes)."""
        scores = (
            stream.score(features_TF)[None]
            for stream, features_TF in zip(read.video.streams, read.features_VTF, strict=True)
        )
        return mean_of_views(scores, self._votes[self._run.facts.average])

    def _clip_scores(self, reads: Sequence[_ReadClip]) -> Tensor:
        """The scores of clips by themselves, float32 (clips, frames, classes)."""
        counts = [one.features_VTF.shape[1] for one in reads]
        lengths = torch.tensor([one.clip.num_valid for one in reads])
        scores = (
            self._run.score_features(
                side_by_side(torch.cat([one.features_VTF[view] for one in reads]), counts), lengths
            )[0]
            for view in range(len(self._views))
        )
        return mean_of_views(scores, self._votes[self._run.facts.average])

    @torch.inference_mode()
    def _add(self, reads: Sequence[_ReadClip], scores_BTC: Tensor) -> None:
        """Add the scores of clips to what is known of their videos."""
        vote = self._votes[self._run.facts.average]
        valid = torch.tensor([one.clip.num_valid for one in reads], device=scores_BTC.device)
        voting_BT = vote.voting(real_frames(valid, scores_BTC.shape[1]))
        votes_BTC = vote.of_frames(scores_BTC)
        votes_BC = (votes_BTC.double() * voting_BT[..., None]).sum(dim=1).cpu()
        counts = voting_BT.sum(dim=1).tolist()
        probs_BTC = self._votes["probs"].of_frames(scores_BTC).cpu().numpy()
        for row, one in enumerate(reads):
            mean_C = votes_BC[row] / counts[row]
            one.video.add(
                one.clip,
                votes_C=votes_BC[row].numpy(),
                voting=counts[row],
                probs_TC=probs_BTC[row, : one.clip.num_valid],
                probs_C=vote.probabilities(mean_C).float().numpy(),
                needed_from=one.needed_from,
            )

    def _outcome(self, video: _Video) -> Prediction | VideoError:
        progress, facts = video.progress, self._run.facts
        assert progress is not None
        plan = progress.begun.plan
        if not plan.clips:
            return VideoError(Reason.SHORT, f"no frame at {facts.fps} frames a second")
        guesses = self._guesses(progress.finish())
        is_answer = guesses[0].probability >= self._min_score
        return Prediction(
            video=video.path,
            guesses=guesses,
            frames=progress.frames,
            segments=progress.segments,
            clips=progress.clips,
            views_a_clip=len(self._views),
            padded=plan.padded,
            duration=progress.begun.duration,
            span=None if plan.span is None else float(plan.span / facts.fps),
            class_name=guesses[0].name if is_answer else None,
            temperature=self._calibration.temperature if self._calibration else None,
        )

    def _guesses(self, video: VideoScores) -> list[Guess]:
        """The most probable classes of a video."""
        facts = self._run.facts
        vote = self._votes[facts.average]
        [probabilities_C] = probabilities([video], vote, self._calibration)
        best = torch.from_numpy(probabilities_C).topk(min(self._top, len(facts.classes)))
        return [
            Guess(label=label, name=facts.classes[label], probability=probability)
            for probability, label in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
