"""A folder of small videos, lists of some and of more of them, and data sets made of these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.verify import verify
from lrcn_data.making.make_shards import make_shards, prepare_shards
from lrcn_data.making.run import RunResult

VIDEOS = [f"class{number % 2}/v{number}.mp4" for number in range(12)]
FIRST = {"train": [*VIDEOS[:5], "class0/short.mp4"], "test": VIDEOS[8:10]}
LATER = {"train": [*VIDEOS[:8], "class0/short.mp4"], "test": VIDEOS[8:11]}


class Videos:
    """A folder of small videos, and what is made of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.values: dict[str, Any] = {"seq_len": 4, "mean_size": (32, 24), "videos_per_shard": 2}

    def list(self, names: Mapping[str, list[str]], labels: Mapping[str, str] = {}) -> None:
        """Write the lists; a video's label is the name of its folder where none is given."""
        for split in ("train", "val", "test"):
            (self.root / f"{split}.txt").unlink(missing_ok=True)
        for split, paths in names.items():
            lines = [f"{path} {labels.get(path, path.split('/')[0])}\n" for path in paths]
            (self.root / f"{split}.txt").write_text("".join(lines))

    def make(self, out: str | DataSetFolder = "shards", **values: Any) -> RunResult:
        """Make shards in this process."""
        lists = {
            split: self.root / f"{split}.txt"
            for split in ("train", "val", "test")
            if (self.root / f"{split}.txt").exists()
        }
        everything = {"workers": 0, "root": self.root, **self.values, **lists, **values}
        if isinstance(out, str):
            return make_shards(self.root / out, **everything)
        making = replace(prepare_shards(out.location, **everything), folder=out)
        return making.write()

    def append(self, out: str | DataSetFolder = "shards", **values: Any) -> RunResult:
        return self.make(out, append=True, **values)

    def tree(self, out: str = "shards") -> dict[str, str]:
        """SHA-256 of every file but the lock."""
        return tree(self.root / out)

    def manifest(self, out: str = "shards") -> Manifest:
        return Manifest.from_json((self.root / out / "dataset.json").read_bytes())

    def faults(self, out: str = "shards") -> list[str]:
        return [str(f) for f in verify(self.root / out, deep=True, inputs=self.root)]


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def samples_of(data_set: DataSet) -> dict[tuple[str, str, int], Sample]:
    """All samples, each by what it is of, and not by its key."""
    samples = [data_set.read_sample(number) for number in range(len(data_set))]
    return {(s.record.split, s.record.video, s.record.clip): s for s in samples}
