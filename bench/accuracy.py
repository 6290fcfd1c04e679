"""From videos to scores: shards, trains a preset on every split, and says how right it is.

    python bench/accuracy.py PRESET VIDEOS LISTS [--seeds 3] [--against X=Y] [-- SHARD OPTIONS]

PRESET is the name of one in configs/, or a TOML file. VIDEOS is the folder that paths in lists are
relative to. LISTS is a folder: of an official split (UCF-101's, HMDB51's), of which those videos
are taken that VIDEOS has, with a warning where it lacks others of their classes; or with a
train.txt and a test.txt; or with several such folders in it, as `lrcn-data lists` writes them with
--folds and --leave-one-group-out. SHARD OPTIONS are those of `lrcn-data shard`; without any, those
are taken that the preset is meant for, and so is --views.

Every video is sharded once: videos that are in the same lists of all splits make a data set.
Nothing is chosen by a score: the weights after the last epoch are tested. A test video that gave no
clip is wrong. Intervals are of 95 %, by bootstrap over the test videos (percentiles), of which each
counts with its mean over the seeds.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from compare import processor_name

from lrcn_data import LrcnError, UsageError, make_lists
from lrcn_data.lists.make_lists import keep_present
from lrcn_data.lists.official_splits import read_official
from lrcn_data.lists.read_lists import read_lists
from lrcn_model import evaluate, train
from lrcn_model.figures.intervals import intervals, mean_of
from lrcn_model.scoring.compare import Agreement

SHARDS = {
    "pretrained": "--fps 12.5 --seq-len 16 --clips 2 --short pad",
    "small-data": "--fps 5 --seq-len 8 --clips 4 --short pad --size 160x120",
}
"""What shards the presets are meant for, as options of `lrcn-data shard`."""

VIEWS = {"small-data": "flip"}
"""With which views the presets are meant to be evaluated, where it isn't the frame as it is."""

OFFICIAL_SPLITS = (1, 2, 3)

Lists = Mapping[str, Mapping[str, str]]
"""The class of each video by its path, for `train` and for `test`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How many test videos are recognized.

    Attributes:
        accuracy: The fraction, over all splits and seeds.
        low: The lower end of its interval.
        high: The upper end.
        seeds: The fraction of each seed, over all splits.
        splits: The fraction of each split, over all seeds.
    """

    accuracy: float
    low: float
    high: float
    seeds: list[float]
    splits: dict[str, float]


def read_splits(folder: Path, videos: Path) -> dict[str, Lists]:
    """The lists of each split that a folder holds, by the split's name."""
    if read_official(folder, 1) is not None:
        return {f"split {number}": official(folder, number, videos) for number in OFFICIAL_SPLITS}
    if (folder / "test.txt").exists():
        return {folder.name: own(folder, videos)}
    found = {path.parent.name: own(path.parent, videos) for path in folder.glob("*/test.txt")}
    if not found:
        raise UsageError(f"{folder} has neither an official split nor a test.txt; name another")
    return dict(sorted(found.items()))


def official(folder: Path, split: int, videos: Path) -> Lists:
    every = make_lists(folder, official_split=split)
    made = keep_present(every, str(videos))
    taken = {video.class_name for video in made.videos}
    listed = Counter(video.split for video in every.videos if video.class_name in taken)
    there = Counter(video.split for video in made.videos)
    for name, count in listed.items():
        if there[name] < count:
            print(
                f"warning: split {split}: {there[name]} of the {count} {name} videos of these"
                f" {len(taken)} classes are under {videos}; the others count nowhere",
                file=sys.stderr,
            )
    for name in ("train", "test"):
        if not there[name]:
            raise UsageError(f"{videos} has no {name} video of split {split} in {folder}")
    lists: dict[str, dict[str, str]] = {"train": {}, "test": {}}
    for video in made.videos:
        lists[video.split][video.path] = video.class_name
    return lists


def own(folder: Path, videos: Path) -> Lists:
    paths = {split: folder / f"{split}.txt" for split in ("train", "test")}
    read = read_lists(paths, root=videos, classes=existing(folder / "classes.txt"))
    lists: dict[str, dict[str, str]] = {"train": {}, "test": {}}
    for entry in read.entries:
        lists[entry.split][entry.path] = read.classes[entry.label]
    return lists


