"""Runs an exported ONNX model with onnxruntime; no torch.

What is done here is what any program does that uses such a file; docs/exporting.md has it in ten
lines.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.size import size_text
from lrcn_model.exporting.exported_facts import (
    CLIP,
    FRAMES,
    RECORD,
    RUN_RECORD,
    STATE,
    STEP,
    ExportedFacts,
)

Pixels: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]

_DIMS = 5
_CHANNELS = 3


class OnnxModel:
    """A model that `lrcn-export` has written as ONNX.

    Args:
        model: The file, or its bytes.
        threads: The number of threads to compute with; 0 for as many as there are cores.

    Attributes:
        facts: What the model says of itself.
        run_record: All that is known of its run, as JSON; None where an older version wrote it.

    Raises:
        UsageError: There is no such file, or onnxruntime is not installed.
        LrcnError: The file can't be read, or is no model of `lrcn-export`.
    """

    def __init__(self, model: str | os.PathLike[str] | bytes, *, threads: int = 0) -> None:
        source = model if isinstance(model, bytes) else os.fspath(model)
        name = "the model" if isinstance(source, bytes) else source
        if not isinstance(source, bytes) and not Path(source).is_file():
            raise UsageError(f"there is no file {name}; name the model that lrcn-export wrote")
        try:
            import onnxruntime
        except ImportError as error:
            raise UsageError(
                f"onnxruntime can't be imported, which {name} needs; install it with pip install"
                " 'lrcn[export]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                source, options, providers=["CPUExecutionProvider"]
            )
            records = self._session.get_modelmeta().custom_metadata_map
            self.facts = ExportedFacts.from_json(records[RECORD])
            self.run_record: str | None = records.get(RUN_RECORD)
        # what onnxruntime raises has no common type
        except Exception as error:
            raise LrcnError(
                f"{name} can't be read as a model of lrcn-export: {error}; export it again"
            ) from error

    def score(self, frames: Pixels) -> Floats:
        """Score every class at every frame of clips.

        Args:
            frames: RGB, uint8 (clips, frames, height, width, 3) of the model's size and number of
                frames.

        Returns:
            The logarithms of the probabilities, float32 (clips, frames, classes).

        Raises:
            UsageError: The model takes steps, or frames of another shape.
        """
        return self._run(CLIP, frames, [])[0]

    def step(
        self, frames: Pixels, state: Sequence[Floats] | None = None
    ) -> tuple[Floats, list[Floats]]:
        """Score every class at the frames that come next.

        Args:
            frames: RGB, uint8 (clips, frames, height, width, 3) of the model's size and number of
                frames.
            state: What the call for the frames before returned; None at the start of the clips.

        Returns:
            The logarithms of the probabilities, float32 (clips, frames, classes), and the state to
            go on with.

        Raises:
            UsageError: The model takes whole clips, or frames of another shape.
        """
        if state is None:
            clips = len(frames)
            shapes = [(*shape[:-2], clips, shape[-1]) for shape in self.facts.states]
            state = [np.zeros(shape, np.float32) for shape in shapes]
        log_probs, *after = self._run(STEP, frames, state)
        return log_probs, after

    def _run(self, graph: str, frames: Pixels, state: Sequence[Floats]) -> list[Floats]:
        facts = self.facts
        if facts.graph != graph:
            raise UsageError(
                f"the model takes a {facts.graph} at a time, not a {graph}; export it with --graph"
                f" {graph}"
            )
        width, height = facts.frame_size
        shape = (facts.frames, height, width, _CHANNELS)
        if frames.ndim != _DIMS or frames.shape[1:] != shape or frames.dtype != np.uint8:
            size = size_text(facts.frame_size)
            raise UsageError(
                f"the model takes RGB frames of {size}, {facts.frames} a clip, uint8 (clips,"
                f" {', '.join(map(str, shape))}), got {frames.dtype} {frames.shape}; change them,"
                " or export the model for such frames"
            )
        states = {f"{STATE}_{number}": one for number, one in enumerate(state)}
        found: list[Floats] = self._session.run(None, {FRAMES: frames, **states})
        return found
