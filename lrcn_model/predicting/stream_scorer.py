"""Scores the frames of a stream as they come: a causal head goes on where it has ended."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.nets.head import is_causal
from lrcn_model.scoring.trained_run import TrainedRun


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

    def __init__(self, run: TrainedRun) -> None:
        if not is_causal(run.net.head):
            raise UsageError(
                f"the run {run.name} has --head {run.net.config.head}, which looks at frames to"
                " come, so a stream can't be scored as it comes; predict whole videos, or train"
                " with a head that isn't bidirectional and whose input isn't centered"
            )
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
