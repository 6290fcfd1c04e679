"""How videos of a class that a net never saw fare, before and after calibration.

    python bench/left_out_class.py FOLDER_OF_CLASSES [--epochs 10]

The folder has a folder for each class, with videos named as UCF-101's (..._g08_c01.avi). Each class
is left out in turn: a small net is trained on the others, on all groups but three; two of these
validate and calibrate it, one tests it, and all videos of the class left out are predicted. Pooled
over all turns: how many videos are answered with each --min-score, and how many rightly.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrcn_data import make_shards
from lrcn_model import Prediction, TrainedRun, evaluate, load_run, predict_videos, train
from lrcn_model.scoring.calibration import (
    at_temperature,
    calibration_figures,
    labels_of,
    log_probabilities,
)

GROUP = re.compile(r"_(g\d+)_")
VAL, TEST = 2, 1
"""The groups that validate and that test."""

THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a net says that never saw one of the classes.

    Attributes:
        log_probs_VC: Its log-probabilities of the videos that test it, by `lrcn-eval`.
        labels_V: Their classes.
        known: The probability of the class that each of them is predicted as, and whether it is
            right.
        unknown: The probability of the class that each video of the class left out is predicted as.
    """

    log_probs_VC: np.ndarray
    labels_V: np.ndarray
    known: list[tuple[float, bool]]
    unknown: list[float]


def write_lists(folder: Path, videos: list[Path], root: Path, groups: list[str]) -> None:
    splits = {
        "val": groups[:VAL],
        "test": groups[VAL : VAL + TEST],
        "train": groups[VAL + TEST :],
    }
    for split, own in splits.items():
        lines = [
            f"{video.relative_to(root)} {video.parent.name}\n"
            for video in videos
            if group_of(video) in own
        ]
        (folder / f"{split}.txt").write_text("".join(lines))


def group_of(video: Path) -> str:
    match = GROUP.search(video.name)
    assert match, f"{video} has no group in its name"
    return match[1]


def answers(run: TrainedRun, videos: Iterable[Path]) -> list[tuple[float, bool]]:
    found: list[Prediction] = list(predict_videos(run, videos, top=1))
    return [(p.guesses[0].probability, p.class_name == Path(p.video).parent.name) for p in found]


def take_turn(root: Path, left_out: Path, epochs: int) -> list[Turn]:
    """Train without a class; the net with its own probabilities, and with calibrated ones."""
    videos = sorted(root.glob("*/*.avi"))
    known = [video for video in videos if video.parent != left_out]
    unknown = [video for video in videos if video.parent == left_out]
    groups = sorted({group_of(video) for video in videos})
    test = [video for video in known if group_of(video) in groups[VAL : VAL + TEST]]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_lists(folder, known, root, groups)
        lists = {split: folder / f"{split}.txt" for split in ("train", "val", "test")}
        shards = folder / "shards"
        make_shards(shards, **lists, root=root, fps=5, seq_len=8, clips=2, size=(160, 120))
        pattern = str(shards / "{}-*.tar")
        outcome = train(
            pattern.format("train"),
            val_shards=pattern.format("val"),
            out=folder / "run",
            cnn="small",
            size=(80, 80),
            epochs=epochs,
            batch_size=4,
        )
        run = load_run(outcome.folder)
        found = evaluate(run, pattern.format("test"))
    print(
        f"without {left_out.name}: {len(found.videos)} videos to test, accuracy"
        f" {found.result.accuracy:.1%}, temperature {found.temperature:.2f}",
        flush=True,
    )
    return [
        Turn(
            at_temperature(log_probabilities(found.videos, found.average), temperature),
            labels_of(found.videos),
            answers(each, test),
            [probability for probability, _ in answers(each, unknown)],
        )
        for temperature, each in (
            (1.0, replace(run, facts=replace(run.facts, calibration=None))),
            (found.temperature, run),
        )
    ]


def show(name: str, turns: list[Turn]) -> None:
    known = [pair for turn in turns for pair in turn.known]
    unknown = [probability for turn in turns for probability in turn.unknown]
    figures = calibration_figures(
        np.concatenate([turn.log_probs_VC for turn in turns]),
        np.concatenate([turn.labels_V for turn in turns]),
    )
    print(f"\n{name}: NLL {figures.nll:.3f}, ECE {figures.ece:.1%}")
    print(f"{len(known)} videos of known classes, {len(unknown)} of classes left out")
    print("| --min-score | known, answered | of these right | left out, answered |")
    print("|---|---|---|---|")
    for least in THRESHOLDS:
        answered = [right for probability, right in known if probability >= least]
        wrongly = sum(probability >= least for probability in unknown)
        right = f"{np.mean(answered):.0%}" if answered else "-"
        share = f"{len(answered) / len(known):.0%}"
        print(f"| {least} | {share} | {right} | {wrongly / len(unknown):.0%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    root = options.folder.resolve()
    classes = sorted(path for path in root.iterdir() if path.is_dir())
    turns = [take_turn(root, left_out, options.epochs) for left_out in classes]
    show("the net's own probabilities", [own for own, _ in turns])
    show("calibrated", [calibrated for _, calibrated in turns])


if __name__ == "__main__":
    main()
