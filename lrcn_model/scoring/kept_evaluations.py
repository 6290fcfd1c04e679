"""The evaluations that are kept in a run's folder, each in two files.

evaluations/
  test-log-probs-1a2b3c4d.json   what was scored, with what, and all figures
  test-log-probs-1a2b3c4d.npz    the scores of each video and of each frame

The name says which split was scored, in which views unless clips were whole, and which scores were
averaged; its digits stand for all that decides the figures: the shards, the run's weights, and the
options. So the same evaluation replaces itself, and another one lies beside it. The .json is
written last, and goes first: an evaluation is there whole or not at all.

The .json is an object:

  version    1
  run        what the run was called when it was evaluated
  weights    the epoch, the step and the validation that the run's weights were kept for
  made       time (UTC), seconds, command, device, precision, versions of lrcn and torch
  figures    all that `lrcn-eval --json` prints
  data       shards: for each one scored its file, split and sha256
  scores     file and sha256 of the .npz

The .npz has these arrays, which `numpy.load` reads (V videos, N clips, T frames, C classes):

  videos         text (V,)            the path of each video, as its list had it
  video_sources  text (V,)            which file it is, as a number of `lrcn_data.format.sources`
  video_classes  bool (V, C)          the classes that it has
  video_scores   float64 (V, C)       the mean of its frames' scores
  video_frames   int64 (V,)           the number of frames that this is over
  clip_keys      text (N,)            the name of each clip in its shard
  clip_videos    int64 (N,)           the row of its video
  num_valid      int32 (N,)           the number of its real frames; the others repeat the last one,
                                      or, of a clip with fewer frames, are only filled up with nan
  frame_classes  int32 (N, T)         the class of each frame; -1 where it has none
  frame_scores   float16 (N, T, C)    the scores of each frame, averaged over the views

Scores are what is averaged: logarithms of probabilities, probabilities, or, where clips have
several labels, logarithms of odds.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.json_text import dump_json
from lrcn_model.processor import Processor
from lrcn_model.run_folder import RunFolder, run_file
from lrcn_model.scoring.evaluation import Evaluation, ScoredShard
from lrcn_model.scoring.frame_scores import Array
from lrcn_model.scoring.label_kinds import AnyVideoScores, is_of_sets
from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.set_scorer import (
    SetVideoScores,
    class_numbers,
    recognized_classes,
    set_matrix,
)
from lrcn_model.scoring.views import WHOLE

_VERSION = 1

_RECORD, _SCORES = ".json", ".npz"


def keep_evaluation(
    folder: RunFolder,
    found: Evaluation,
    frames: Mapping[str, Array],
    *,
    processor: Processor,
    seconds: float,
    path: Path | None = None,
) -> Path:
    """Write an evaluation into the folder of its run, in place of the same one of before.

    Args:
        folder: The run's folder, on this machine.
        found: The evaluation.
        frames: The arrays of its clips and frames, as `FrameScores.arrays` gives them.
        processor: The processor that the net was run on.
        seconds: The time that scoring took.
        path: The .json to write; None for one of the run's evaluations, named as is said above.

    Returns:
        The path of its .json.

    Raises:
        LrcnError: It can't be written.
    """
    decides = {
        "average": found.average,
        "views": found.views.name,
        "crop": found.views.cuts,
    }
    views = [found.views.name] if found.views.name != WHOLE else []
    record = {
        "run": found.run,
        "weights": dict(found.weights),
        "made": circumstances(processor, seconds),
        "figures": found.report(),
    }
    name = evaluation_name(
        found.shards, found.weights, processor.precision, [*views, found.average], decides
    )
    path = path or folder.evaluations / f"{name}{_RECORD}"
    return write_evaluation(path, record, found.shards, {**_video_arrays(found), **frames})


def write_evaluation(
    path: Path,
    record: Mapping[str, Any],
    shards: Sequence[ScoredShard],
    arrays: Mapping[str, Any],
) -> Path:
    """Write the two files of an evaluation, in place of the same one of before.

    Args:
        path: The path of the .json; the .npz lies beside it.
        record: What the .json has beside the shards and the name of the .npz.
        shards: The shards that were scored.
        arrays: What the .npz has.

    Returns:
        The path of the .json.

    Raises:
        LrcnError: A file can't be written.
    """
    scores = path.with_suffix(_SCORES)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise LrcnError(f"{path.parent} can't be made: {error.strerror}") from error
    with run_file(scores) as file:
        np.savez(file, **arrays)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        # it is of other scores from here on
        path.unlink(missing_ok=True)
    whole = {
        "version": _VERSION,
        **record,
        "data": {"shards": [shard._asdict() for shard in shards]},
        "scores": {"file": scores.name, "sha256": sha256},
    }
    with run_file(path) as file:
        file.write(dump_json(whole))
    return path


def read_evaluation(path: str | os.PathLike[str]) -> Evaluation:
    """Read an evaluation that was kept.

    Args:
        path: The path of its .json.

    Raises:
        UsageError: It is of labels in time; `find_evaluation` reads those too.
        LrcnError: It is no such file, is damaged, or was written by a later version.
    """
    path = Path(path)
    record = read_record(path)
    if "kind" in record:
        raise UsageError(
            f"{path} is of labels in time, which read_evaluation() doesn't read; use"
            " find_evaluation()"
        )
    with as_kept(path):
        arrays, report = load_arrays(path, record["scores"], "video"), record["figures"]
        return Evaluation.from_report(
            report,
            run=record["run"],
            weights=record["weights"],
            shards=[ScoredShard(**shard) for shard in record["data"]["shards"]],
            videos=_video_scores(arrays, report),
            kept=path,
        )


def kept_evaluations(folder: RunFolder) -> list[Path]:
    """The paths of the .json files of a run's evaluations, in order."""
    return sorted(folder.evaluations.glob(f"*{_RECORD}"))


