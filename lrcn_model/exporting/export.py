"""Exports a trained net with its preprocessing, and compares the file's answers with the net's."""

from __future__ import annotations

import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.size import Size, size_text
from lrcn_model.exporting.exported_facts import (
    CLIP,
    FORMATS,
    FRAMES,
    GRAPHS,
    LOG_PROBS,
    NEXT_STATE,
    ONNX,
    RECORD,
    RUN_RECORD,
    STATE,
    STEP,
    ExportedFacts,
)
from lrcn_model.exporting.graphs import (
    ClipGraph,
    StepGraph,
    log_probs_of,
    tensors_of,
    zeros_like,
)
from lrcn_model.exporting.onnx_model import OnnxModel
from lrcn_model.nets.carried_state import State
from lrcn_model.run_folder import run_file
from lrcn_model.scoring.trained_run import TrainedRun, load_run

AnyGraph: TypeAlias = ClipGraph | StepGraph

_Model: TypeAlias = Callable[[Tensor, Sequence[Tensor]], tuple[Tensor, ...]]
"""An exported model: frames and a state to log-probabilities and the next state."""

TOLERANCE = 1e-4
"""The largest difference of log-probabilities between a file and its net that is let pass."""

_ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

_TRACED_CLIPS, _CHECKED_CLIPS = 2, 3
"""Of 1 clip, torch would take the number for fixed; of another number, the check sees if it is."""

_CHECKED_STEPS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """A file that was exported.

    Attributes:
        path: The file.
        facts: What the model in it says of itself.
        difference: The largest difference between its log-probabilities and those of the net, of
            clips of random pixels.
    """

    path: Path
    facts: ExportedFacts
    difference: float


def export(
    run: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    format: str = ONNX,
    graph: str = CLIP,
    frame_size: Size | None = None,
    frames: int | None = None,
    plugins: Collection[str] = (),
) -> Export:
    """Write a trained net, with its preprocessing, to a file that runs without lrcn.

    The model takes `frames`, uint8 (clips, frames, height, width, 3) of any number of clips, and
    gives `log_probs`, float32 (clips, frames, classes). A step takes `state_0` and so on besides,
    zeros at the start of clips, and gives `next_state_0` and so on. All is computed in float32.

    Args:
        run: The path or URL of the run's folder, or of its weights' file.
        out: The file to write.
        format: "onnx", or "torch.export", which `torch.export.load` reads.
        graph: "clip" for whole clips, or "step" for the frames that come next, which only causal
            heads can take.
        frame_size: (width, height), in pixels, of the frames that the model takes; None for the
            size of the frames that the net was trained on.
        frames: The number of frames that the model takes at a time; None for those of a clip as the
            net was trained on, and for 1 of a step.
        plugins: Names of plug-ins, `package.module:function`, that may be imported where the run's
            net has them.

    Raises:
        UsageError: A value is out of range, a package is missing, there is no such run, or its net
            can't be exported.
        LrcnError: The run's weights are damaged, the file can't be written, or it doesn't give the
            net's answers.
    """
    if format not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)}, got {format!r}")
    if graph not in GRAPHS:
        raise UsageError(f"--graph must be one of {', '.join(GRAPHS)}, got {graph!r}")
    if frames is not None and frames < 1:
        raise UsageError(f"--frames must be at least 1, got {frames}")
    missing = [name for name in _ONNX_PACKAGES if find_spec(name) is None]
    if format == ONNX and missing:
        raise UsageError(
            f"{', '.join(missing)} can't be imported; install it with pip install 'lrcn[export]'"
        )
    path = Path(out)
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder that {path.name} can be written to; make it")
    trained = load_run(run, plugins=plugins, device="cpu")
    size = _frame_size(trained, frame_size)
    with torch.no_grad(), _quiet():
        module, start = _module(trained, graph, size)
        facts = _facts(trained, graph, size, frames or _frames(trained, graph), start)
        program = _traced(module, facts, trained)
        content = _onnx(program, facts, trained) if format == ONNX else _program(program, facts)
        model = _onnx_answers(content) if format == ONNX else _program_answers(content)
        difference = _difference(model, facts, trained)
    if not difference <= TOLERANCE:
        raise LrcnError(
            f"the {format} model differs by {difference:.2g} from the net of {trained.name}, more"
            f" than {TOLERANCE:g}, and isn't written; try another version of torch"
        )
    with run_file(path) as file:
        file.write(content)
    return Export(path=path, facts=facts, difference=difference)


def _frame_size(trained: TrainedRun, given: Size | None) -> Size:
    """The size of the frames that the model takes."""
    if trained.facts.frame_kind != RGB_FRAMES:
        raise UsageError(
            f"the run {trained.name} was trained on frames of the kind {trained.facts.frame_kind},"
            f" which are no plain pictures; only runs on {RGB_FRAMES} frames can be exported"
        )
    size = given or trained.facts.stored_size
    if size is None:
        raise UsageError(
            f"the run {trained.name} was trained on frames of their own size; say with --frame-size"
            " WIDTHxHEIGHT which frames the model is to take, such as 320x240"
        )
    if min(size) < 1:
        raise UsageError(f"--frame-size must be at least 1x1, got {size_text(size)}")
    return size


def _frames(trained: TrainedRun, graph: str) -> int:
    """The number of frames that a model takes at a time where none is given."""
    # windows that are cut are shorter than the clips, and whole videos have no length
    return 1 if graph == STEP else trained.facts.window or trained.facts.seq_len


