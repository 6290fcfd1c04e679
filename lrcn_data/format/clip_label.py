"""The class of a clip whose frames have classes of their own (labels in time)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lrcn_data.format.records import NO_CLASS


def clip_label(labels: Iterable[int]) -> int:
    """The class that most of a clip's labelled frames have.

    Args:
        labels: The class number of each frame in time order, or `NO_CLASS`.

    Returns:
        The class number, of equally frequent ones that which occurs first; `NO_CLASS` where no
        frame is labelled.
    """
    # equal counts stay in the order in which they first occur
    counts = Counter(label for label in labels if label != NO_CLASS).most_common(1)
    return counts[0][0] if counts else NO_CLASS