def existing(path: Path) -> Path | None:
    return path if path.exists() else None


def shard_once(
    splits: Mapping[str, Lists], videos: Path, out: Path, options: Sequence[str]
) -> dict[str, list[str]]:
    """Shard each video once; the patterns of the shards to train on and to test, by their list."""
    classes, uses = dict[str, str](), defaultdict[str, list[str]](list)
    for name, lists in splits.items():
        for use, listed in lists.items():
            classes |= listed
            for video in listed:
                uses[video].append(f"{name} {use}")
    names = out / "classes.txt"
    names.write_text("".join(f"{name}\n" for name in sorted(set(classes.values()))))
    together = defaultdict[tuple[str, ...], list[str]](list)
    for video, its_uses in uses.items():
        together[tuple(its_uses)].append(video)
    patterns = defaultdict[str, list[str]](list)
    for number, (of, listed) in enumerate(together.items()):
        path, folder = out / f"list-{number}.txt", out / f"shards-{number}"
        path.write_text("".join(f"{video} {classes[video]}\n" for video in sorted(listed)))
        command = ["lrcn-data", "shard", "--root", videos, "--train", path, "--classes", names]
        # whether too many are damaged, a small part of them doesn't tell
        command += ["--out", folder, "--allow-one-class", "--max-bad-fraction", "1", *options]
        run(command)
        for use in of:
            patterns[use].append(f"{folder}/train-*.tar")
    return patterns


def run(command: Sequence[str | Path]) -> None:
    """Run one of lrcn's commands quietly, as a user would."""
    program = Path(sys.executable).with_name(str(command[0]))
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"{' '.join(map(str, command))} failed: {done.stderr.strip()}")


def recognized(
    splits: Mapping[str, Lists],
    patterns: Mapping[str, list[str]],
    out: Path,
    values: Mapping[str, Any],
    seed: int,
    views: str,
) -> dict[str, dict[str, bool]]:
    """Train on each split, and say for each of its test videos whether it is recognized."""
    found = {}
    for name, lists in splits.items():
        folder = out / "-".join([name, str(seed), *map(str, values.values())])
        train(patterns[f"{name} train"], out=folder, seed=seed, **values)
        scored = evaluate(folder, patterns[f"{name} test"], views=views)
        right = {video.video: video.recognized == video.classes for video in scored.videos}
        found[name] = {video: right.get(video, False) for video in lists["test"]}
    return found


def score(by_seed: Sequence[Mapping[str, Mapping[str, bool]]]) -> Score:
    right_SV = rights(by_seed)
    low, high = interval(right_SV.mean(axis=0))
    by_split = {
        name: float(np.mean([list(found[name].values()) for found in by_seed]))
        for name in by_seed[0]
    }
    return Score(
        accuracy=float(right_SV.mean()),
        low=low,
        high=high,
        seeds=right_SV.mean(axis=1).tolist(),
        splits=by_split,
    )


def rights(by_seed: Sequence[Mapping[str, Mapping[str, bool]]]) -> np.ndarray:
    """1 where a seed's net (rows) recognizes a test video of a split (columns), float64."""
    rows = [[right for split in found.values() for right in split.values()] for found in by_seed]
    return np.array(rows, np.float64)


def interval(values_V: np.ndarray) -> tuple[float, float]:
    """The interval of a mean over videos."""
    found = intervals({"mean": mean_of(values_V)}, len(values_V))["mean"]
    return found.low, found.high


def difference(one_SV: np.ndarray, other_SV: np.ndarray) -> dict[str, float]:
    """How much more often one is right than the other, paired by video, and McNemar's p-value.

    McNemar's test is exact, over all pairs of seeds of the same number: it counts a video once for
    each seed, and so is too sure where there are several.
    """
    low, high = interval((one_SV - other_SV).mean(axis=0))
    agreement = Agreement(
        both=int((one_SV * other_SV).sum()),
        only_first=int((one_SV > other_SV).sum()),
        only_second=int((one_SV < other_SV).sum()),
        neither=int(((1 - one_SV) * (1 - other_SV)).sum()),
    )
    mean = float((one_SV - other_SV).mean())
    return {"difference": mean, "low": low, "high": high, "mcnemar_p": agreement.p_value}


