"""Inputs that change after sharding, names that collide, and leaks between splits."""

from __future__ import annotations

import random
import re
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.inspecting.verify import verify
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.problems import ListError
from lrcn_data.lists.read_lists import read_lists
from lrcn_data.making.plan import plan_shards


@pytest.mark.slow
@pytest.mark.promise(8, "a bit of an input flipped after sharding; verify --inputs")
def test_a_flipped_bit_of_an_input_is_found(
    runs: Any, tally: Any, count: Callable[[int, int], int]
) -> None:
    flips = count(20, 500)
    names = ["class0/clip 0.avi", "class1/clip 1.mp4", "class0/clip 2.mp4"]
    (runs.folder / "train.txt").write_text("".join(f"{name} {name[:6]}\n" for name in names))
    (runs.folder / "test.txt").unlink()
    runs.whole()
    shards = str(runs.folder / "whole")
    assert list(verify(shards, inputs=runs.folder)) == []
    rng = random.Random(8)
    for _ in range(flips):
        path = runs.folder / rng.choice(names)
        data = bytearray(path.read_bytes())
        place, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
        data[place] ^= bit
        path.write_bytes(data)
        found = [fault.file for fault in verify(shards, inputs=runs.folder)]
        data[place] ^= bit
        path.write_bytes(data)
        named = found == [str(path.relative_to(runs.folder))]
        tally.add(None if named else f"{path.name} byte {place} bit {bit}: {found}")
    tally.check(flips)


LETTERS = [*"aAbB._-  ", "..", "é", "e\u0301", "É", "日", "\udcff", "%", "'", "\\", "ß", "ı", "~"]


def colliding_names(rng: random.Random) -> list[str]:
    """Different paths whose file names differ in case, dots, folders or unicode form only."""
    bases = ["".join(rng.choices(LETTERS, k=rng.randint(1, 6))) for _ in range(3)]
    names = set()
    for _ in range(rng.randint(2, 40)):
        base = rng.choice(bases)
        base = rng.choice([base, base.upper(), base.lower(), base.replace(".", "_"), base * 30])
        folder = rng.choice(["", "a/", "A/", "a.b/", "a b/"])
        names.add(f"{folder}{base[:60]}{rng.choice(['.avi', '.mp4', '.AVI', ''])}")
    return sorted(names)


@pytest.mark.promise(14, "generated sets of colliding names: as many unique keys as videos")
def test_every_video_has_a_key_of_its_own(tally: Any, count: Callable[[int, int], int]) -> None:
    sets = count(100, 1000)
    for seed in range(sets):
        rng = random.Random(seed)
        names = colliding_names(rng)
        splits = [rng.choice(["train", "val", "test"]) for _ in names]
        entries = [
            Entry(name, 0, split, line)
            for line, (name, split) in enumerate(zip(names, splits, strict=True), 1)
        ]
        shards = plan_shards(entries, seed=seed, videos_per_shard=rng.choice([None, 1, 3]))
        planned = [video for shard in shards for video in shard.videos]
        keys = [video.key(clip) for video in planned for clip in range(2)]
        wrong = [key for key in keys if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key)]
        twice = [key for key, n in Counter(map(str.lower, keys)).items() if n > 1]
        missing = {video.entry.path for video in planned} ^ set(names)
        fault = wrong or twice or missing or len(planned) != len(names)
        tally.add(f"set {seed}: {wrong} {twice} {missing}" if fault else None)
    tally.check(sets)


@pytest.mark.slow
@pytest.mark.promise(14, "videos with colliding names in a run: as many samples as videos")
def test_videos_with_colliding_names_all_come_out(
    runs: Any, tally: Any, count: Callable[[int, int], int]
) -> None:
    data = (runs.folder / "class0/clip 0.avi").read_bytes()
    rng = random.Random(14)
    names: set[str] = set()
    while len(names) < count(30, 200):
        names.update(name for name in colliding_names(rng) if name == name.strip())
    lines = []
    for name in sorted(names):
        path = runs.folder / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        lines.append(f"odd/{name} 0\n".encode(errors="surrogateescape"))
    (runs.folder / "train.txt").write_bytes(b"".join(lines))
    (runs.folder / "test.txt").unlink()
    runs.arguments = ["--allow-one-class", "--workers", "2"]
    runs.whole()
    samples: Counter[str] = Counter()
    for path in (runs.folder / "whole").glob("*.tar"):
        with tarfile.open(path) as tar:
            samples.update(name.partition(".")[0] for name in tar.getnames())
    assert len(samples) == len(names)
    for key, members in samples.items():
        tally.add(None if members == 10 else f"{key} has {members} members")
    tally.check(len(names))


@pytest.mark.promise(16, "a group of clips planted in two splits")
def test_planted_groups_are_found(
    tmp_path: Path, tally: Any, count: Callable[[int, int], int]
) -> None:
    planted = count(5, 20)
    for number in range(planted):
        folder = tmp_path / str(number)
        folder.mkdir()
        rng = random.Random(number)
        lines: dict[str, list[str]] = {"train": [], "val": [], "test": []}
        for group in range(1, 26):
            split = rng.choice(list(lines))
            for clip in range(1, rng.randint(2, 5)):
                lines[split].append(f"v_Walk_g{group:02d}_c{clip:02d}.avi 0")
        leak = rng.choice([line for split in lines for line in lines[split]])
        own = next(split for split in lines if leak in lines[split])
        other = rng.choice([split for split in lines if split != own])
        lines[other].insert(rng.randrange(len(lines[other]) + 1), leak.replace("_c", "_c9"))
        for split, members in lines.items():
            (folder / f"{split}.txt").write_text("".join(f"{line}\n" for line in members))
        lists = {split: folder / f"{split}.txt" for split in lines if lines[split]}
        with pytest.raises(ListError) as caught:
            read_lists(lists, root=folder, allow_missing=True)
        kinds = [problem.kind for problem in caught.value.problems]
        tally.add(None if kinds == ["group in two splits"] else f"leak {number}: {kinds}")
    tally.check(planted)


@pytest.mark.promise(16, "a copy under another name planted in two splits; --check-content")
def test_planted_copies_are_found(
    tmp_path: Path, tally: Any, count: Callable[[int, int], int]
) -> None:
    planted = count(5, 20)
    rng = random.Random(16)
    for split in ("train", "test"):
        names = [f"{split}{number}.avi" for number in range(60)]
        for name in names:
            (tmp_path / name).write_bytes(rng.randbytes(1000))
        (tmp_path / f"{split}.txt").write_text("".join(f"{name} 0\n" for name in names))
    lists = {split: tmp_path / f"{split}.txt" for split in ("train", "test")}
    assert len(read_lists(lists, root=tmp_path, check_content=True).entries) == 120
    for _ in range(planted):
        source, copy = rng.randrange(60), tmp_path / f"test{rng.randrange(60)}.avi"
        before = copy.read_bytes()
        copy.write_bytes((tmp_path / f"train{source}.avi").read_bytes())
        with pytest.raises(ListError) as caught:
            read_lists(lists, root=tmp_path, check_content=True)
        told = str(caught.value)
        named = f"{copy.name} has the same content as train{source}.avi" in told
        tally.add(None if named else told)
        copy.write_bytes(before)
    tally.check(planted)
