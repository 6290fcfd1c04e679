"""The scores of videos as a CSV file, for other programs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from lrcn_data.errors import LrcnError
from lrcn_data.format.sources import source_text
from lrcn_model.scoring.label_kinds import AnyVideoScores


def write_csv(
    path: Path,
    videos: Sequence[AnyVideoScores],
    classes: Sequence[str],
    probabilities: Sequence[float] = (),
) -> None:
    """Write a CSV file with a line for each video, after a line of column names.

    A line has the video's path, the first 16 digits of its file's SHA-256 (nothing where the shards
    don't know it), its class, the class recognized, whether the two are the same, the number of
    frames, the probability of the class recognized, where it is given, and the score of every
    class. Several classes have commas between them.

    Args:
        path: The file to write.
        videos: The videos' scores.
        classes: The class names, by class number.
        probabilities: The probability of the class recognized in each video, as
            `Evaluation.probabilities` gives it.

    Raises:
        LrcnError: The file can't be written.
    """
    certainty = [[f"{probability:.6g}"] for probability in probabilities] or [[]] * len(videos)
    try:
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file, lineterminator="\n")
            columns = ["video", "sha256", "class", "predicted", "correct", "frames"]
            columns += ["probability"] if len(probabilities) else []
            writer.writerow([*columns, *classes])
            for video, probability in zip(videos, certainty, strict=True):
                scores = [f"{score:.6g}" for score in video.scores]
                sets = (video.classes, video.recognized)
                names = [",".join(classes[number] for number in numbers) for numbers in sets]
                correct = int(video.classes == video.recognized)
                line = [video.video, source_text(video.source), *names, correct, video.frames]
                writer.writerow([*line, *probability, *scores])
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
