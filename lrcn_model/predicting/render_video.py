"""A copy of a video on which its classes and a bar of its segments are burnt in.

All of the video is decoded and encoded once more, by a process of its own that can't outlive this
one nor outgrow the memory; see `render_process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.machine import die_with_parent, limit_memory
from lrcn_data.reasons import Reason
from lrcn_model.predicting.prediction import Prediction

ENDINGS = (".mp4", ".mkv", ".mov")
"""The endings of files that can be written."""


def render_video(
    prediction: Prediction,
    out: Path,
    *,
    path: str,
    picture_rate: Fraction | None = None,
    max_hours: float,
) -> None:
    """Write a copy of a video, as H.264 without its sound, that shows what was found when.

    The file is there whole or not at all.

    Args:
        prediction: What was found of the video.
        out: The file to write, a .mp4, .mkv or .mov.
        path: The path of the video.
        picture_rate: The number of pictures a second, of a folder of numbered pictures.
        max_hours: The longest time that a video may last, in hours.

    Raises:
        VideoError: The video can't be decoded or encoded.
        LrcnError: The file can't be written.
    """
    if out.suffix.lower() not in ENDINGS:
        raise LrcnError(f"{out} ends in none of {', '.join(ENDINGS)}; name such a file")
    partial = out.with_name(f".{out.stem}.partial{out.suffix}")
    job = {
        "path": path,
        "out": os.fspath(partial),
        "duration": prediction.duration,
        "segments": [asdict(segment) for segment in prediction.segments],
        "picture_rate": None if picture_rate is None else str(picture_rate),
        "max_hours": max_hours,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lrcn_model.predicting.render_process"],
            input=json.dumps(job).encode(),
            capture_output=True,
            preexec_fn=_restrict,
            check=False,
        )
        if done.returncode == 0:
            partial.replace(out)
            return
    except OSError as error:
        raise LrcnError(f"{out} can't be written ({error.strerror}); name another") from error
    finally:
        partial.unlink(missing_ok=True)
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    if done.returncode == 1:
        raise LrcnError(f"{out} can't be rendered: {said[-1]}")
    how = f"the process that renders it ended with {done.returncode} ({said[-1]:.200})"
    raise VideoError(Reason.CRASHED, how)


def _restrict() -> None:
    die_with_parent()
    limit_memory()
