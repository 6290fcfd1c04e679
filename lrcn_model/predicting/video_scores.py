"""What has been found of one video so far: votes for its class, classes of frames, segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_model.predicting.clip_pieces import ClipPieces
from lrcn_model.predicting.clip_plan import PlannedClip
from lrcn_model.predicting.frame_means import FrameMeans
from lrcn_model.predicting.frame_smoother import FrameSmoother
from lrcn_model.predicting.prediction import FrameGuess
from lrcn_model.predicting.read_ahead import Begun
from lrcn_model.predicting.segments import Segment, Segmenter
from lrcn_model.predicting.stream_scorer import StreamScorer
from lrcn_model.scoring.scorer import VideoScores

Floats = npt.NDArray[np.float64]


class VideoInProgress:
    """One reading of a video, from its beginning; what it holds is bounded but for its answers.

    Args:
        begun: How it begins.
        segmenter: Makes segments of its frames.
        streams: What scores it in each view, where the head's state is carried on; else none.
        every_frame: Whether every frame that a clip covers is named, not only those scored.
        smooth: The number of frames that a frame's probabilities are averaged over.
        clip_by_clip: Whether the CNN has to see a clip's frames together.
        on_frame: Called with the number in `frames` of each frame that is named, and with the
            probability of each class, float64 (classes,).

    Attributes:
        begun: How it begins.
        pieces: Puts its frames together.
        streams: What scores it in each view, where the head's state is carried on; else none.
        frames: The class of each frame so far.
        segments: The segments that have ended so far.
        clips: The number of clips that have voted.
        seconds: How far it has been scored.
    """

    def __init__(
        self,
        begun: Begun,
        segmenter: Segmenter,
        *,
        streams: Sequence[StreamScorer],
        every_frame: bool,
        smooth: int,
        clip_by_clip: bool,
        on_frame: Callable[[int, Floats], None] = lambda number, probs_C: None,
    ) -> None:
        self.begun = begun
        self.pieces = ClipPieces(begun.plan, clip_by_clip=clip_by_clip)
        self.streams = streams
        self.frames: list[FrameGuess] = []
        self.segments: list[Segment] = []
        self.clips = 0
        self.seconds = 0.0
        self._segmenter = segmenter
        self._on_frame = on_frame
        self._sums_C: Floats | float = 0.0
        self._voting = 0
        self._own = FrameMeans()
        self._covering = FrameMeans()
        self._smoother = FrameSmoother(smooth)
        by_clip = any(clip.covers is not None for clip in begun.plan.clips)
        self._names_own = by_clip and not every_frame

    def add(
        self,
        clip: PlannedClip,
        *,
        votes_C: Floats,
        voting: int,
        probs_TC: npt.NDArray[np.float32],
        probs_C: npt.NDArray[np.float32],
        needed_from: int,
    ) -> None:
        """Add what was found of a clip.

        Args:
            clip: The clip.
            votes_C: The sum of its frames' votes, float64 (classes,).
            voting: The number of frames that have voted.
            probs_TC: The probabilities of its real frames, (frames, classes).
            probs_C: Its own probabilities, (classes,).
            needed_from: The first frame of the fps stream that a later clip is of.
        """
        if clip.votes:
            self._sums_C = self._sums_C + votes_C
            self._voting += voting
            self.clips += 1
        if clip.covers is None:
            self._covering.add(clip.positions, probs_TC)
        elif clip.tells:
            self._covering.add(clip.covers, [probs_C] * len(clip.covers))
            if self._names_own:
                self._own.add(clip.positions, probs_TC)
        self._settle(needed_from)

    def finish(self) -> VideoScores:
        """End the video.

        Returns:
            The mean of its votes.
        """
        for position, probs_C in self._smoother.finish():
            self._take_over(position, probs_C)
        self.segments += self._segmenter.finish()
        scores_C = np.asarray(self._sums_C / self._voting)
        return VideoScores(
            video="",
            source=UNKNOWN_SOURCE,
            label=0,
            predicted=int(scores_C.argmax()),
            frames=self._voting,
            scores=scores_C,
        )

    def _settle(self, before: int) -> None:
        """Take over the frames of which no later clip says anything."""
        for position, probs_C in self._own.settled(before):
            self._name(position, probs_C)
        for position, probs_C in self._covering.settled(before):
            for smoothed, smooth_C in self._smoother.add(position, probs_C):
                self._take_over(smoothed, smooth_C)

    def _take_over(self, position: int, probs_C: Floats) -> None:
        """Take over the next frame."""
        seconds_F, duration = self.begun.seconds_F, self.begun.duration
        start = float(seconds_F[position])
        last = position + 1 == len(seconds_F)
        end = max(start, duration) if last else float(seconds_F[position + 1])
        self.segments += self._segmenter.add(start, end, probs_C)
        self.seconds = end
        if not self._names_own:
            self._name(position, probs_C)

    def _name(self, position: int, probs_C: Floats) -> None:
        seconds = float(self.begun.seconds_F[position])
        if self.frames and self.frames[-1].seconds == seconds:
            return  # the fps stream repeats it
        best = int(probs_C.argmax())
        self._on_frame(len(self.frames), probs_C)
        self.frames.append(
            FrameGuess(
                seconds=seconds,
                name=self._segmenter.names[best],
                probability=float(probs_C[best]),
            )
        )
