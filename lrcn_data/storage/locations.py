"""Where a data set's files are read from: local paths, or URLs of stores.

A location is a local path or a URL, as text. Local files are opened directly, never through fsspec,
which is imported for the first URL. What the files mean is in the format's room.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.storage import remote_files

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")
_REFUSED = re.compile(r"(^|::)\s*pipe:", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")
_QUERY = re.compile(r"\?[\w.-]+=.*", re.DOTALL)
_MOST_BYTES = 1 << 28


def normal_location(location: str | os.PathLike[str]) -> str:
    """Write a path or URL in the one form in which locations are compared.

    Raises:
        UsageError: It is a `pipe:` location, which would run a program, has a null byte, or is a
            URL with a password or a query in it.
    """
    text = os.fspath(location)
    if "\0" in text:
        raise UsageError(f"{text!r} has a null byte, as no path has; correct it")
    if _REFUSED.search(text):
        raise UsageError(
            f"{text!r} would run a program, which lrcn never does; fetch the shards first, or name"
            " a path or an fsspec URL"
        )
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if is_url(text):
        _refuse_secrets(text)
        return text.rstrip("/")
    return os.path.normpath(text) if text else "."


def is_url(location: str | os.PathLike[str]) -> bool:
    """Whether a location is a URL, that of a store; everything else is a local path."""
    return _URL.match(os.fspath(location)) is not None


def _refuse_secrets(url: str) -> None:
    """Refuse a URL with credentials in it, as URLs are written to logs, manifests and runs.

    Raises:
        UsageError: There is a password, or a query, which may be a signature or a token.
    """
    without = _QUERY.sub("?...", _PASSWORD.sub("...", url))
    if without != url:
        raise UsageError(
            f"{without} has a password or a query, and URLs are written to logs and runs; set"
            " credentials in the environment, as docs/buckets.md says, and leave them out here"
        )


def join(folder: str, *names: str) -> str:
    """The location of a file in a folder."""
    if is_url(folder):
        return "/".join([folder, *names])
    return str(Path(folder, *names))


def listed_location(root: str, path: str) -> str:
    """The path or URL of what a list names.

    Args:
        root: The folder or URL that the paths in the list are relative to.
        path: The path in the list, or a URL.
    """
    return path if is_url(path) else os.path.join(root, path)  # noqa: PTH118 # a Path is dear


def split_location(location: str) -> tuple[str, str]:
    """Split a file's location into its folder and its name."""
    if is_url(location):
        return posixpath.split(location)
    folder, name = os.path.split(location)
    return folder or ".", name


def is_folder(location: str) -> bool:
    """Whether there is a folder at a location."""
    if is_url(location):
        return remote_files.is_folder(location)
    return os.path.isdir(location)  # noqa: PTH112 # no error for a name that is too long


def is_file(location: str) -> bool:
    """Whether there is a file at a location."""
    if is_url(location):
        # some stores say a size of folders too
        return not remote_files.is_folder(location) and size_of(location) is not None
    return os.path.isfile(location)  # noqa: PTH113 # no error for a name that is too long


def list_names(folder: str) -> list[str]:
    """The sorted names of all that is in a folder; none if there is no such folder.

    Raises:
        ShardError: The folder can't be read.
    """
    try:
        if is_url(folder):
            return remote_files.list_names(folder)
        return sorted(path.name for path in Path(folder).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ShardError(f"{folder} can't be read: {error.strerror or error}") from error


def sizes(folder: str) -> dict[str, int]:
    """The size in bytes of each file in a folder, by its name, with few requests to a store.

    Files of which a store doesn't say it are left out; there are none if there is no such folder.

    Raises:
        ShardError: The folder can't be read.
    """
    try:
        if is_url(folder):
            return remote_files.sizes(folder)
        with os.scandir(folder) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ShardError(f"{folder} can't be read: {error.strerror or error}") from error


def matching(pattern: str) -> list[str]:
    """The sorted locations that match a pattern with `*`, `?` and `[...]`."""
    if not is_url(pattern):
        anchor = Path(Path(pattern).anchor)
        parts = Path(pattern).relative_to(anchor)
        return sorted(str(path) for path in anchor.glob(str(parts)))
    return remote_files.matching(pattern)


def size_of(location: str) -> int | None:
    """The size of a file in bytes, or None if there is no file.

    Raises:
        ShardError: There is something else than a file, or its size can't be found out.
    """
    try:
        if is_url(location):
            return remote_files.size_of(location)
        found = Path(location).stat()
        _check_regular(location, found)
        return found.st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ShardError(f"{location} can't be read: {error.strerror or error}") from error


def open_binary(location: str) -> BinaryIO:
    """Open a file for reading from its start.

    Raises:
        OSError: The file is not there, can't be read, or is a device, a pipe or a folder.
    """
    if is_url(location):
        return remote_files.open_binary(location)
    return os.fdopen(open_regular(location), "rb")


def read_whole(location: str) -> bytes:
    """Read all of a file that describes a data set.

    Raises:
        OSError: The file can't be read, or is larger than any such file is.
    """
    with open_binary(location) as file:
        known = 0 if is_url(location) else os.fstat(file.fileno()).st_size
        data = file.read(_MOST_BYTES + 1) if known <= _MOST_BYTES else b""
    if max(known, len(data)) > _MOST_BYTES:
        raise OSError(errno.EFBIG, f"has more than {_MOST_BYTES:,} bytes")
    return data


def read_ahead(location: str) -> None:
    """Ask the system to bring a file into memory; only for local files, if the system can."""
    if is_url(location) or not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError):
        descriptor = open_regular(location)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(descriptor)


def open_regular(path: str) -> int:
    """Open a local file that has an end; opening it waits for nobody, as that of a pipe would.

    Returns:
        The file's descriptor.

    Raises:
        OSError: The file can't be opened, or is a device, a pipe or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)
