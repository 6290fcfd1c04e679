"""Files in a store that fsspec knows by a URL: opened, listed, uploaded, deleted.

Whatever a store's own library raises becomes an OSError, as local files raise it.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lrcn_data.errors import LrcnError, UsageError

_NO_RANGES = (
    "its server sends whole files where a range is asked for; use a server that knows ranges, such"
    " as nginx, or copy the data set to this machine"
)


def open_binary(url: str) -> BinaryIO:
    """Open a file for reading from its start.

    Raises:
        OSError: The file is not there or can't be read.
    """
    with _store(url) as (system, path):
        file: BinaryIO = system.open(path, "rb")
        return file


def read_range(url: str, offset: int, length: int) -> bytes:
    """Read `length` bytes from `offset` on, in one request; fewer only if the file ends before.

    Raises:
        OSError: The file is not there or can't be read, or its server knows no ranges.
    """
    with _store(url) as (system, path):
        data = bytes(system.cat_file(path, start=offset, end=offset + length))
    if len(data) > length:
        # HTTP lets a server ignore what range is asked for (RFC 9110, section 14.2)
        raise OSError(errno.ENOTSUP, _NO_RANGES, url)
    return data


def size_of(url: str) -> int | None:
    """The size of a file in bytes, or None where the store doesn't say it.

    Raises:
        OSError: The file is not there, or its size can't be found out.
    """
    with _store(url) as (system, path):
        size = system.size(path)
        return None if size is None else int(size)


def is_folder(url: str) -> bool:
    """Whether there is a folder.

    Raises:
        OSError: The store can't be asked.
    """
    with _store(url) as (system, path):
        return bool(system.isdir(path))


def list_names(url: str) -> list[str]:
    """The sorted names of all that is in a folder.

    Raises:
        OSError: The folder is not there or can't be read.
    """
    with _store(url) as (system, path):
        # another process may have put files there since the store was last asked
        system.invalidate_cache(path)
        found = system.ls(path, detail=False)
        return sorted(posixpath.basename(name.rstrip("/")) for name in found)


def matching(pattern: str) -> list[str]:
    """The sorted URLs that match a pattern with `*`, `?` and `[...]`.

    Raises:
        OSError: The store can't be asked.
    """
    with _store(pattern) as (system, path):
        return sorted(str(system.unstrip_protocol(found)) for found in system.glob(path))


def upload(file: Path, url: str) -> None:
    """Copy a finished file of this machine to a URL.

    Object stores show it once all of it is there. Where a store shows parts, nobody takes them for
    the whole: a file of a data set is used only when its size is what the manifest says.

    Raises:
        OSError: It can't be uploaded.
    """
    with _store(url) as (system, path):
        _in_made_folder(system, path, lambda: system.put_file(str(file), path))


def write(url: str, data: bytes, *, only_new: bool = False) -> None:
    """Write a small file.

    Args:
        url: The file's URL.
        data: All that the file holds.
        only_new: Whether to refuse to replace a file, as far as the store can.

    Raises:
        FileExistsError: There is such a file, and only a new one was to be written.
        OSError: It can't be written.
    """
    mode = "create" if only_new else "overwrite"
    with _store(url) as (system, path):
        try:
            _in_made_folder(system, path, lambda: system.pipe_file(path, data, mode=mode))
        except OSError as error:
            if only_new and system.exists(path):
                raise FileExistsError(errno.EEXIST, "is there already", url) from error
            raise


def delete(url: str) -> None:
    """Delete a file, if it is there.

    Raises:
        OSError: It can't be deleted.
    """
    with _store(url) as (system, path):
        try:
            system.rm_file(path)
        except FileNotFoundError:
            return
        finally:
            system.invalidate_cache(posixpath.dirname(path))


def move(url: str, to: str) -> None:
    """Move a file within a store; most stores copy it, which takes none of this machine's time.

    Raises:
        OSError: It can't be moved.
    """
    with _store(url) as (system, path), _store(to) as (_, place):
        _in_made_folder(system, place, lambda: system.copy(path, place))
    delete(url)


def remove_folder(url: str) -> None:
    """Remove a folder and all that is in it, if it is there.

    Raises:
        OSError: It can't be removed.
    """
    with _store(url) as (system, path):
        try:
            system.rm(path, recursive=True)
        except FileNotFoundError:
            return
        finally:
            system.invalidate_cache(posixpath.dirname(path))


def _in_made_folder(system: Any, path: str, write: Callable[[], object]) -> None:
    """Write a file; where the store has real folders, and that of the file is missing, make it."""
    folder = posixpath.dirname(path)
    try:
        write()
    except FileNotFoundError:
        root = path[: path.find("/", 1)]
        if not system.exists(root):
            raise  # a bucket, whose name may be mistyped, is not made
        system.makedirs(folder, exist_ok=True)
        write()
    finally:
        system.invalidate_cache(folder)


@contextmanager
def _store(url: str) -> Iterator[tuple[Any, str]]:
    """The file system that fsspec has for a URL, and the path in it.

    Raises:
        UsageError: fsspec knows no such store, or its package is not installed.
        OSError: What the block does with the store fails.
    """
    try:
        from fsspec.core import url_to_fs

        found = url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url} can't be used: {error}; install the package it names") from error
    except ValueError as error:
        raise UsageError(f"{url} is no URL that fsspec knows: {error}") from error
    except Exception as error:
        raise OSError(errno.EIO, _in_one_line(error), url) from error
    try:
        yield found
    except (OSError, LrcnError):
        raise
    except Exception as error:
        # stores raise whatever their libraries do, such as botocore's errors
        raise OSError(errno.EIO, _in_one_line(error), url) from error


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
