"""Segments as other tools read them: lists as CSV, and WebVTT for players."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrcn_model.predicting.prediction import Prediction
from lrcn_model.predicting.segments import Segment
from lrcn_model.scoring.segments_csv import segment_row

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": " ", "\r": " "})


def csv_rows(prediction: Prediction) -> Iterator[Sequence[str]]:
    """The rows of a video's segments, as `scoring.segments_csv` has them, in time order."""
    for segment in sorted(prediction.segments, key=lambda one: (one.start, one.end)):
        yield segment_row(prediction.video, segment.start, segment.end, segment.name, segment.score)


def vtt_text(segments: Sequence[Segment]) -> str:
    """Segments as a WebVTT file (https://www.w3.org/TR/webvtt1/), in time order, a cue each.

    Those that last less than a thousandth of a second are left out, as cues must end after they
    start.
    """
    cues = ["WEBVTT\n"]
    for segment in sorted(segments, key=lambda one: (one.start, one.end)):
        start, end = _timestamp(segment.start), _timestamp(segment.end)
        if start < end:
            name = segment.name.translate(_ESCAPES)
            cues.append(f"{start} --> {end}\n{name} ({segment.score:.0%})\n")
    return "\n".join(cues)


def _timestamp(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, whole = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{whole:02}.{thousandths:03}"
