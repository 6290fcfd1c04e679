"""Whether two revisions make the same data sets, byte for byte."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from revision import CommandFailed
from same_rows import (
    Facts,
    Pair,
    Row,
    Side,
    compare,
    compare_groups,
    file_hash,
    file_hashes,
    find_videos,
)

from lrcn_data.format.shard_index import FIELDS
from lrcn_data.format.shard_reader import open_data_set

OPTIONS = {
    "blocks": "",
    "center": "--sampling center --fps 12.5 --size 64x48 --quality 75",
    "windows": "--sampling windows --stride 12 --fps 30000/1001 --seq-len 4 --mean-size 100x80",
    "clips": "--clips 3 --seed 7 --videos-per-shard 5",
    "loop": "--short loop --seq-len 16 --size 160x120 --seed 1 --check full",
    "pad": "--short pad --seq-len 16 --sampling center --quality 50 --videos-per-shard 40",
    "salvage": "--salvage --fps 12.5 --seq-len 4 --allow-demuxer nsv --allow-decoder qtrle",
    "ffmpeg": "--decoder ffmpeg --short pad --fps 30000/1001 --check full",
}
"""Options of `lrcn-data shard`: between them, all that have a say in the bytes."""

PLAIN = "generated blocks"
"""The data set that is trained on."""

_KILLED = "clips"
_CHOSEN = 4
"""How many videos of a folder of real ones are taken; the odd ones are all taken."""

_LATER_STATS = ("source_fps", "findings", "looked_at")
"""What stats tells since it looks for what is wrong."""

_COMMANDS = ["shard", "lists", "stats", "verify", "preview", "demo", "index"]


def check_help(pair: Pair) -> Iterator[Row]:
    """Every command has the same options and says the same of them."""

    def texts(side: Side) -> Facts:
        commands = ["lrcn-data", "lrcn-train", "lrcn-eval", "lrcn-predict"]
        facts = {command: side.run(command, "--help") for command in commands}
        return facts | {name: side.run("lrcn-data", name, "--help") for name in _COMMANDS}

    yield compare("help texts", *pair.both(texts), "commands")


def check_generated_videos(pair: Pair) -> Iterator[Row]:
    """The generated videos and their lists are the same; they are the input of what follows."""

    def generate(side: Side) -> Facts:
        counts = ["--train-videos", 96, "--val-videos", 24, "--test-videos", 24]
        side.run("lrcn-data", "demo", "demo", *counts, "--workers", 1)
        return file_hashes(side.folder / "demo", "*")

    yield compare("generated videos", *pair.both(generate), "files")


def check_lists(pair: Pair) -> Iterator[Row]:
    """Lists of class folders, and of an official split where it is there."""
    fractions = ["--val-fraction", 0.2, "--test-fraction", 0.2]
    sources: dict[str, list[object]] = {"class folders": [pair.demo / "videos", *fractions]}
    if pair.videos and (split := pair.videos / "lists" / "ucf101").is_dir():
        of_split = ["--videos", pair.videos / "actions", "--present", "--val-fraction", 0.2]
        sources["an official split"] = [split, *of_split]
    for name, arguments in sources.items():
        out = f"lists of {name}"

        def write(side: Side, out: str = out, arguments: list[object] = arguments) -> Facts:
            side.run("lrcn-data", "lists", *arguments, "--out", out)
            return file_hashes(side.folder / out, "*")

        yield compare(out, *pair.both(write), "files")


def check_generated_shards(pair: Pair) -> Iterator[Row]:
    """Data sets of the generated videos."""
    yield from _check_shards(pair, "generated", generated_lists(pair))


def check_real_shards(pair: Pair) -> Iterator[Row]:
    """Data sets of real and odd videos."""
    if pair.videos is None:
        yield Row(what="real", result="skipped", detail="no --videos and no LRCN_REAL_VIDEOS")
        return
    lists = [*_write_real_lists(pair.videos, pair.base.folder), "--label-base", 1]
    allowed = ["--allow-leakage", "--max-bad-fraction", 1, "--timeout", 600]
    yield from _check_shards(pair, "real", [*lists, *allowed, "--root", pair.videos])


def check_commands(pair: Pair) -> Iterator[Row]:
    """What the other commands say of a data set, and write beside it."""

    def use(side: Side) -> Facts:
        folder = side.folder / "used"
        shutil.copytree(side.folder / PLAIN, folder)
        facts: dict[str, Any] = {
            name: json.loads(side.run("lrcn-data", name, "used", *more, "--json"))
            for name, more in {"stats": [], "verify": ["--deep"]}.items()
        }
        facts["stats.json"] = json.loads((folder / "stats.json").read_bytes())
        for name in ("stats", "stats.json"):
            facts[name] = _without_later(facts[name])
        side.run("lrcn-data", "preview", "used", "--out", "used/preview.png", "--keys")
        for name in ("mean.png", "preview.png"):
            facts[name] = file_hash(folder / name)
        shutil.rmtree(folder / ".meta")
        side.run("lrcn-data", "index", "used")
        return {**facts, **file_hashes(folder, "*.idx"), **_arrays(folder)}

    yield compare("stats, verify, preview, index", *pair.both(use), "answers and files")


def _without_later(stats: Mapping[str, Any]) -> dict[str, Any]:
    """What stats tells, but for what older versions don't."""
    return {name: value for name, value in stats.items() if name not in _LATER_STATS}