def read_record(path: Path) -> dict[str, Any]:
    """What the .json of an evaluation says.

    Raises:
        LrcnError: It can't be read, is no JSON object of that kind, or was written by a later
            version.
    """
    with as_kept(path):
        record: dict[str, Any] = json.loads(path.read_bytes())
        if record["version"] > _VERSION:
            raise LrcnError(
                f"{path} has version {record['version']}, this lrcn reads up to {_VERSION};"
                " upgrade lrcn"
            )
        return record


@contextmanager
def as_kept(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the files of an evaluation into an error that names them.

    Args:
        path: The path of its .json.

    Raises:
        LrcnError: A file can't be read, or isn't as it was written.
    """
    try:
        yield
    except OSError as error:
        raise LrcnError(
            f"{error.filename or path} can't be read: {error.strerror or error}"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LrcnError(
            f"{path} is no evaluation as lrcn-eval keeps it ({error!r}); evaluate the run again"
        ) from error


def evaluation_name(
    shards: Sequence[ScoredShard],
    weights: Mapping[str, Any],
    precision: str,
    words: Sequence[str],
    decides: Mapping[str, Any],
) -> str:
    """What an evaluation's files are called: all that decides its figures decides the name.

    Args:
        shards: The shards that were scored.
        weights: What the run's weights stand for.
        precision: The precision that the net was computed in.
        words: Words of the name, behind the splits.
        decides: What else decides the figures.
    """
    everything = {
        "shards": sorted(shard.sha256 for shard in shards),
        "weights": dict(weights),
        **decides,
        "precision": precision,
    }
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    splits = "+".join(sorted({shard.split for shard in shards}))
    return "-".join([splits, *words, digest[:8]])


def circumstances(processor: Processor, seconds: float) -> dict[str, Any]:
    """What made an evaluation, and when, for people to read."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "command": sys.argv,
        "device": processor.name,
        "precision": processor.precision,
        "lrcn": version("lrcn"),
        "torch": torch.__version__,
    }


def _video_arrays(found: Evaluation) -> dict[str, Any]:
    videos = found.videos
    return {
        "videos": np.array([video.video for video in videos]),
        "video_sources": np.array([str(video.source) for video in videos]),
        "video_classes": set_matrix([video.classes for video in videos], len(found.classes)),
        "video_scores": np.array([video.scores for video in videos]),
        "video_frames": np.array([video.frames for video in videos]),
    }


def load_arrays(path: Path, scores: Mapping[str, str], beginning: str) -> dict[str, Array]:
    """Arrays of an evaluation, after checking that the file is the one that was written.

    Args:
        path: The path of the .json.
        scores: What the .json says of the .npz.
        beginning: What the names of the wanted arrays begin with.

    Raises:
        LrcnError: It is another file.
    """
    # a name alone, wherever the record may point
    location = path.parent / Path(scores["file"]).name
    with location.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != scores["sha256"]:
            raise LrcnError(
                f"{location} is not the file that {path.name} was written with; evaluate the run"
                " again"
            )
        file.seek(0)
        arrays = np.load(file, allow_pickle=False)
        return {name: arrays[name] for name in arrays.files if name.startswith(beginning)}


def _video_scores(arrays: Mapping[str, Array], report: Mapping[str, Any]) -> list[AnyVideoScores]:
    """The scores of videos as they were before they were kept."""
    facts = zip(
        arrays["videos"].tolist(),
        map(int, arrays["video_sources"]),
        map(class_numbers, arrays["video_classes"]),
        arrays["video_scores"],
        arrays["video_frames"].tolist(),
        strict=True,
    )
    if is_of_sets(report):
        return [
            SetVideoScores(
                video=video,
                source=source,
                classes=classes,
                recognized=recognized_classes(scores, report["average"]),
                frames=frames,
                scores=scores,
            )
            for video, source, classes, scores, frames in facts
        ]
    return [
        VideoScores(
            video=video,
            source=source,
            label=classes[0],
            predicted=int(scores.argmax()),
            frames=frames,
            scores=scores,
        )
        for video, source, classes, scores, frames in facts
    ]
