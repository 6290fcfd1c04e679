"""What the page shows of a video, as JSON: the prediction, probabilities, and texts of files."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lrcn_model.pictures.class_colours import class_hex
from lrcn_model.predicting.predict import FrameProbabilities
from lrcn_model.predicting.prediction import Prediction
from lrcn_model.predicting.segment_files import csv_rows, vtt_text
from lrcn_model.scoring.segments_csv import HEADER

MOST_ROWS = 10
"""The most classes whose probabilities are shown frame by frame."""


class FrameTable:
    """Keeps the probabilities of all classes at each frame, to a 255th.

    Args:
        classes: The number of classes.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._rows: list[bytes] = []

    def add(self, frame: FrameProbabilities) -> None:
        """Add a frame; the first one begins the table anew."""
        if frame.number == 0:
            self._rows.clear()
        self._rows.append(np.rint(frame.probs_C * 255).astype(np.uint8).tobytes())

    def array(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The probabilities times 255, uint8 (frames, classes)."""
        return np.frombuffer(b"".join(self._rows), np.uint8).reshape(-1, self._classes)


def result_of(
    prediction: Prediction,
    table: FrameTable,
    classes: Sequence[str],
    *,
    pictures: Sequence[float] | None,
) -> dict[str, Any]:
    """Put together what the page shows.

    Args:
        prediction: What was found, with the class of each frame.
        table: The probabilities at these frames.
        classes: The class names, by class number.
        pictures: When each picture of a frame is shown, in seconds; None where there are none.

    Returns:
        `prediction` as `lrcn-predict --json` has it; `rows`, the classes (`label`, `name`) that are
        shown frame by frame, and their `probabilities` times 255, uint8 (frames, rows) in base 64;
        `colours` by class number; `csv` and `vtt`, the texts of these files; `pictures`.
    """
    probs_FC = table.array()
    rows = _rows(probs_FC)
    labels = {*rows, *(guess.label for guess in prediction.guesses)}
    labels |= {segment.label for segment in prediction.segments}
    return {
        "prediction": asdict(prediction),
        "rows": [{"label": label, "name": classes[label]} for label in rows],
        "probabilities": base64.b64encode(probs_FC[:, rows].tobytes()).decode("ascii"),
        "colours": {label: class_hex(label) for label in labels},
        "csv": _csv_text(prediction),
        "vtt": vtt_text(prediction.segments),
        "pictures": pictures,
    }


def _rows(probs_FC: np.ndarray[Any, np.dtype[np.uint8]]) -> list[int]:
    """The classes that are most often the most probable one, and of others the most probable."""
    wins_C = np.bincount(probs_FC.argmax(axis=1), minlength=probs_FC.shape[1])
    order: list[int] = np.lexsort((-probs_FC.max(axis=0).astype(int), -wins_C)).tolist()
    return order[:MOST_ROWS]


def _csv_text(prediction: Prediction) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(csv_rows(prediction))
    return file.getvalue()
