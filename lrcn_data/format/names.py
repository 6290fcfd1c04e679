"""How the files of a data set are named; `sample_layout` names the members of its samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MANIFEST = "dataset.json"


REJECTED = "rejected.jsonl"


META = ".meta"


def shard_name(split: str, number: int, count: int) -> str:
    """Name of a shard without its ending: 3 digits, or as many as the last number needs."""
    return f"{split}-{number:0{max(3, len(str(count - 1)))}d}"


@dataclass(frozen=True, slots=True)
class ShardPaths:
    """Where a shard's files lie in a data set's folder."""

    folder: Path
    name: str

    @property
    def tar(self) -> Path:
        """The samples."""
        return self.folder / f"{self.name}.tar"

    @property
    def record(self) -> Path:
        """The record, whose presence marks the shard as done."""
        return self.folder / META / f"{self.name}.json"

    @property
    def index(self) -> Path:
        """The DALI index."""
        return self.folder / META / f"{self.name}.idx"

    @property
    def arrays(self) -> Path:
        """Pixel sums, and each sample's place and label."""
        return self.folder / META / f"{self.name}.npz"