def value_of(against: str, text: str) -> Any:
    """The value of an option as TOML has it: a number, true or false, a list; else a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        if not text:
            raise UsageError(f"--against {against} has no value; give NAME=VALUE") from None
        return text


def percent(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.1%}" for value in values)


def at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments before `--`, and those behind it."""
    place = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:place], arguments[place + 1 :]


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument(
        "--views", help="as lrcn-eval takes them; by default as the preset is meant"
    )
    parser.add_argument(
        "--against",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="also train with another value of an option, such as head=mean; may be given several"
        " times",
    )
    run_measure(parser, measure, text)


def new_parser(document: str) -> argparse.ArgumentParser:
    """A parser of what goes from videos to scores, by the module's text."""
    parser = argparse.ArgumentParser(
        description=document.partition("\n")[0],
        epilog="What follows -- are options of lrcn-data shard.",
    )
    parser.add_argument("preset", help="a name in configs/, or a TOML file")
    parser.add_argument("videos", type=Path, help="the folder that paths in lists are relative to")
    parser.add_argument("lists", type=Path, help="a folder of lists")
    parser.add_argument("--seeds", type=positive, default=3, help="trainings of each split")
    parser.add_argument("--keep", type=Path, help="the folder for shards and runs, to keep them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def positive(text: str) -> int:
    """A number of at least 1."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def run_measure(
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace, Sequence[str], Path], dict],
    text: Callable[[Mapping], str],
) -> None:
    """Read the command line, measure in a folder that is kept or not, and print the report."""
    ours, shard_options = at_dashes(sys.argv[1:])
    given = parser.parse_args(ours)
    logging.captureWarnings(True)
    with tempfile.TemporaryDirectory() as temporary:
        out = given.keep or Path(temporary)
        out.mkdir(parents=True, exist_ok=True)
        try:
            report = measure(given, shard_options, out)
        except LrcnError as error:
            sys.exit(f"error: {error}")
    print(json.dumps(report, indent=1) if given.json else text(report))


def measure(given: argparse.Namespace, shard_options: Sequence[str], out: Path) -> dict:
    began = time.perf_counter()
    preset = Path(given.preset).stem
    options = shard_options or SHARDS.get(preset, "").split()
    views = given.views or VIEWS.get(preset, "whole")
    splits = read_splits(given.lists, given.videos)
    patterns = shard_once(splits, given.videos, out, options)
    sharded = time.perf_counter()
    ways: dict[str, dict[str, Any]] = {"preset": {}}
    for against in given.against:
        option, _, value = against.partition("=")
        ways[against] = {option: value_of(against, value)}
    found, seconds = {}, {"shard": sharded - began}
    for name, values in ways.items():
        start = time.perf_counter()
        found[name] = [
            recognized(
                splits,
                patterns,
                out / "runs",
                {"config": given.preset, **values},
                seed,
                views,
            )
            for seed in range(given.seeds)
        ]
        seconds[f"train and test, {name}"] = time.perf_counter() - start
    report = {
        "preset": given.preset,
        "shard_options": options,
        "views": views,
        "machine": processor_name(),
        "seeds": given.seeds,
        "test_videos": sum(len(lists["test"]) for lists in splits.values()),
        "scores": {name: asdict(score(by_seed)) for name, by_seed in found.items()},
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }
    report["paired"] = {
        name: difference(rights(found["preset"]), rights(found[name])) for name in given.against
    }
    return report


def text(report: Mapping) -> str:
    lines = [
        f"{report['preset']}, shards with {' '.join(report['shard_options']) or 'the defaults'}:"
        f" {report['test_videos']} test videos, {report['seeds']} seeds"
    ]
    for name, found in report["scores"].items():
        lines += [
            f"{name}: {found['accuracy']:.1%} ({found['low']:.1%} to {found['high']:.1%});"
            f" seeds {percent(found['seeds'])};"
            f" splits {percent(found['splits'].values())}"
        ]
    for name, paired in report["paired"].items():
        lines += [
            f"the preset less {name}: {paired['difference']:+.1%} ({paired['low']:+.1%} to"
            f" {paired['high']:+.1%}), McNemar's p {paired['mcnemar_p']:.2g}"
        ]
    lines += [f"{name}: {seconds:.0f} s" for name, seconds in report["seconds"].items()]
    return "\n".join([*lines, report["machine"]])


if __name__ == "__main__":
    main()
