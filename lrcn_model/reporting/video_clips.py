"""The clips of an evaluation of whole videos: one for each video, and its frames' probabilities."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lrcn_data.errors import LrcnError
from lrcn_model.reporting.shown_clip import (
    MOST_SCORED,
    Bools,
    ClipPlace,
    Floats,
    Ints,
    ShownClip,
    spread,
)
from lrcn_model.scoring.calibration import probabilities
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.frame_disagreement import frame_disagreement, frame_set_disagreement
from lrcn_model.scoring.frame_scores import Array
from lrcn_model.scoring.kept_evaluations import as_kept, load_arrays
from lrcn_model.scoring.label_kinds import label_kind
from lrcn_model.scoring.loss_at import UNLABELLED
from lrcn_model.scoring.set_scorer import SetResult, set_matrix


class VideoClips:
    """The clips of an evaluation.

    Of a video with several clips that one is shown whose frames disagree most.

    Args:
        found: The evaluation, which is kept.
        record: What its .json says.

    Raises:
        LrcnError: The file with its scores is missing or damaged.
    """

    def __init__(self, found: Evaluation, record: Mapping[str, Any]) -> None:
        if found.kept is None:
            raise LrcnError(f"the evaluation of {found.run} is not kept; evaluate the run again")
        self._found = found
        self._of_sets = isinstance(found.result, SetResult)
        self._vote = label_kind(multi_label=self._of_sets).votes[found.average]
        kept = Path(found.kept)
        with as_kept(kept):
            # those of videos are in the evaluation
            wanted = ("clip_", "num_valid", "frame_")
            arrays = load_arrays(kept, record["scores"], "")
            self._arrays: dict[str, Array] = {
                name: values for name, values in arrays.items() if name.startswith(wanted)
            }
            if self.are_kept:
                self._rows = self._rows_of_videos()

    @property
    def are_kept(self) -> bool:
        """Whether there are scores of clips and frames; a training keeps those of videos alone."""
        return bool(self._arrays)

    @cached_property
    def probabilities(self) -> Floats:
        """The probability of each class for each video, float64 (videos, classes), calibrated."""
        calibration = None if self._of_sets else self._found.calibration
        found = probabilities(self._found.videos, self._vote, calibration)
        return found.reshape(-1, len(self._found.classes))

    @cached_property
    def frame_confusion(self) -> Ints:
        """How often frames of each class are taken for each class, int64 (classes, classes)."""
        classes = len(self._found.classes)
        counts = np.zeros(classes * classes, np.int64)
        for row in range(len(self._arrays["num_valid"])):
            labels_T, probs_TC = self._frames(row)
            there_T = labels_T != UNLABELLED
            pairs_T = labels_T[there_T] * classes + probs_TC[there_T].argmax(axis=1)
            counts += np.bincount(pairs_T, minlength=classes * classes)
        return counts.reshape(classes, classes)

    @property
    def identities(self) -> list[Hashable]:
        """By what each video is known, also in the evaluations of other runs."""
        return [video.identity for video in self._found.videos]

    @property
    def labels(self) -> Ints:
        """The first class of each video, or -1, int64 (videos,)."""
        return np.array([min(v.classes, default=UNLABELLED) for v in self._found.videos], np.int64)

    @property
    def right(self) -> Bools:
        """Whether the recognized classes are the video's, bool (videos,)."""
        return np.array([video.classes == video.recognized for video in self._found.videos], bool)

    @property
    def certainty(self) -> Floats:
        """How sure the net is of what it says, float64 (videos,).

        Of one class its probability; of a set of classes, by the one that it is most wrong about.
        """
        probs_VC = self.probabilities
        if not self._of_sets:
            highest_V: Floats = probs_VC.max(axis=1)
            return highest_V
        sets_VC = set_matrix([v.classes for v in self._found.videos], len(self._found.classes))
        off_V = np.abs(probs_VC - sets_VC).max(axis=1, initial=0.0)
        certainty_V: Floats = np.where(self.right, 1 - off_V, off_V)
        return certainty_V

    @property
    def disagreement(self) -> Floats:
        """How far the frames of each video's clip disagree, float64 (videos,)."""
        return self._disagreement_N[self._rows]

    def clip(self, number: int) -> ShownClip:
        """The clip of a video, by the video's number."""
        video, row = self._found.videos[number], int(self._rows[number])
        labels_T, probs_TC = self._frames(row)
        shown = spread(len(labels_T), MOST_SCORED)
        probs_C = self.probabilities[number]
        return ShownClip(
            video=video.video,
            truth=video.classes,
            found=video.recognized,
            probability=None if self._of_sets else float(probs_C[video.recognized[0]]),
            right=video.classes == video.recognized,
            labels_T=labels_T[shown],
            probs_TC=probs_TC[shown],
            times_T=None,
            place=ClipPlace(row, str(self._arrays["clip_keys"][row]), tuple(shown)),
        )

    @cached_property
    def _disagreement_N(self) -> Floats:
        measure = frame_set_disagreement if self._of_sets else frame_disagreement
        rows = range(len(self._arrays["num_valid"]))
        return np.array([measure(self._frames(row)[1]) for row in rows])

    def _rows_of_videos(self) -> Ints:
        """The number of the clip that is shown of each video, int64 (videos,)."""
        videos_N = self._arrays["clip_videos"]
        # the last one of each video stays: the one with the most disagreement
        order_N = np.argsort(self._disagreement_N, kind="stable")
        rows_V = np.zeros(len(self._found.videos), np.int64)
        rows_V[videos_N[order_N]] = order_N
        return rows_V

    def _frames(self, row: int) -> tuple[Ints, Floats]:
        """The classes of a clip's real frames, and the probabilities (frames, classes)."""
        valid = int(self._arrays["num_valid"][row])
        votes_TC = self._arrays["frame_scores"][row, :valid].astype(np.float64)
        # a vote's classes come first
        probs_CT = self._vote.probabilities(torch.from_numpy(votes_TC.T.copy()))
        labels_T = self._arrays["frame_classes"][row, :valid].astype(np.int64)
        return labels_T, probs_CT.T.numpy()
