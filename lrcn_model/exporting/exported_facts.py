"""What an exported model says of itself: how it is fed, and what its answers mean. No torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Self

from lrcn_data.size import Size

ONNX = "onnx"
FORMATS = (ONNX, "torch.export")
"""What a model can be exported to."""

CLIP, STEP = "clip", "step"
GRAPHS = (CLIP, STEP)
"""What a model can take: whole clips, or the next frames with what is known of those before."""

RECORD = "lrcn"
"""Where a model has its facts: in ONNX's metadata under this name, as JSON; in a program of
torch.export in the extra file of this name with `.json`."""

RUN_RECORD = "lrcn_run"
"""Where an ONNX model has all that is known of its run, as the run's weights have it; lrcn-predict
needs more than other programs do."""

FRAMES, LOG_PROBS, STATE, NEXT_STATE = "frames", "log_probs", "state", "next_state"
"""The names of a model's inputs and outputs; those of states have a number behind an underscore."""

_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFacts:
    """What an exported model says of itself.

    Attributes:
        graph: "clip" or "step".
        classes: The class names, by class number.
        fps: The frame rate of the clips that the net was trained on, in frames a second.
        seq_len: The number of frames in a clip of the training.
        frames: The number of frames that the model takes at a time.
        frame_size: (width, height), in pixels, of the frames that the model takes.
        stored_size: (width, height), in pixels, that the training's frames were resized to; None
            for their own size.
        states: The shape of each tensor of a step's state for one clip; the clips are on the axis
            before the last. Empty for clips, and where a frame needs nothing of those before.
        multi_label: Whether each class has a probability of its own; else those of all classes add
            up to 1.
        labels_in_time: Whether the net was trained on frames with classes of their own.
        smooth: The number of frames that lrcn-eval averages a frame's probabilities over, where
            frames have classes of their own.
        average: Which votes of a video's frames lrcn-predict averages, as `lrcn-eval --average`.
        temperature: What the mean log-probabilities of a video are divided by to be calibrated;
            None where that was not learnt.
        recipe: How the clips were made from videos: options of `lrcn-data shard`, by name.
    """

    graph: str
    classes: list[str]
    fps: Fraction
    seq_len: int
    frames: int
    frame_size: Size
    stored_size: Size | None
    states: list[list[int]]
    multi_label: bool
    labels_in_time: bool
    smooth: int
    average: str
    temperature: float | None
    recipe: dict[str, Any]

    def to_json(self) -> str:
        """The facts as a model has them."""
        record = {"version": _VERSION, **asdict(self), "fps": str(self.fps)}
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read them back.

        Raises:
            ValueError: The text is no such JSON, or of a later version.
            KeyError: A value is missing.
            TypeError: There is a value that no facts have.
        """
        record = json.loads(text)
        version = record.pop("version")
        if version > _VERSION:
            raise ValueError(f"it has version {version}, this lrcn reads up to {_VERSION}")
        stored_size = record["stored_size"]
        changed = {
            "fps": Fraction(record["fps"]),
            "frame_size": tuple(record["frame_size"]),
            "stored_size": None if stored_size is None else tuple(stored_size),
        }
        return cls(**{**record, **changed})
