"""From videos with labels in time to scores: shards, trains a preset on every split, and scores it.

    python bench/detection.py PRESET VIDEOS LISTS [--seeds 3] [--against-frames] [--alarm CLASS]
        [--json] [-- SHARD OPTIONS]

PRESET is the name of one in configs/, or a TOML file. VIDEOS is the folder that paths in lists are
relative to. LISTS is a folder with a train.csv and a test.csv; or with several such folders in it,
as `lrcn-data lists --folds` writes them: then every video is in one of the test lists, and a fold
is trained on the test lists of all others. SHARD OPTIONS are those of `lrcn-data shard`.

Nothing is chosen by a score: the weights after the last epoch are tested. Figures are those of the
test videos of all folds together, for each seed; intervals are of 95 %, by bootstrap over them.
With --against-frames the same is trained with --head none, which judges each frame by itself, and
the difference has an interval for which both have the same videos in every draw.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from accuracy import new_parser, run, run_measure
from compare import processor_name

from lrcn_data import UsageError
from lrcn_model import evaluate_in_time, train
from lrcn_model.detection.alarms import Alarm
from lrcn_model.detection.detection_comparison import compare_detection
from lrcn_model.detection.detection_result import detection_result
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.scoring.summary_in_time import FIGURES

SHARDS = [
    "--fps",
    "10",
    "--sampling",
    "windows",
    "--seq-len",
    "16",
    "--stride",
    "16",
    "--short",
    "pad",
]
"""Every frame at 10 a second, once."""

Split = tuple[list[str], list[str]]
"""The patterns of the shards to train on, and of those to test."""


def shard(listed: Path, classes: Path, videos: Path, out: Path, options: Sequence[str]) -> str:
    command = ["lrcn-data", "shard", "--root", videos, "--train", listed, "--classes", classes]
    run([*command, "--out", out, *options])
    return f"{out}/train-*.tar"


def splits(lists: Path, videos: Path, out: Path, options: Sequence[str]) -> dict[str, Split]:
    """Shard each list once; the shards of each split, by its name."""
    if (lists / "test.csv").exists():
        patterns = {
            use: shard(lists / f"{use}.csv", lists / "classes.txt", videos, out / use, options)
            for use in ("train", "test")
        }
        return {lists.name: ([patterns["train"]], [patterns["test"]])}
    folds = sorted(path.parent for path in lists.glob("*/test.csv"))
    if not folds:
        raise UsageError(f"{lists} has no test.csv, nor has a folder in it; name another")
    patterns = {
        fold.name: shard(
            fold / "test.csv", fold / "classes.txt", videos, out / f"shards-{fold.name}", options
        )
        for fold in folds
    }
    return {
        name: ([other for one, other in patterns.items() if one != name], [tested])
        for name, tested in patterns.items()
    }


def tracks_of(
    found: Mapping[str, Split], out: Path, values: Mapping[str, str], seed: int
) -> list[FrameTrack]:
    """Train on each split, and score the frames of its test videos."""
    tracks: list[FrameTrack] = []
    for name, (trained, tested) in found.items():
        folder = out / f"{name}-{seed}-{values.get('head', '')}"
        train(trained, out=folder, seed=seed, **values)
        tracks += evaluate_in_time(folder, tested).tracks
    return tracks


def measure(given: argparse.Namespace, shard_options: Sequence[str], out: Path) -> dict:
    began = time.perf_counter()
    found = splits(given.lists, given.videos, out, shard_options or SHARDS)
    seconds = {"shard": time.perf_counter() - began}
    first = next(iter(given.lists.glob("**/classes.txt")))
    classes = first.read_text().split("\n")[:-1]
    alarm = Alarm(label=classes.index(given.alarm)) if given.alarm else None
    heads: dict[str, dict] = {"preset": {}}
    if given.against_frames:
        heads["frame by frame"] = {"head": "none"}
    by_head: dict[str, list[list[FrameTrack]]] = {}
    for name, values in heads.items():
        start = time.perf_counter()
        by_head[name] = [
            tracks_of(found, out / "runs", {"config": given.preset, **values}, seed)
            for seed in range(given.seeds)
        ]
        seconds[f"train and test, {name}"] = time.perf_counter() - start
    scores = {
        name: [detection_result(tracks, alarm=alarm).report() for tracks in of_seeds]
        for name, of_seeds in by_head.items()
    }
    report = {
        "preset": given.preset,
        "shard_options": shard_options or SHARDS,
        "machine": processor_name(),
        "scores": scores,
        "medians": {
            name: {
                figure: float(np.median([one[figure] for one in of_seeds])) for figure in FIGURES
            }
            for name, of_seeds in scores.items()
        },
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }
    if given.against_frames:
        pairs = zip(by_head["preset"], by_head["frame by frame"], strict=True)
        report["differences"] = [compare_detection(*pair).report() for pair in pairs]
    return report


def text(report: Mapping) -> str:
    lines = [f"{report['preset']}, shards with {' '.join(report['shard_options'])}"]
    for name, of_seeds in report["scores"].items():
        lines.append(f"{name}: {of_seeds[0]['videos']} videos, {len(of_seeds)} seeds")
        for figure in FIGURES:
            values = ", ".join(f"{one[figure]:.1%}" for one in of_seeds)
            low, high = of_seeds[0]["intervals"][figure]
            median = report["medians"][name][figure]
            lines.append(
                f"  {figure}: {median:.1%} (seeds {values}; of seed 0 {low:.1%} to {high:.1%})"
            )
        for one in of_seeds:
            if alarm := one["alarm"]:
                lines.append(
                    f"  alarms: {alarm['detected']} of {alarm['segments']} detected, onset delay"
                    f" {alarm['delay_mean']:.2f} s mean, {alarm['delay_median']:.2f} s median,"
                    f" {alarm['false_alarms']} false in {alarm['hours']:.3f} hours"
                )
    for seed, difference in enumerate(report.get("differences", [])):
        for figure in ("frame_map", "f1_50"):
            low, high = difference["intervals"][figure]
            value = difference["differences"][figure]
            lines.append(f"seed {seed}, {figure}: {value:+.1%} ({low:+.1%} to {high:+.1%})")
    lines += [f"{name}: {seconds:.0f} s" for name, seconds in report["seconds"].items()]
    return "\n".join([*lines, report["machine"]])


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--alarm", help="the class whose onset delay and false alarms are counted")
    parser.add_argument("--against-frames", action="store_true", help="also train --head none")
    run_measure(parser, measure, text)


if __name__ == "__main__":
    main()