def check_killed_shard(pair: Pair) -> Iterator[Row]:
    """A data set that the base was killed at is finished by the new one, to the same bytes."""
    what, folder = "killed data set of the base, finished by the new", pair.base.folder / "killed"
    arguments = shard_arguments(generated_lists(pair), _KILLED, folder)
    _kill_with_records(pair.base, arguments, folder / ".meta", count=3)
    kept = _finished_shards(folder)
    pair.new.run("lrcn-data", "shard", *arguments)
    uninterrupted = data_set_facts(pair.base.folder / f"generated {_KILLED}")
    yield from compare_groups(what, uninterrupted, data_set_facts(folder))
    now = {name: when for name, when in _finished_shards(folder).items() if name in kept}
    yield compare(f"{what}: shards kept", kept, now, "shards kept as they were")


def generated_lists(pair: Pair) -> list[object]:
    """The arguments that name the generated videos."""
    named = _named_lists({split: pair.demo / f"{split}.txt" for split in ("train", "val", "test")})
    return [*named, "--root", pair.demo]


def shard_arguments(lists: list[object], options: str, out: object) -> list[object]:
    """The arguments of `lrcn-data shard` with a set of options."""
    return [*lists, "--out", out, "--workers", 1, *OPTIONS[options].split()]


def data_set_facts(folder: Path) -> dict[str, Facts]:
    """All that a data set's bytes say, in groups."""
    meta = folder / ".meta"
    manifest = json.loads((folder / "dataset.json").read_bytes())
    records = {path.name: json.loads(path.read_bytes()) for path in meta.glob("*.json")}
    # once of all splits, now of those that are summed up
    for facts in (manifest, *records.values()):
        facts.pop("mean_exact", None)
        facts.pop("exact_frames", None)
    return {
        "tars": file_hashes(folder, "*.tar"),
        "indexes": file_hashes(meta, "*.idx"),
        "arrays": _arrays(folder),
        "records": records,
        "options": manifest.pop("options"),
        "fingerprint": {"fingerprint": manifest.pop("fingerprint")},
        "other values of dataset.json": manifest,
        "rejected.jsonl": file_hashes(folder, "rejected.jsonl"),
        "README.md": file_hashes(folder, "README.md"),
    }


def _check_shards(pair: Pair, videos: str, lists: list[object]) -> Iterator[Row]:
    for options in OPTIONS:
        name = f"{videos} {options}"

        def write(side: Side, name: str = name, options: str = options) -> dict[str, Facts]:
            side.run("lrcn-data", "shard", *shard_arguments(lists, options, name))
            return data_set_facts(side.folder / name)

        yield from compare_groups(name, *pair.both(write))


def _arrays(folder: Path) -> dict[str, object]:
    """What the indices and the train split's pixel sums hold, in whichever form they are kept."""
    data_set, train = open_data_set(folder), open_data_set(folder, split="train")
    facts: dict[str, object] = {}
    for shard, index in zip(data_set.shards, data_set.indices, strict=True):
        # which inputs the samples are from has not always been kept
        rows = index.rows[: FIELDS.index("source")]
        facts[shard.entry.file] = (rows.shape, rows.tobytes())
    for canvas, (pixel_sum, frames) in train.pixel_sums().items():
        facts[f"pixel sum {canvas}"] = (frames, pixel_sum.tobytes())
    return facts


def _write_real_lists(videos: Path, folder: Path) -> list[object]:
    """Lists of all odd videos and a few of each other folder, numbered by folder from 1."""
    lines: dict[str, list[str]] = {"train": [], "test": []}
    taken = {path.name: _choose(path) for path in sorted(videos.iterdir()) if path.is_dir()}
    filled = [paths for paths in taken.values() if paths]
    for label, paths in enumerate(filled, 1):
        for path in paths:
            tested = path == paths[-1] and len(paths) == _CHOSEN
            lines["test" if tested else "train"].append(f"{path.relative_to(videos)} {label}\n")
    files = {split: folder / f"real-{split}.txt" for split in lines}
    for split, entries in lines.items():
        files[split].write_text("".join(entries))
    return _named_lists(files)


def _named_lists(files: Mapping[str, Path]) -> list[object]:
    return [part for split, path in files.items() for part in (f"--{split}", path)]


def _choose(folder: Path) -> list[Path]:
    """All odd videos; of any other folder a few, from all over it."""
    paths = find_videos(folder)
    if folder.name == "odd" or len(paths) <= _CHOSEN:
        return paths
    return [paths[len(paths) * number // _CHOSEN] for number in range(_CHOSEN)]


def _kill_with_records(side: Side, arguments: list[object], meta: Path, *, count: int) -> None:
    """Kill a `lrcn-data shard` once it has written so many records."""
    process = side.start("lrcn-data", "shard", *arguments, cwd=side.folder)
    while process.poll() is None and len(list(meta.glob("*.json"))) < count:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise CommandFailed(f"lrcn-data shard ended with {process.returncode} before it was killed")
    time.sleep(1)  # its workers end as well, some after the shard that they are at


def _finished_shards(folder: Path) -> dict[str, int]:
    """When each shard that has a record was written."""
    records = sorted(folder.glob(".meta/*.json"))
    return {path.stem: (folder / f"{path.stem}.tar").stat().st_mtime_ns for path in records}
