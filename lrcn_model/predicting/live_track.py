"""What is said of the frames of a live source, one after another, as long as its clock goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lrcn_model.predicting.clip_plan import Sliding
from lrcn_model.predicting.frame_smoother import FrameSmoother
from lrcn_model.predicting.live_connection import WaitingFrame
from lrcn_model.predicting.live_events import LiveFrame
from lrcn_model.predicting.prediction import Guess
from lrcn_model.predicting.run_to_predict import RunToPredict
from lrcn_model.predicting.segments import Segment, Segmenter, SegmentOptions
from lrcn_model.predicting.stream_scorer import SlidingScorer

Floats = npt.NDArray[np.float64]


class LiveTrack:
    """Scores frames as they come; what it holds is what the head and the smoothing look back on.

    Args:
        run: The trained net.
        sliding: How it goes through a stream.
        options: How frames become segments.
        top: The number of classes to name of each frame.
        begins: When the first frame is shown, in seconds.

    Attributes:
        seconds: When the last frame so far is shown.
    """

    def __init__(
        self,
        run: RunToPredict,
        sliding: Sliding,
        options: SegmentOptions,
        *,
        top: int,
        begins: float,
    ) -> None:
        facts = run.facts
        self._scorer = SlidingScorer(run, sliding)
        self._smoother = FrameSmoother(facts.smooth)
        self._segmenter = Segmenter(facts.classes, options, independent=facts.multi_label)
        self._top = top
        self._begins = begins
        self._frame = float(1 / facts.fps)
        # those that are being smoothed: when they are shown, and when they were there
        self._times: dict[int, tuple[float, float]] = {}
        # what the segmenter takes once the next one says how long it is shown
        self._last: tuple[float, Floats] | None = None
        self.seconds = begins

    def add(self, frame: WaitingFrame, features_F: Tensor) -> Iterator[LiveFrame | Segment]:
        """Score the next frame, as often as the fps stream has it.

        Args:
            frame: The frame.
            features_F: What the run's CNN makes of it, float (features,).

        Yields:
            What is known with it: of frames what they show, and segments that have ended.
        """
        self.seconds = self._begins + frame.seconds
        for position in range(frame.position, frame.position + frame.times):
            self._times[position] = self.seconds, frame.arrived
            probs_C = self._scorer.score(features_F)
            for smoothed, smooth_C in self._smoother.add(position, probs_C):
                yield from self._say(smoothed, smooth_C)

    def finish(self, end: float | None) -> Iterator[LiveFrame | Segment]:
        """End the stretch; what had not been said before.

        Args:
            end: When the last frame ends, in seconds after the first one; None if unknown: it is
                shown as long as the frame rate says.
        """
        for smoothed, smooth_C in self._smoother.finish():
            yield from self._say(smoothed, smooth_C)
        known = self.seconds + self._frame if end is None else self._begins + end
        self.seconds = max(self.seconds, known)
        yield from self._until(self.seconds)
        yield from self._segmenter.finish()

    def _say(self, position: int, probs_C: Floats) -> Iterator[LiveFrame | Segment]:
        seconds, arrived = self._times.pop(position)
        is_repeated = self._last is not None and self._last[0] == seconds
        yield from self._until(seconds)
        self._last = seconds, probs_C
        if not is_repeated:
            latency = time.monotonic() - arrived
            yield LiveFrame(seconds=seconds, guesses=self._guesses(probs_C), latency=latency)

    def _until(self, end: float) -> Iterator[Segment]:
        if self._last is not None:
            start, probs_C = self._last
            self._last = None
            yield from self._segmenter.add(start, max(start, end), probs_C)

    def _guesses(self, probs_C: Floats) -> list[Guess]:
        best = np.argsort(-probs_C, kind="stable")[: self._top].tolist()
        names = self._segmenter.names
        return [
            Guess(label=label, name=names[label], probability=float(probs_C[label]))
            for label in best
        ]
