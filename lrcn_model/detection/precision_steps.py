"""Precision over recall of things that are ranked, for draws of the videos that they are of.

`figures.average_precision` goes through all that is ranked in every draw. That is a video each
there; here it is every frame of every video, which 9,999 draws can't go through one by one: 400
videos of 3,000 frames and 20 classes would be 2.4e11 frames. So the ranking is cut into steps at
scores of positives, what each video has in each step is counted once, and a draw adds up counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lrcn_model.detection.frame_track import Floats, Ints, Scores

_MOST_STEPS = 256
"""Where positives have as many scores or fewer, draws are exact. With more, the average precision
of 1,200,000 frames was off by less than 0.0002."""


class DrawnSteps(NamedTuple):
    """The steps of a ranking in draws of videos.

    Attributes:
        own_DK: The number of positives in each step, float (draws, steps).
        hits_DK: The number of positives that score as much as the step or more.
        above_DK: The number of all that score as much as the step or more.
        positives_D: The number of positives, ranked or not, float64 (draws,).
        all_D: The number of all that is ranked, float64 (draws,).
    """

    own_DK: npt.NDArray[Any]
    hits_DK: npt.NDArray[Any]
    above_DK: npt.NDArray[Any]
    positives_D: Floats
    all_D: Floats

    def average_precision(self) -> Floats:
        """The area under the curve of precision over recall, as steps, without interpolation.

        It is that of `figures.average_precision`, where equal scores are one step: float64
        (draws,), nan where a draw has no positive.
        """
        return self._area(_ratio(self.hits_DK, self.above_DK))

    def calibrated_average_precision(self) -> Floats:
        """The same of the calibrated precision, w TP / (w TP + FP).

        TP and FP are the positives and negatives that score as much or more, and w is the number
        of negatives over that of positives: so a class's figure doesn't depend on how rare it is.
        De Geest et al., "Online Action Detection", ECCV 2016. Where there is no
        negative, every precision is 1.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            weight_D1 = ((self.all_D - self.positives_D) / self.positives_D)[:, None]
            weighted_DK = weight_D1 * self.hits_DK
        false_DK = self.above_DK - self.hits_DK
        precision_DK = _ratio(weighted_DK, weighted_DK + false_DK)
        return self._area(np.where((false_DK == 0) & (self.hits_DK > 0), 1, precision_DK))

    def interpolated_average_precision(self) -> Floats:
        """The same, where the precision at a recall is the highest one at this recall or more.

        As in the PASCAL VOC challenge from 2010 on (Everingham et al., "The PASCAL Visual Object
        Classes Challenge: A Retrospective", 2015) and so in ActivityNet's.
        """
        precision_DK = _ratio(self.hits_DK, self.above_DK)
        return self._area(np.maximum.accumulate(precision_DK[:, ::-1], axis=1)[:, ::-1])

    def _area(self, precision_DK: npt.NDArray[Any]) -> Floats:
        found_D = (self.own_DK * precision_DK).sum(axis=1, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            area_D: Floats = found_D / self.positives_D
        return area_D


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PrecisionSteps:
    """A ranking, cut into steps at scores of positives, from the highest down.

    Attributes:
        own_VK: The number of positives of each video in each step, float (videos, steps).
        hits_VK: The number of its positives that score as much as the step or more.
        above_VK: The number of all that is ranked of it and scores as much as the step or more.
        positives_V: The number of its positives, float64 (videos,).
        all_V: The number of all that is ranked of it, float64 (videos,).
    """

    own_VK: npt.NDArray[Any]
    hits_VK: npt.NDArray[Any]
    above_VK: npt.NDArray[Any]
    positives_V: Floats
    all_V: Floats

    @classmethod
    def exact(cls, scores_N: Scores, positive_N: npt.NDArray[np.bool_]) -> DrawnSteps:
        """All that is ranked as a single draw, with a step for each score of a positive.

        Args:
            scores_N: The score of each, float (ranked,).
            positive_N: Whether each is positive, bool (ranked,).
        """
        as_one_N = np.zeros(len(scores_N), np.int64)
        steps = cls.of(scores_N, positive_N, as_one_N, 1, most=len(scores_N) + 1)
        return steps.drawn(np.ones((1, 1)))

    @classmethod
    def of(
        cls,
        scores_N: Scores,
        positive_N: npt.NDArray[np.bool_],
        videos_N: Ints,
        videos: int,
        *,
        most: int = _MOST_STEPS,
    ) -> Self:
        """Cut a ranking into steps.

        Where positives have more scores than there may be steps, neighbouring scores share a step
        and have the precision of the middle one of them.

        Args:
            scores_N: The score of each that is ranked, float (ranked,).
            positive_N: Whether each is positive, bool (ranked,).
            videos_N: The number of the video that each is of, int64 (ranked,).
            videos: The number of videos.
            most: The largest number of steps.
        """
        different = np.unique(-scores_N[positive_N])
        steps = min(most, len(different))
        # the first score of each step, and behind the last one
        bounds = np.arange(steps + 1) * len(different) // max(steps, 1)
        middles = (bounds[:-1] + bounds[1:] - 1) // 2

        def counted(kept_N: npt.NDArray[np.bool_], places_N: Ints) -> Ints:
            places = videos_N[kept_N] * steps + places_N
            return np.bincount(places, minlength=videos * steps).reshape(videos, steps)

        def reached(kept_N: npt.NDArray[np.bool_]) -> Ints:
            """How many score as much as each step or more."""
            places_N = np.searchsorted(different[middles], -scores_N[kept_N])
            kept_N = kept_N.copy()
            kept_N[kept_N] = places_N < steps
            reached_VK: Ints = counted(kept_N, places_N[places_N < steps]).cumsum(axis=1)
            return reached_VK

        own_N = np.searchsorted(different, -scores_N[positive_N])
        own_VK = counted(positive_N, np.searchsorted(bounds, own_N, side="right") - 1)
        # of one video nothing is multiplied, and of several single precision is half the time
        kind = np.float64 if videos == 1 else np.float32
        return cls(
            own_VK=own_VK.astype(kind),
            hits_VK=reached(positive_N).astype(kind),
            above_VK=reached(np.ones(len(scores_N), np.bool_)).astype(kind),
            positives_V=own_VK.sum(axis=1).astype(np.float64),
            all_V=np.bincount(videos_N, minlength=videos).astype(np.float64),
        )

    def drawn(self, counts_DV: Floats) -> DrawnSteps:
        """The steps where each video is there as often as it was drawn.

        Args:
            counts_DV: How often each video was drawn, float64 (draws, videos).
        """
        as_steps_DV = counts_DV.astype(self.own_VK.dtype, copy=False)
        return DrawnSteps(
            own_DK=as_steps_DV @ self.own_VK,
            hits_DK=as_steps_DV @ self.hits_VK,
            above_DK=as_steps_DV @ self.above_VK,
            positives_D=counts_DV @ self.positives_V,
            all_D=counts_DV @ self.all_V,
        )


def _ratio(part_DK: npt.NDArray[Any], whole_DK: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Parts of wholes; 0 where the whole is none, since nothing drawn is there."""
    ratio_DK = np.zeros_like(part_DK)
    np.divide(part_DK, whole_DK, out=ratio_DK, where=whole_DK > 0)
    return ratio_DK
