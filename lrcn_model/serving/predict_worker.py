"""The process that predicts uploads, and that a hostile one may end; see `predict_process`.

It loads the net once, and then does a job a line of stdin. On stdout it says a JSON object a line,
whose `kind` is `ready` or `refused` once, and for each job any number of `progress` and at last
`done` or `failed`. The result of a job is a line of a file in the job's folder.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrcn_data.errors import LrcnError
from lrcn_data.machine import limit_memory
from lrcn_data.video.decoding import LONGEST, DecodeOptions
from lrcn_data.video.limits import DEFAULT_HOURS, Limits
from lrcn_model.predicting.frame_pictures import write_frame_pictures
from lrcn_model.predicting.predict import PredictProgress, predict, predict_videos
from lrcn_model.scoring.trained_run import TrainedRun, load_run
from lrcn_model.serving.predict_setup import PICTURES, RESULT, VIDEO, PredictJob, PredictSetup
from lrcn_model.serving.result import FrameTable, result_of

_LARGEST_FILE = 1 << 30
"""The most bytes of a file that this process may write."""

_LONGEST_ERROR = 500

Say = Callable[..., None]


def main() -> None:
    """Serve until stdin ends."""
    say = _messages()
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    setup = PredictSetup.from_line(sys.stdin.readline())
    try:
        run = load_run(setup.run, plugins=setup.plugins, device=setup.device)
        # no video: what is wrong with the values is said now
        list(predict_videos(run, [], timeline=True, **setup.values))
    except LrcnError as error:
        say(kind="refused", error=str(error), exit_code=error.exit_code)
        return
    if run.processor.device.type == "cpu":
        # a GPU's driver maps far more than it uses
        limit_memory()
    say(kind="ready", fps=float(run.facts.fps), classes=run.facts.classes)
    for line in sys.stdin:
        job = PredictJob.from_line(line)
        try:
            _do(run, setup, job, say)
        except LrcnError as error:
            say(kind="failed", error=str(error)[:_LONGEST_ERROR])
        except Exception as error:
            # what it was at may have left anything behind: another process goes on
            traceback.print_exc()
            text = f"it can't be predicted: {error!r}"[:_LONGEST_ERROR]
            say(kind="failed", error=text, ends=True)
            sys.exit(1)
        else:
            say(kind="done")


def _messages() -> Say:
    """Take stdout for messages alone; what libraries print goes to stderr."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(**message: Any) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    return say


def _do(run: TrainedRun, setup: PredictSetup, job: PredictJob, say: Say) -> None:
    table = FrameTable(len(run.facts.classes))

    def on_progress(progress: PredictProgress) -> None:
        say(kind="progress", seconds=progress.seconds, duration=progress.duration)

    folder = Path(job.folder)
    video = os.fspath(folder / VIDEO)
    prediction = predict(
        run,
        video,
        timeline=True,
        on_progress=on_progress,
        on_frame=table.add,
        **setup.values,
    )
    prediction = replace(prediction, video=job.name)
    pictures = _pictures(run, setup, video, folder / PICTURES) if job.pictures else None
    result = result_of(prediction, table, run.facts.classes, pictures=pictures)
    text = json.dumps({"kind": "result", **result}, ensure_ascii=False)
    (folder / RESULT).write_text(text, encoding="utf-8", errors="backslashreplace")


def _pictures(run: TrainedRun, setup: PredictSetup, video: str, folder: Path) -> list[float]:
    folder.mkdir()
    return write_frame_pictures(
        video,
        folder,
        fps=run.facts.fps,
        decoder=setup.values.get("decoder", "av"),
        decode=DecodeOptions(
            limits=Limits.of_hours(setup.values.get("max_hours", DEFAULT_HOURS)),
            # the server ends what takes too long
            timeout=LONGEST,
        ),
    )


if __name__ == "__main__":
    main()
