"""An exported model, which predicts as the run does that it was made of."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_model.exporting.exported_facts import CLIP
from lrcn_model.exporting.onnx_model import OnnxModel
from lrcn_model.predicting.run_to_predict import RunToPredict
from lrcn_model.processor import choose_processor
from lrcn_model.reading.augmentation import ClipChange
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.trained_run import RunFacts, check_version, load_run

_SURE = 100.0
"""A score whose sigmoid is 1 in float32."""

ONNX_ENDING, PROGRAM_ENDING = ".onnx", ".pt2"


def load_to_predict(
    run: RunToPredict | str | os.PathLike[str],
    plugins: Collection[str] = (),
    *,
    device: str = "auto",
) -> RunToPredict:
    """Read a trained net to predict with: of a run, or of an ONNX model that was made of one.

    Args:
        run: The path or URL of the run, the path of a model whose name ends with `.onnx`, or what
            was read before.
        plugins: See `load_run`.
        device: See `load_run`; models are computed on the CPU.

    Raises:
        UsageError: There is no such run, or the model can't predict as its run does.
        LrcnError: It is damaged, or of another version.
    """
    if not isinstance(run, str | os.PathLike):
        return run
    name = os.fspath(run)
    if name.endswith(ONNX_ENDING):
        return ExportedRun(name)
    if name.endswith(PROGRAM_ENDING):
        raise UsageError(
            f"{name} may run any code when torch.export.load reads it, so nothing is predicted with"
            " it here; name the run, or export it with --format onnx"
        )
    return load_run(run, plugins=plugins, device=device)


class ExportedRun:
    """An ONNX model of `lrcn-export`, as `RunToPredict` has it.

    What it has for features are the frames themselves, as the model has the CNN in it. Clips of
    fewer frames than it takes are filled up by repeating the last one, of which causal heads see
    nothing.

    Args:
        path: The model's file.

    Attributes:
        facts: What the net was trained for; frames are resized to those that the model takes.
        processor: The CPU.
        causal: Whether the net's scores of a frame depend on no frame after it.
        clip_by_clip: False, since frames are told apart by their pixels.

    Raises:
        UsageError: The model can't predict as its run does, or onnxruntime is not installed.
        LrcnError: It can't be read, or an older or a later version wrote it.
    """

    clip_by_clip = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._model = OnnxModel(path, threads=torch.get_num_threads())
        if self._model.run_record is None:
            raise LrcnError(f"an older version exported {path}; export it again to predict with it")
        try:
            record = json.loads(self._model.run_record)
            check_version(record, path)
            facts = RunFacts.from_record(record)
            self.causal = bool(record["causal"])
        except (ValueError, TypeError, KeyError) as error:
            raise LrcnError(f"{path} doesn't say what it was made of: {error!r}") from error
        self.facts = replace(facts, stored_size=self._model.facts.frame_size)
        self.processor = choose_processor("cpu", "off")
        self._check()

    @property
    def why_no_stream(self) -> str | None:
        """Why frames can't be scored as they come, and what to do; None where they can."""
        if self._model.facts.graph != CLIP:
            return None
        remedy = "export it with --graph step"
        if not self.causal:
            remedy = "its head looks at frames to come: train with one that doesn't"
        return f"{self._path} takes whole clips, so a stream can't be scored as it comes; {remedy}"

    def for_frames(self, kind: FrameKind) -> ExportedRun:
        """The run itself: only plain pictures are exported, and no views are scored."""
        return self

    def features(self, batch: ClipBatch, change: ClipChange | None = None) -> Tensor:
        """The frames of a batch, uint8 (frames, height x width x 3).

        Raises:
            UsageError: They are to be changed before, as for views.
        """
        if change is not None:
            raise UsageError(f"{self._path} scores clips as they are; leave --views")
        return batch.all_frames.flatten(1)

    def score_features(
        self, features: Tensor, lengths: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Score frames.

        Args:
            features: What `features` returned, uint8 (clips, frames, height x width x 3).
            lengths: Not needed.
            state: What was returned for the frames before; None where clips begin.

        Returns:
            The scores before any softmax or sigmoid, float32 (clips, frames, classes), and the
            state to go on with.
        """
        width, height = self._model.facts.frame_size
        frames_BTHWC = features.view(*features.shape[:2], height, width, 3).numpy()
        if self._model.facts.graph == CLIP:
            log_probs_BTC = self._model.score(self._filled_up(frames_BTHWC))
            log_probs_BTC = log_probs_BTC[:, : features.shape[1]]
        else:
            steps = []
            for frames_BHWC in frames_BTHWC.swapaxes(0, 1):
                log_probs_B1C, state = self._model.step(frames_BHWC[:, None], state)
                steps.append(log_probs_B1C)
            log_probs_BTC = np.concatenate(steps, axis=1)
        scores_BTC = torch.from_numpy(log_probs_BTC)
        if self.facts.multi_label:
            # log p - log(1 - p), of which p is the sigmoid; finite where p is 1
            scores_BTC = (scores_BTC - torch.log(-torch.expm1(scores_BTC))).clamp(max=_SURE)
        return scores_BTC, state

    def _filled_up(self, frames_BTHWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        more = self._model.facts.frames - frames_BTHWC.shape[1]
        if more < 0:
            raise UsageError(
                f"{self._path} takes {self._model.facts.frames} frames at a time, and a clip has"
                f" {frames_BTHWC.shape[1]}; export it with --frames {frames_BTHWC.shape[1]}"
            )
        return np.concatenate([frames_BTHWC, frames_BTHWC[:, -1:].repeat(more, axis=1)], axis=1)

    def _check(self) -> None:
        """Refuse a model that can't score videos as its run does.

        Raises:
            UsageError: It can't.
        """
        facts, model = self.facts, self._model.facts
        if model.graph != CLIP:
            if model.frames != 1:
                raise UsageError(
                    f"{self._path} takes steps of {model.frames} frames; export it with --frames 1"
                )
            return
        if facts.labels_in_time and (facts.carry_state or facts.window == 0):
            remedy = "export it with --graph step" if self.causal else "predict with the run itself"
            raise UsageError(
                f"{self._path} takes {model.frames} frames at a time, and its run scores whole"
                f" videos; {remedy}"
            )
