"""How far the frames of a clip disagree about its class: where a net changes its mind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LEAST = 1e-12
"""The least probability whose logarithm is taken, so that this is finite."""


def frame_disagreement(probs_TC: Floats) -> float:
    """How far frames disagree about one class.

    The Jensen-Shannon divergence of their probabilities (Lin, "Divergence measures based on the
    Shannon entropy", 1991): the entropy of their mean less the mean of their entropies. Frames that
    are all equally unsure don't disagree.

    Args:
        probs_TC: The probabilities of each frame, float64 (frames, classes); each row adds up to 1.

    Returns:
        Bits, from 0, where all frames say the same, to at most the logarithm of the number of
        classes.
    """
    return max(0.0, float(_entropy(probs_TC.mean(axis=0)) - _entropy(probs_TC).mean()))


def frame_set_disagreement(probs_TC: Floats) -> float:
    """How far frames disagree about the class that they disagree most about, where all are apart.

    Args:
        probs_TC: The probability of each class at each frame, float64 (frames, classes).

    Returns:
        Bits, from 0 to 1.
    """
    both_TC2 = np.stack([probs_TC, 1 - probs_TC], axis=-1)
    found_C = _entropy(both_TC2.mean(axis=0)) - _entropy(both_TC2).mean(axis=0)
    return max(0.0, float(found_C.max(initial=0.0)))


def _entropy(probs: Floats) -> Floats:
    """The entropy in bits of probabilities along the last axis."""
    entropy: Floats = -(probs * np.log2(np.maximum(probs, _LEAST))).sum(axis=-1)
    return entropy
