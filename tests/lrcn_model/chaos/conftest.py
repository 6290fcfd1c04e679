"""Data sets of one shard that somebody made to do harm: well-formed but for what is meant to."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BLOCK = 512
END = bytes(2 * BLOCK)
Member = tuple[bytes, bytes]


def header(
    name: bytes,
    size: int | bytes,
    *,
    kind: bytes = b"0",
    link: bytes = b"",
    magic: bytes = b"ustar\x0000",
) -> bytes:
    """A tar header with a right checksum (POSIX.1-2001, pax, ustar interchange format)."""
    stated = size if isinstance(size, bytes) else b"%011o\0" % size
    parts = (
        name.ljust(100, b"\0"),
        b"0000444\0" + b"0000000\0" * 2,
        stated.ljust(12, b"\0"),
        b"%011o\0" % 0,
    )
    start = b"".join(parts)
    rest = kind + link.ljust(100, b"\0") + magic + b"bigdata".ljust(32, b"\0") * 2
    rest = rest.ljust(BLOCK - 156, b"\0")
    checksum = sum(start) + 8 * 0x20 + sum(rest)
    return start + b"%06o\0 " % checksum + rest


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def tar_of(members: Iterable[Member]) -> bytes:
    """Members one after another, without an end."""
    return b"".join(header(name, len(data)) + padded(data) for name, data in members)


def members_of(tar: Path) -> list[Member]:
    """What a sound tar holds."""
    found = []
    with tarfile.open(tar) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            found.append((member.name.encode(), file.read()))
    return found


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self._marker),)


class Forgery:
    """A sound data set of one shard with one sample, to be changed.

    Attributes:
        folder: Of the data set.
        marker: Is there if a payload was executed.
        victim: A file elsewhere that must not be written to.
        members: Of its sample: frames, class number, json.
    """

    header = staticmethod(header)
    tar_of = staticmethod(tar_of)

    def __init__(self, folder: Path, outside: Path) -> None:
        self.folder = folder
        self.marker = outside / "executed"
        self.victim = outside / "victim"
        self.victim.write_bytes(b"untouched")
        self.members = members_of(self.tar)
        self.record: dict[str, Any] = json.loads(self.members[-1][1])

    @property
    def tar(self) -> Path:
        return self.folder / "train-000.tar"

    @property
    def arrays(self) -> Path:
        return self.folder / ".meta/train-000.npz"

    @property
    def manifest(self) -> Path:
        return self.folder / "dataset.json"

    @property
    def sample(self) -> bytes:
        """The sound sample."""
        return tar_of(self.members)

    @property
    def payload(self) -> Payload:
        """An object that makes the marker when it is unpickled."""
        return Payload(self.marker)

    @property
    def pickled(self) -> bytes:
        return pickle.dumps(self.payload)

    def with_member(self, number: int, data: bytes, name: bytes | None = None) -> bytes:
        """The sample with one member replaced."""
        members = list(self.members)
        members[number] = (members[number][0] if name is None else name, data)
        return tar_of(members)

    def with_record(self, **values: Any) -> bytes:
        """The sample with other values in its json."""
        return self.with_member(-1, json.dumps({**self.record, **values}).encode())

    def write(self, sample: bytes, end: bytes = END) -> None:
        """Make this the shard, with a manifest and an index that say the same."""
        self.tar.write_bytes(sample + end)
        self.state(bytes=len(sample) + len(end))
        self.index(
            offset=np.zeros(1, np.int64),
            length=np.array([len(sample)], np.int64),
            crc32=np.array([zlib.crc32(sample)], np.uint32),
        )

    def state(self, **values: Any) -> None:
        """Change what the manifest says of the shard."""
        manifest = json.loads(self.manifest.read_text())
        if self.tar.is_file():
            values["sha256"] = hashlib.sha256(self._start_of_tar()).hexdigest()
        manifest["shards"][0].update(values)
        self.manifest.write_text(json.dumps(manifest))

    def change_manifest(self, **values: Any) -> None:
        """Change the manifest itself."""
        manifest = json.loads(self.manifest.read_text())
        self.manifest.write_text(json.dumps({**manifest, **values}))

    def index(self, **arrays: Any) -> None:
        """Change arrays of the .npz."""
        buffer = io.BytesIO()
        np.savez(buffer, **{**self.loaded_arrays(), **arrays})
        self.arrays.write_bytes(buffer.getvalue())

    def loaded_arrays(self) -> dict[str, Any]:
        with np.load(self.arrays) as arrays:
            return dict(arrays)

    def _start_of_tar(self) -> bytes:
        """All of it, but for sparse giants, whose hash nobody can wait for."""
        with self.tar.open("rb") as file:
            return file.read(1 << 24)


@pytest.fixture
def forgery(
    make_data_set: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Forgery:
    folder = make_data_set(samples={"train": [1]}, seq_len=2, smooth=True, own_arrays=True)
    return Forgery(folder, tmp_path_factory.mktemp("outside"))
