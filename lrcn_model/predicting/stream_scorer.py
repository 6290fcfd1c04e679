"""Scores the frames of a stream as they come: a causal head goes on where it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.predicting.clip_plan import Sliding
from lrcn_model.predicting.run_to_predict import RunToPredict
from lrcn_model.scoring.label_kinds import label_kind


class StreamScorer:
    """Scores one stream, however long it is, piece by piece.

    The scores of all pieces together are those of the whole at once. Memory is that of a piece and
    of the head's state.

    Args:
        run: The trained net.

    Raises:
        UsageError: The net's head needs frames to come, as one does that is bidirectional or sees
            features less their mean over the clip.
    """

    def __init__(self, run: RunToPredict) -> None:
        if run.why_no_stream is not None:
            raise UsageError(run.why_no_stream)
        self._run = run
        self._state: Any = None

    def score(self, features_TF: Tensor) -> Tensor:
        """Score the frames that come next.

        Args:
            features_TF: What the run's CNN makes of them, float (frames, features), as
                `TrainedRun.features` returns it.

        Returns:
            The scores before any softmax or sigmoid, float32 (frames, classes).
        """
        scores_BTC, self._state = self._run.score_features(features_TF[None], None, self._state)
        return scores_BTC[0]


@dataclass(slots=True, eq=False)
class _Window:
    """A window that is being scored."""

    scorer: StreamScorer
    frames: int = 0


class SlidingScorer:
    """Says of each frame of a stream what it shows, by windows that begin again and again.

    A frame's probabilities are the mean over the windows that it is in. With one window without an
    end, the head goes on with its state from frame to frame.

    Args:
        run: The trained net.
        sliding: How long windows are, and when one begins.

    Raises:
        UsageError: The net's head needs frames to come.
    """

    def __init__(self, run: RunToPredict, sliding: Sliding) -> None:
        self._run = run
        self._sliding = sliding
        self._probs = label_kind(multi_label=run.facts.multi_label).votes["probs"]
        self._seen = 0
        self._windows = [_Window(StreamScorer(run))]

    @torch.inference_mode()
    def score(self, features_F: Tensor) -> npt.NDArray[np.float64]:
        """Say what the next frame shows.

        Args:
            features_F: What the run's CNN makes of it, float (features,).

        Returns:
            The probability of each class, float64 (classes,).
        """
        window, stride = self._sliding.window, self._sliding.stride
        if window is not None and self._seen and self._seen % stride == 0:
            self._windows.append(_Window(StreamScorer(self._run)))
        self._seen += 1
        scores_WC = torch.cat([one.scorer.score(features_F[None]) for one in self._windows])
        for one in self._windows:
            one.frames += 1
        self._windows = [one for one in self._windows if one.frames != window]
        probs_WC = self._probs.of_frames(scores_WC).cpu().numpy().astype(np.float64)
        return np.asarray(probs_WC.mean(axis=0))
