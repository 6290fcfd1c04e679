"""Whether two revisions train, resume, score and predict the same, bit for bit on a CPU."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from revision import CommandFailed
from safetensors import safe_open
from same_rows import Facts, Pair, Row, Side, at_once, compare, compare_groups, find_videos
from same_shards import PLAIN

_SMALL = "--cnn small --batch-size 2 --dropout 0.5"
"""The small net with the values that it had where none were given, before it had its own."""

TRAININGS = {
    "paper": "--cnn paper",
    "paper with all that is random": "--cnn paper --seed 1 --crop 0.2 --flip 0.5 --jitter 0.3"
    " --dropout 0.3 --ema 0.9 --label-smoothing 0.1 --lr-schedule cosine --warmup 5",
    "small": f"{_SMALL} --lr 5e-5",
    "small with other values": f"{_SMALL} --seed 1 --optimizer sgd --lr 1e-3 --accumulate 2"
    " --clip-grad 1 --weight-decay 1e-4 --balanced --epochs 2 --lr-decay-every 1",
    "without LSTM": f"{_SMALL} --lr 5e-5 --lstm-hidden 0 --mean channel --seed 1",
    "through webdataset": f"{_SMALL} --lr 5e-5 --reader webdataset --mean none --average probs",
    "with reading processes and bf16": f"{_SMALL} --lr 5e-5 --workers 2 --amp bf16"
    " --shuffle-window 2",
}
"""Options of `lrcn-train`. An epoch has 48 steps of two clips."""

_COMMON = "--device cpu --size 48x48 --epochs 1 --workers 0 --log-every 1 --checkpoint-every 7"
_KILLED = "paper with all that is random"
_LEFT_OUT = ("seconds", "clips_per_s", "kind")
"""Values of metrics.jsonl that are never the same, and the one that the base's lines lack."""

_KILLED_AT, _KEPT = 20, 14
"""Steps after which a training is killed, and those of them that an earlier checkpoint holds."""

_PREDICTED = 4
"""How many videos of a folder are predicted."""


def check_training(pair: Pair) -> Iterator[Row]:
    """Losses, names, values and weights of trainings."""
    for name, options in TRAININGS.items():

        def train(side: Side, name: str = name, options: str = options) -> dict[str, Facts]:
            return run_facts(_train(pair, side, folder_of(side, name), options.split()))

        yield from compare_groups(f"training, {name}", *pair.both(train))


def check_killed_training(pair: Pair) -> Iterator[Row]:
    """Trainings that the base was killed at are ended by the new one as if nothing had been."""
    uninterrupted = run_facts(run_of(folder_of(pair.base, _KILLED)))
    kinds = (signal.SIGTERM, signal.SIGKILL)
    resumed = at_once(*(lambda kind=kind: _kill_and_resume(pair, kind) for kind in kinds))
    for kind, (run, kept) in zip(kinds, resumed, strict=True):
        what = f"training of the base, {kind.name}, ended by the new"
        yield from compare_groups(what, uninterrupted, run_facts(run))
        now = run.joinpath("metrics.jsonl").read_text().splitlines(keepends=True)[:_KEPT]
        facts = (dict(enumerate(lines, 1)) for lines in (kept, now))
        yield compare(f"{what}: lines kept", *facts, "lines with their times")


def check_scores(pair: Pair) -> Iterator[Row]:
    """Finished runs of the base are scored the same by both, and say the same of videos."""
    videos = _some_videos(pair)
    shards = pair.base.folder / PLAIN / "test-*.tar"
    for name in ("paper with all that is random", "without LSTM", "through webdataset"):
        run = run_of(folder_of(pair.base, name))

        def score(side: Side, run: Path = run) -> Facts:
            table = side.folder / "scores.csv"
            arguments = [run, "--shards", shards, "--csv", table, "--json"]
            return {**json.loads(side.run("lrcn-eval", *arguments)), "csv": table.read_text()}

        def predict(side: Side, run: Path = run) -> Facts:
            told = side.run("lrcn-predict", run, *videos, "--json", code=None)
            return {prediction["video"]: prediction for prediction in json.loads(told)}

        yield compare(f"base's run {name}: lrcn-eval", *pair.both(score), "figures")
        yield compare(f"base's run {name}: lrcn-predict", *pair.both(predict), "videos")


