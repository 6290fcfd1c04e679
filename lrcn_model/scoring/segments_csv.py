"""The segments that a net predicts, as a list of segments has them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from lrcn_data.errors import LrcnError
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.detection.runs import predicted_runs

HEADER = ("video", "start", "end", "label", "score")
"""The names of the columns; `lrcn-data shard` reads such a list."""


def segment_row(
    video: str, start: float, end: float, label: str, score: float
) -> tuple[str, str, str, str, str]:
    """A line for a segment, from `start` to `end` in seconds, with its class name and score."""
    return video, f"{start:.3f}", f"{end:.3f}", label, f"{score:.4f}"


def write_segments(path: Path, tracks: Sequence[FrameTrack], classes: Sequence[str]) -> None:
    """Write a CSV file `video,start,end,label,score`, a line a predicted segment, in seconds.

    A segment is a run of labelled frames of which the class has the highest score; its score is the
    mean of the class's probability.

    Args:
        path: The file to write.
        tracks: The frames of each video.
        classes: The class names, by class number.

    Raises:
        LrcnError: The file can't be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for track in tracks:
                frames = track.labelled()
                runs = predicted_runs(frames)
                bounds = zip(runs.starts(frames).tolist(), runs.ends(frames).tolist(), strict=True)
                for (start, end), label, first, behind in zip(bounds, *runs, strict=True):
                    score = float(frames.scores_FC[first:behind, label].mean())
                    writer.writerow(segment_row(track.video, start, end, classes[label], score))
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
