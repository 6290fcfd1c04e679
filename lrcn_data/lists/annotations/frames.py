"""Labels of single frames, joined to spans of frames that follow each other."""

from __future__ import annotations

from collections.abc import Iterable

from lrcn_data.lists.annotations.annotation import LabelledSpan


def spans_of_frames(labels: Iterable[tuple[int, str]]) -> list[LabelledSpan]:
    """Join neighbouring frames of one label; a frame that is left out ends a span.

    Args:
        labels: The number of each frame, counted from 0 and ascending, and its label.
    """
    spans: list[LabelledSpan] = []
    for frame, label in labels:
        if spans and spans[-1].end == frame and spans[-1].label == label:
            spans[-1] = spans[-1]._replace(end=frame + 1)
        else:
            spans.append(LabelledSpan(frame, frame + 1, label))
    return spans


def rate_of(pairs: Iterable[tuple[float, int]]) -> float | None:
    """The rate at which an annotation counts frames that it also gives the times of.

    The latest pair decides, since it is the most exact; a whole number that it allows is taken.

    Args:
        pairs: Times in seconds and numbers of the frames there.

    Returns:
        Frames a second; None where times are too short to tell.
    """
    seconds, frame = max(pairs, default=(0.0, 0))
    # rounding to a frame, and to hundredths of a second, is less than this
    if seconds <= 0 or (doubt := 1.5 / seconds) > 0.5:
        return None
    rate = frame / seconds
    return float(round(rate)) if abs(rate - round(rate)) <= doubt else round(rate, 2)
