"""The files that features are kept in: a folder for each key, in it a file for each shard.

runs/features/0123456789abcdef/
  key.json                  what the features depend on, for people
  <sha256>.safetensors      the features of the shard with that SHA-256

A file is there whole or not at all, so that a training that was killed goes on with the shards that
are missing; one that is damaged counts as missing. Any of it may be deleted at any time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.storage.atomic_file import remove_leftovers, write_atomically
from lrcn_data.storage.folder import Folder
from lrcn_model.caching.feature_key import FeatureKey
from lrcn_model.tensor_file import (
    DamagedTensorsError,
    NoTensorsError,
    read_tensors,
    write_tensors,
)

_FEATURES, _KEY, _ENDING = "features", "key.json", ".safetensors"
_TEXTS = ("keys", "videos")
_OPTIONAL = ("frame_counts", "frame_times")

_LOOK_AGAIN = 0.2
"""The seconds between two looks whether another process has finished."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShardFeatures:
    """The features of one shard's clips, and what of the clips the shard's index doesn't hold.

    Attributes:
        features: Float (clips, frames, features); of clips that differ in their number of frames
            float (frames, features), one clip after another.
        frame_labels: The class number of each frame, -1 where it has none: int64 (clips, frames),
            or (frames,) one clip after another.
        keys: The name of each clip.
        videos: The path of each clip's video, as its list had it.
        frame_counts: int64 (clips,), the number of frames of each clip where clips differ in it;
            None where all have the same.
        frame_times: Float64, shaped as `frame_labels`, the time in seconds at which each frame's
            video shows it, where labels are in time; None elsewhere.
    """

    features: Tensor
    frame_labels: Tensor
    keys: tuple[str, ...]
    videos: tuple[str, ...]
    frame_counts: Tensor | None = None
    frame_times: Tensor | None = None

    def of_clip(self, place: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """A clip's features, float (frames, features), with its frames' labels and times.

        Args:
            place: The place of the clip in its shard, from 0.

        Returns:
            The features, the labels, int64 (frames,), and the times, float64 (frames,), or None
            where labels are not in time.
        """
        here: int | slice = place
        if self.frame_counts is not None:
            start, count = int(self.frame_counts[:place].sum()), int(self.frame_counts[place])
            here = slice(start, start + count)
        times = None if self.frame_times is None else self.frame_times[here]
        return self.features[here], self.frame_labels[here], times


class FeatureFolder:
    """The folder of the features that have one key.

    Args:
        runs: The folder that the runs are in.
        key: What the features depend on.

    Attributes:
        path: The path of the folder, which need not exist.
    """

    def __init__(self, runs: Path, key: FeatureKey) -> None:
        self.path = runs / _FEATURES / key.digest
        self._key = key

    def is_writable(self) -> bool:
        """Whether features are kept here, and can be added."""
        return os.access(self.path, os.W_OK)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and hold it while the block runs; others who compute wait.

        Raises:
            LrcnError: The folder can't be made or written to.
        """
        with ExitStack() as held:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                held.enter_context(_as_soon_as_free(Folder(self.path)))
                remove_leftovers(self.path)
                if not self._file(_KEY).exists():
                    write_atomically(self._file(_KEY), json.dumps(self._key.values).encode())
            except OSError as error:
                raise UsageError(
                    f"{self.path}, where features are kept, can't be written to"
                    f" ({error.strerror}); put the run elsewhere with --out, or use --cache off"
                ) from error
            yield

    def read(self, shard: str) -> ShardFeatures | None:
        """The features of a shard; None where they are not there, or damaged.

        Args:
            shard: The shard's SHA-256.
        """
        try:
            record, tensors = read_tensors(self._file(f"{shard}{_ENDING}"))
            return ShardFeatures(
                features=tensors["features"],
                frame_labels=tensors["frame_labels"],
                frame_counts=tensors.get("frame_counts"),
                frame_times=tensors.get("frame_times"),
                **{name: tuple(json.loads(record[name])) for name in _TEXTS},
            )
        except (OSError, NoTensorsError, DamagedTensorsError, KeyError):
            return None

    def write(self, shard: str, features: ShardFeatures) -> None:
        """Keep the features of a shard.

        Raises:
            LrcnError: The file can't be written.
        """
        # as ASCII, since a path may have bytes that are no text
        record = {name: json.dumps(getattr(features, name)) for name in _TEXTS}
        tensors = {"features": features.features, "frame_labels": features.frame_labels}
        optional = {name: getattr(features, name) for name in _OPTIONAL}
        tensors |= {name: tensor for name, tensor in optional.items() if tensor is not None}
        write_tensors(self._file(f"{shard}{_ENDING}"), record, tensors)

    def _file(self, name: str) -> Path:
        return self.path / name


@contextmanager
def _as_soon_as_free(folder: Folder) -> Iterator[None]:
    """Hold a folder once no other process does."""
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(folder.lock())
                break
            except LrcnError:
                time.sleep(_LOOK_AGAIN)
        yield
