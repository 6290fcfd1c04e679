"""Buckets of S3, Google Cloud Storage and Azure, by obstore: conditional writes, concurrent reads.

What is set for them is read from the environment by obstore itself, as its documentation says; what
is done here is what users of s3fs are used to: endpoints without TLS, and profiles of `~/.aws`.
"""

from __future__ import annotations

import fnmatch
import io
import os
import posixpath
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lrcn_data.errors import UsageError
from lrcn_data.storage.fsspec_store import fsspec_store

T = TypeVar("T")

SCHEMES = ("s3", "s3a", "gs", "az")
"""The schemes of the URLs of buckets; `gs://bucket/folder`."""

_PART_BYTES = 8 << 20
"""The bytes of a file that are sent or fetched in a request, so that what a cut connection costs
is no more than that."""

_FAR_APART = 64 << 10
"""The bytes between two ranges of a file above which they are fetched by themselves."""

_READ_TIMEOUT = timedelta(seconds=60)
"""How long a server may be silent, for which a part is sent once more."""

_PATIENCE = timedelta(minutes=3)
"""How long a request is tried again."""

_FIRST_PAUSE = timedelta(milliseconds=100)
"""How long obstore waits before the second try; each next time about twice as long, to 15 s."""

_PAUSES = (0.1, 0.3, 1.0, 3.0, 3.0)
"""The seconds between the tries of what obstore gives up at once, such as a body that was cut."""

_AT_ONCE = 10.0
"""The seconds after which obstore is taken to have tried again by itself."""

_AT_A_TIME = 4
"""How many parts of a file are fetched at the same time."""

_OF_ENVIRONMENT = ("AWS_", "GOOGLE_", "AZURE_")

_ENDPOINTS = {"gs": ("GOOGLE_BASE_URL",), "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")}
"""The variables that name a server of one's own, by the scheme of its URLs."""

_REFUSED = re.compile(r"status code: 4(?!08|29)")

_NOT_PARTIAL = "non-partial response"
"""What obstore says where a server gives a range another status than 206."""

_BUILT: set[int] = set()
"""The process that has made stores; obstore's threads are not there in one that is forked."""


