"""How right the classes of frames are where labels are in time: windows are joined to videos."""

from __future__ import annotations

import torch
from torch import Tensor

from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_model.detection.detection_result import DetectionResult, detection_result
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.detection.smoothing import smoothed
from lrcn_model.detection.track_joiner import TrackJoiner
from lrcn_model.reading.clip_batch import ClipBatch


class TimeScorer:
    """Joins the probabilities of the frames of windows to videos, and scores these.

    A frame's probabilities are the mean over the windows that hold it, and then over the frames
    around it.

    Args:
        smooth: The number of frames that the latter mean is over; see `smoothing.smoothed`.
    """

    def __init__(self, smooth: int = 1) -> None:
        self._joiner = TrackJoiner()
        self._smooth = smooth

    @torch.no_grad()
    def add(self, scores_BTC: Tensor, batch: ClipBatch) -> None:
        """Add the scores of a batch.

        Args:
            scores_BTC: The scores before any softmax, float (windows, frames, classes).
            batch: The windows that were scored, on the same device.

        Raises:
            LrcnError: Windows of a video contradict each other.
        """
        assert batch.positions is not None
        assert batch.frame_times is not None
        probs_BTC = scores_BTC.float().softmax(dim=-1).cpu().numpy()
        times_BT, labels_BT = batch.frame_times.numpy(), batch.frame_labels.cpu().numpy()
        sources = batch.sources or (UNKNOWN_SOURCE,) * len(batch)
        for window, num_valid in enumerate(batch.num_valid.tolist()):
            self._joiner.add(
                video=batch.videos[window],
                source=sources[window],
                start=int(batch.positions[window]),
                times_T=times_BT[window],
                labels_T=labels_BT[window],
                scores_TC=probs_BTC[window],
                num_valid=num_valid,
            )

    def merge(self, other: TimeScorer) -> None:
        """Add what another scorer has joined.

        Raises:
            LrcnError: Windows of a video contradict each other.
        """
        self._joiner.merge(other._joiner)

    def tracks(self) -> list[FrameTrack]:
        """All frames of each video, sorted by path."""
        return [smoothed(track, self._smooth) for track in self._joiner.tracks()]

    def result(self, *, skipped: int = 0, failed: int = 0) -> DetectionResult:
        """The figures over all that was added, without intervals.

        Args:
            skipped: The number of videos that gave no window since they were too short.
            failed: The number of videos that gave no window for any other reason.
        """
        return detection_result(self.tracks(), with_intervals=False, skipped=skipped, failed=failed)