def _module(trained: TrainedRun, graph: str, size: Size) -> tuple[AnyGraph, list[Tensor]]:
    """What is exported, and the state of one clip that it begins with."""
    net, core, multi_label = trained.net, trained.preprocess.core, trained.facts.multi_label
    if graph == CLIP:
        return ClipGraph(net, core, size, multi_label=multi_label).eval(), []
    start = _start(trained)
    module = StepGraph(net, core, size, multi_label=multi_label, like=start)
    return module.eval(), tensors_of(start)


def _start(trained: TrainedRun) -> State:
    """The state of one clip, of zeros, that steps begin with.

    Raises:
        UsageError: The head isn't causal, or begins otherwise than with zeros.
    """
    net = trained.net
    if not trained.causal:
        raise UsageError(
            f"--head {net.config.head} of {trained.name} looks at frames to come, so there is no"
            f" step to export; take --graph {CLIP}"
        )
    shape = (1, 1, 3, *net.config.size[::-1])
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    seen = trained.preprocess.core(pixels)
    scores, state = net.step(seen)
    zeros = zeros_like(state)
    # what is no zero state at the start shows where a first frame has no frame before it
    if not torch.allclose(net.step(seen, zeros)[0], scores, atol=1e-6):
        raise UsageError(
            f"the net of {trained.name} treats a clip's first frame differently (differences have"
            f" no frame before it), which a step can't be told; take --graph {CLIP}"
        )
    return zeros


def _facts(
    trained: TrainedRun, graph: str, size: Size, frames: int, start: Sequence[Tensor]
) -> ExportedFacts:
    facts = trained.facts
    return ExportedFacts(
        graph=graph,
        classes=facts.classes,
        fps=facts.fps,
        seq_len=facts.seq_len,
        frames=frames,
        frame_size=size,
        stored_size=facts.stored_size,
        states=[list(tensor.shape) for tensor in start],
        multi_label=facts.multi_label,
        labels_in_time=facts.labels_in_time,
        smooth=facts.smooth,
        average=facts.average,
        temperature=facts.calibration.temperature if facts.calibration else None,
        recipe=dict(facts.recipe),
    )


def _traced(module: AnyGraph, facts: ExportedFacts, trained: TrainedRun) -> ExportedProgram:
    """The program of a module, for any number of clips."""
    clips = Dim("clips")
    frames, state = _inputs(facts, _TRACED_CLIPS)
    shapes = tuple({tensor.dim() - 2: clips} for tensor in state)
    dynamic = {"frames": {0: clips}, **({"state": shapes} if shapes else {})}
    try:
        return torch.export.export(module, (frames, *state), dynamic_shapes=dynamic)
    except Exception as error:
        raise _not_exported(trained, "torch.export", error) from error


def _onnx(program: ExportedProgram, facts: ExportedFacts, trained: TrainedRun) -> bytes:
    """The bytes of an ONNX file."""
    numbers = range(len(facts.states))
    try:
        made = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=[FRAMES, *(f"{STATE}_{number}" for number in numbers)],
            output_names=[LOG_PROBS, *(f"{NEXT_STATE}_{number}" for number in numbers)],
        )
    except Exception as error:
        raise _not_exported(trained, ONNX, error) from error
    assert made is not None
    made.model.metadata_props[RECORD] = facts.to_json()
    made.model.metadata_props[RUN_RECORD] = json.dumps(
        {
            "version": trained.facts.version,
            "causal": trained.causal,
            **trained.facts.as_record(),
        },
        ensure_ascii=False,
    )
    content: bytes = made.model_proto.SerializeToString()
    return content


def _onnx_answers(content: bytes) -> _Model:
    model = OnnxModel(content)

    def answers(frames: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        if model.facts.graph == CLIP:
            return (torch.from_numpy(model.score(frames.numpy())),)
        log_probs, after = model.step(frames.numpy(), [one.numpy() for one in state])
        return tuple(map(torch.from_numpy, (log_probs, *after)))

    return answers


def _program(program: ExportedProgram, facts: ExportedFacts) -> bytes:
    """The bytes of a file that `torch.export.load` reads."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={f"{RECORD}.json": facts.to_json()})
    return buffer.getvalue()


def _program_answers(content: bytes) -> _Model:
    model = torch.export.load(io.BytesIO(content)).module()

    def answers(frames: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        found = model(frames, *state)
        return (found,) if isinstance(found, Tensor) else tuple(found)

    return answers


def _difference(model: _Model, facts: ExportedFacts, trained: TrainedRun) -> float:
    """The largest difference between log-probabilities of a model and of the net.

    Those of a step, of frames one after another, are compared with the net's of them as a whole.
    """
    calls = 1 if facts.graph == CLIP else _CHECKED_STEPS
    pieces, found = [], []
    _, state = _inputs(facts, _CHECKED_CLIPS)
    for seed in range(calls):
        frames, _ = _inputs(facts, _CHECKED_CLIPS, seed=seed)
        log_probs, *state = model(frames, state)
        pieces.append(frames)
        found.append(log_probs)
    scores = trained.score_frames(torch.cat(pieces, dim=1))
    expected = log_probs_of(scores, multi_label=facts.multi_label)
    return (torch.cat(found, dim=1) - expected).abs().max().item()


def _inputs(facts: ExportedFacts, clips: int, *, seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    """Random frames of so many clips, and the state that clips begin with."""
    width, height = facts.frame_size
    generator = torch.Generator().manual_seed(seed)
    shape = (clips, facts.frames, height, width, 3)
    frames = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    shapes = [[*shape[:-2], clips, shape[-1]] for shape in facts.states]
    return frames, [torch.zeros(shape) for shape in shapes]


def _not_exported(trained: TrainedRun, format: str, error: Exception) -> UsageError:
    config = trained.net.config
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return UsageError(
        f"the net of {trained.name} (--cnn {config.cnn}, --head {config.head}) can't be exported to"
        f" {format}: {reason}"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what torch says of its own code while it exports."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