class BucketStore:
    """A bucket; see `store.Store`. Paths in it have no slash at their start.

    Args:
        store: obstore's store.
        bucket: The URL of the bucket, without a slash at its end.
    """

    def __init__(self, store: Any, bucket: str) -> None:
        self._store = store
        self._bucket = bucket

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading from its start."""
        size = self.size(path)
        return io.BufferedReader(_BucketFile(self, path, size), _PART_BYTES)

    def read(self, path: str) -> tuple[bytes, Any]:
        """All of a small file, and its version."""
        import obstore

        def read() -> tuple[bytes, Any]:
            found = obstore.get(self._store, path)
            return bytes(found.bytes()), _version(found.meta)

        return patiently(read)

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of a file, as concurrently as may be."""
        # a server refuses an empty range
        wanted = [(offset, length) for offset, length in ranges if length]
        parts = iter(patiently(lambda: self._ranges(path, wanted)) if wanted else [])
        return [bytes(next(parts)) if length else b"" for _, length in ranges]

    def _ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> Sequence[Any]:
        import obstore
        from obstore.exceptions import BaseError

        try:
            if len(ranges) == 1:
                [(offset, length)] = ranges
                return [obstore.get_range(self._store, path, start=offset, length=length)]
            starts, lengths = zip(*ranges, strict=True)
            return obstore.get_ranges(
                self._store, path, starts=starts, lengths=lengths, coalesce=_FAR_APART
            )
        except BaseError as error:
            if _NOT_PARTIAL not in str(error):
                raise
            # lakeFS and rclone send the range, but with the status of a whole file
            other, place = fsspec_store(f"{self._bucket}/{path}")
            return other.read_ranges(place, ranges)

    def size(self, path: str) -> int:
        """The size of a file in bytes."""
        import obstore

        return int(patiently(lambda: obstore.head(self._store, path))["size"])

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        import obstore

        def first() -> Any:
            return next(iter(obstore.list(self._store, _folder(path), chunk_size=1)), None)

        return bool(patiently(first))

    def names(self, path: str) -> list[str]:
        """The names of all that is in a folder."""
        found = self._inside(path)
        inside = [*found["common_prefixes"], *(one["path"] for one in found["objects"])]
        # some tools put an empty object in the folder's own place
        return [posixpath.basename(name) for name in inside if name != path.rstrip("/")]

    def sizes(self, path: str) -> dict[str, int]:
        """The size of each file in a folder, by its name."""
        files = self._inside(path)["objects"]
        return {posixpath.basename(one["path"]): int(one["size"]) for one in files}

    def _inside(self, path: str) -> Any:
        """What is in a folder, of which a request names 1,000."""
        import obstore

        return patiently(lambda: obstore.list_with_delimiter(self._store, _folder(path)))

    def find(self, path: str) -> dict[str, int]:
        """The size of each file in and below a folder."""
        import obstore

        start = len(_folder(path) or "")
        chunks = patiently(lambda: list(obstore.list(self._store, _folder(path))))
        found = {one["path"][start:]: int(one["size"]) for chunk in chunks for one in chunk}
        found.pop("", None)
        return found

    def matching(self, pattern: str) -> list[str]:
        """The URLs that match a pattern."""
        wildcard = min((pattern.find(mark) for mark in "*?[" if mark in pattern), default=0)
        before = posixpath.dirname(pattern[:wildcard])
        depth = pattern.count("/")
        names = (posixpath.join(before, name) for name in self._within(before, pattern))
        return [
            f"{self._bucket}/{name}"
            for name in names
            if name.count("/") == depth and _fits(name, pattern)
        ]

    def _within(self, folder: str, pattern: str) -> list[str]:
        """The names in a folder that may match; those below it only if the pattern goes deeper."""
        if posixpath.dirname(pattern) == folder:
            return self.names(folder)
        return list(self.find(folder))

    def upload(self, file: Path, path: str) -> None:
        """Copy a finished file of this machine into the store."""
        import obstore

        patiently(lambda: obstore.put(self._store, path, file, chunk_size=_PART_BYTES))

    def write(self, path: str, data: bytes) -> None:
        """Write a small file."""
        import obstore

        patiently(lambda: obstore.put(self._store, path, data))

    def replace(self, path: str, data: bytes, version: Any) -> Any:
        """Write a small file if it still has a version, in one step."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: Any = "create" if version is None else version
        try:
            return _version(patiently(lambda: obstore.put(self._store, path, data, mode=mode)))
        except (AlreadyExistsError, PreconditionError):
            # the request may have been sent twice, as its first answer was lost
            try:
                there, now = self.read(path)
            except FileNotFoundError:
                return None
            return now if there == data else None

    def delete(self, path: str) -> None:
        """Delete a file."""
        import obstore

        patiently(lambda: obstore.delete(self._store, path))

    def copy(self, path: str, to: str) -> None:
        """Copy a file within the store."""
        import obstore

        patiently(lambda: obstore.copy(self._store, path, to))

    def remove_folder(self, path: str) -> None:
        """Remove a folder and all that is in it."""
        import obstore

        names = [posixpath.join(path, name) for name in self.find(path)]
        if names:
            patiently(lambda: obstore.delete(self._store, names))


class _BucketFile(io.RawIOBase):
    """A file of a bucket that is read in parts; see `BucketStore.open`."""

    def __init__(self, store: BucketStore, path: str, size: int) -> None:
        self._store, self._path, self._size = store, path, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        end = self._position + length
        starts = range(self._position, end, _PART_BYTES)
        with ThreadPoolExecutor(min(_AT_A_TIME, len(starts))) as pool:
            parts = list(pool.map(lambda start: self._part(start, end), starts))
        data = b"".join(parts)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _part(self, start: int, end: int) -> bytes:
        [data] = self._store.read_ranges(self._path, [(start, min(_PART_BYTES, end - start))])
        return data

    def readall(self) -> bytes:
        data = bytearray(max(0, self._size - self._position))
        return bytes(data[: self.readinto(data)])


def patiently(call: Callable[[], T]) -> T:
    """Call again what failed for a reason that may pass, and that obstore doesn't try again."""
    from obstore.exceptions import (
        AlreadyExistsError,
        InvalidPathError,
        PermissionDeniedError,
        PreconditionError,
        UnauthenticatedError,
    )

    began = time.monotonic()
    pauses = iter(_PAUSES)
    while True:
        try:
            return call()
        except (
            AlreadyExistsError,
            InvalidPathError,
            PermissionDeniedError,
            PreconditionError,
            UnauthenticatedError,
            UsageError,
        ):
            raise
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or _is_final(error) or time.monotonic() - began > _AT_ONCE:
                raise
            time.sleep(pause)