def check_going_on(pair: Pair) -> Iterator[Row]:
    """A finished run of the base is extended, and another begins with its weights."""

    def extend(side: Side) -> dict[str, Facts]:
        folder = side.folder / "extended"
        shutil.copytree(folder_of(pair.base, "small"), folder)
        side.run("lrcn-train", "--resume", run_of(folder), "--epochs", 2)
        return run_facts(run_of(folder))

    def begin(side: Side) -> dict[str, Facts]:
        weights = run_of(folder_of(pair.base, "small"))
        options = [*_SMALL.split(), "--lr", "5e-5", "--freeze", "cnn", "--init", weights]
        return run_facts(_train(pair, side, side.folder / "begun", options))

    yield from compare_groups("base's run, extended", *pair.both(extend))
    yield from compare_groups("base's run, begun with", *pair.both(begin))


def folder_of(side: Side, training: str) -> Path:
    """The folder that a training of `TRAININGS` runs in."""
    return side.folder / training.replace(" ", "-")


def run_of(folder: Path) -> Path:
    """The run that was trained in a folder, by whatever name."""
    (run,) = folder.joinpath("runs").iterdir()
    return run


def run_facts(run: Path) -> dict[str, Facts]:
    """All that a run's files say, but for times, in groups."""
    lines = map(json.loads, run.joinpath("metrics.jsonl").read_text().splitlines())
    figures = {
        f"{name} at {'the end of ' if 'accuracy' in line else ''}step {line['step']}": value
        for line in lines
        for name, value in line.items()
        if name not in _LEFT_OUT
    }
    values = tomllib.loads(run.joinpath("config.toml").read_text())
    contents, shapes, record = _read_weights(run / "weights.safetensors")
    return {
        "losses and rates": figures,
        "values": {"the run's name": run.name, **values},
        "tensors' contents": contents,
        "tensors' names": shapes,
        "the net's record": {name: record.pop(name) for name in ("version", "net")},
        "facts beside the weights": record,
    }


def _read_weights(path: Path) -> tuple[Counter[str], Facts, Facts]:
    """How often each content is there, by shape and hash; the shapes by name; what is beside them.

    Contents are told apart from names, which may change while nothing else does. Left out is the
    checksum, which is over the names as well.
    """
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        record = json.loads(file.metadata()["lrcn"])
    contents = Counter(map(_content, tensors.values()))
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    return contents, shapes, {name: value for name, value in record.items() if name != "sha256"}


def _content(tensor: np.ndarray) -> str:
    digest = hashlib.sha256(tensor.tobytes()).hexdigest()[:16]
    return f"{tensor.dtype} {tensor.shape} {digest}"


def _train(pair: Pair, side: Side, folder: Path, options: Sequence[object]) -> Path:
    """Train in a folder, and give the run."""
    folder.mkdir()
    side.run("lrcn-train", *_arguments(pair, options), cwd=folder)
    return run_of(folder)


def _arguments(pair: Pair, options: Sequence[object]) -> list[object]:
    data_set = pair.base.folder / PLAIN
    shards = ["--shards", data_set / "train-*.tar", "--val-shards", data_set / "val-*.tar"]
    return [*shards, *_COMMON.split(), *options]


def _kill_and_resume(pair: Pair, kind: signal.Signals) -> tuple[Path, list[str]]:
    """The run that both revisions had a part in, and the first one's lines that must have stayed.

    What SIGTERM stopped goes on with the same command, what SIGKILL stopped with --resume.
    """
    folder = pair.base.folder / f"killed-{kind.name}"
    folder.mkdir()
    arguments = _arguments(pair, TRAININGS[_KILLED].split())
    process = pair.base.start("lrcn-train", *arguments, cwd=folder)
    while process.poll() is None and len(_lines(folder)) < _KILLED_AT:
        time.sleep(0.01)
    if process.poll() is not None:
        raise CommandFailed(f"lrcn-train ended with {process.returncode} before {kind.name}")
    process.send_signal(kind)
    process.wait()
    kept = _lines(folder)[:_KEPT]
    again = arguments if kind == signal.SIGTERM else ["--resume", run_of(folder)]
    pair.new.run("lrcn-train", *again, cwd=folder)
    return run_of(folder), kept


def _lines(folder: Path) -> list[str]:
    """The lines of the metrics of the run in a folder, none before it has begun."""
    return [line for path in folder.glob("runs/*/metrics.jsonl") for line in path.open()]


def _some_videos(pair: Pair) -> list[Path]:
    """A few videos that can be read, and some that can't."""
    folders = [pair.demo / "videos"]
    if pair.videos:
        folders += [pair.videos / "actions", pair.videos / "odd" / "damaged"]
    return [path for folder in folders for path in find_videos(folder)[:_PREDICTED]]
