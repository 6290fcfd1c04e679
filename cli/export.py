"""`lrcn-export`: a trained net as a file that runs without lrcn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrcn_data.size import Size, size_text
from lrcn_model.exporting.exported_facts import CLIP, FORMATS, GRAPHS, ONNX

from .command import Command
from .error_boundary import run
from .options import (
    FILE,
    HELP,
    RUN,
    SizeType,
    debug_option,
    json_option,
    named_plugins,
    net_plugin_options,
    version_option,
)
from .output import print_json, print_result
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.exporting.export import Export


@click.command(
    cls=Command,
    context_settings=HELP,
    name="export",
    groups={
        "Model": ("format", "graph", "frame_size", "frames", "cnn", "head"),
        "Results": ("out",),
    },
    examples=(
        "lrcn-export runs/paper-1a2b3c4d --out clip.onnx",
        "lrcn-export runs/paper-1a2b3c4d --graph step --frame-size 640x480 --out step.onnx",
        "lrcn-export runs/paper-1a2b3c4d --format torch.export --out clip.pt2",
    ),
)
@click.argument("run_path", metavar="RUN", type=RUN)
@click.option("--out", type=FILE, required=True, help="The file to write the model to.")
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default=ONNX,
    show_default=True,
    help="What the model is written as: ONNX, or a program that torch.export.load reads.",
)
@click.option(
    "--graph",
    type=click.Choice(GRAPHS),
    default=CLIP,
    show_default=True,
    help="What the model takes: whole clips, or, with a head that looks at no frames to come, the"
    " next frames with what it has returned for those before.",
)
@click.option(
    "--frame-size",
    type=SizeType(),
    show_default="that of the frames in the training's shards",
    help="The size of the frames that the model takes; it resizes them to the net's.",
)
@click.option(
    "--frames",
    type=click.IntRange(1),
    show_default="those of a clip of the training; 1 of a step",
    help="The number of frames that the model takes at a time, of any number of clips.",
)
@net_plugin_options
@json_option
@debug_option
@version_option
def command(
    *,
    run_path: str,
    out: Path,
    format: str,
    graph: str,
    frame_size: Size | None,
    frames: int | None,
    cnn: str | None,
    head: str | None,
    as_json: bool,
) -> None:
    """Write the net of RUN to a file that runs without lrcn, its preprocessing included.

    The model takes RGB frames, uint8 (clips, frames, height, width, 3), and gives the logarithm of
    each class's probability at each frame, float32 (clips, frames, classes). The file has the
    class names, the frame rate and the rest that its user needs as well. Before it is written, its
    answers to random frames are compared with those of the net.
    """
    prepare_torch()
    from lrcn_model.exporting.export import export

    done = export(
        run_path,
        out,
        format=format,
        graph=graph,
        frame_size=frame_size,
        frames=frames,
        plugins=named_plugins(cnn, head),
    )
    if as_json:
        facts = {**asdict(done.facts), "fps": str(done.facts.fps)}
        print_json({"path": str(done.path), "difference": done.difference, **facts})
    else:
        print_result(_describe(done))


def _describe(done: Export) -> str:
    """Say in words what was exported."""
    facts = done.facts
    taken = f"{_count(facts.frames, 'frame')} of {size_text(facts.frame_size)}"
    kept = f", with a state of {_count(len(facts.states), 'tensor')}," if facts.states else ""
    return (
        f"{done.path}: a {facts.graph} of {taken}{kept} to {len(facts.classes)} classes; differs"
        f" from the net by {done.difference:.1g} at most"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number > 1 else ''}"


def main() -> None:
    """Entry point of `lrcn-export`."""
    run(command, "lrcn-export")


if __name__ == "__main__":
    main()