def _is_final(error: Exception) -> bool:
    """Whether an error says that the request itself is refused."""
    if "NoSuchUpload" in str(error):
        # the end of an upload was sent twice, as its first answer was lost; perhaps it is done
        return False
    return isinstance(error, FileNotFoundError) or bool(_REFUSED.search(str(error)))


def bucket_store(url: str) -> tuple[BucketStore, str] | None:
    """The bucket of a URL, and the path in it; None where the URL is none of a bucket.

    It is None as well where obstore is not installed, or the user has set up fsspec for such URLs
    (FSSPEC_S3_... or a file of its own), so that fsspec has to reach it.

    Raises:
        OSError: No credentials are found.
    """
    scheme, colons, rest = url.partition("://")
    if not colons or scheme not in SCHEMES or not _obstore_has(scheme):
        return None
    bucket, _, path = rest.partition("/")
    return _store(scheme, bucket, _environment()), path


def _obstore_has(scheme: str) -> bool:
    from fsspec.config import conf

    if find_spec("obstore") is None or conf.get(scheme):
        return False
    if not _BUILT or os.getpid() in _BUILT:
        return True
    # a process that was forked from one that has used obstore
    from fsspec import get_filesystem_class

    try:
        get_filesystem_class(scheme)
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"{scheme}:// can't be used in a process that was forked after another had used it;"
            ' start workers otherwise (multiprocessing_context="forkserver"), or install s3fs'
        ) from error
    return False


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple(item for item in os.environ.items() if item[0].startswith(_OF_ENVIRONMENT))


@lru_cache(maxsize=64)
def _store(scheme: str, bucket: str, environment: tuple[tuple[str, str], ...]) -> BucketStore:
    """The store of a bucket by what is set in the environment.

    Raises:
        OSError: No credentials are found.
    """
    from obstore.store import from_url

    settings = dict(environment)
    aws = _aws_settings(settings) if scheme in ("s3", "s3a") else {}
    endpoints = [aws.get("endpoint"), *map(settings.get, _ENDPOINTS.get(scheme, ()))]
    without_tls = any(str(endpoint).startswith("http://") for endpoint in endpoints)
    url = f"{scheme}://{bucket}"
    store = from_url(
        url,
        client_options={
            **({"allow_http": True} if without_tls else {}),
            # a part is given up by _READ_TIMEOUT, however long the whole of it takes
            "timeout": timedelta(hours=1),
            "read_timeout": _READ_TIMEOUT,
            "connect_timeout": timedelta(seconds=10),
        },
        retry_config={
            "retry_timeout": _PATIENCE,
            "backoff": {
                "init_backoff": _FIRST_PAUSE,
                "max_backoff": timedelta(seconds=15),
                "base": 2,
            },
        },
        **aws,
    )
    _BUILT.add(os.getpid())
    return BucketStore(store, url)


def _aws_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """What obstore doesn't find by itself of what botocore, and so s3fs, reads for S3.

    Raises:
        OSError: No credentials are found.
    """
    found: dict[str, Any] = {}
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if endpoint:
        found["endpoint"] = endpoint
    if {"AWS_ACCESS_KEY_ID", "AWS_SKIP_SIGNATURE"} & environment.keys():
        return found
    if find_spec("botocore") is None:
        return found
    import botocore.session

    session = botocore.session.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise PermissionError(
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a"
            " bucket that all may read, AWS_SKIP_SIGNATURE=true"
        )
    found["credential_provider"] = _provider(credentials)
    region = session.get_config_variable("region")
    profile_endpoint = session.get_scoped_config().get("endpoint_url")
    if region:
        found["region"] = region
    if profile_endpoint:
        found.setdefault("endpoint", profile_endpoint)
    return found


def _provider(credentials: Any) -> Callable[[], dict[str, Any]]:
    """What obstore asks for credentials, which botocore renews where they expire."""

    def provide() -> dict[str, Any]:
        frozen = credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": None,
        }

    return provide


def _version(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("e_tag", "version") if facts[name] is not None}


def _folder(path: str) -> str | None:
    return f"{path.rstrip('/')}/" if path else None


def _fits(name: str, pattern: str) -> bool:
    """Whether each part of a path matches that of a pattern."""
    parts = zip(name.split("/"), pattern.split("/"), strict=True)
    return all(fnmatch.fnmatchcase(part, wanted) for part, wanted in parts)
