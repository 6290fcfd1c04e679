"""Files in stores, by their URLs: opened, listed, uploaded, deleted.

Whatever a store's own library raises becomes an OSError of one line, as local files raise it, and
without what a URL may have of credentials.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lrcn_data.errors import LrcnError
from lrcn_data.storage.bucket_store import bucket_store
from lrcn_data.storage.fsspec_store import fsspec_store
from lrcn_data.storage.store import Store, Version

_NO_RANGES = (
    "its server sends whole files where a range is asked for; use a server that knows ranges, such"
    " as nginx, or copy the data set to this machine"
)

_CHUNK = 32 << 20
"""The bytes that are copied at a time, of which buckets fetch several parts side by side."""


def open_binary(url: str) -> BinaryIO:
    """Open a file for reading from its start.

    Raises:
        OSError: The file is not there or can't be read.
    """
    with _store(url) as (store, path):
        return store.open(path)


def read(url: str) -> tuple[bytes, Version]:
    """Read a small file, and the version by which `replace` knows that it is still the same.

    Raises:
        OSError: The file is not there or can't be read.
    """
    with _store(url) as (store, path):
        return store.read(path)


def read_range(url: str, offset: int, length: int) -> bytes:
    """Read `length` bytes from `offset` on, in one request; fewer only if the file ends before.

    Raises:
        OSError: The file is not there or can't be read, or its server knows no ranges.
    """
    [data] = read_ranges(url, [(offset, length)])
    return data


def read_ranges(url: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Read several parts of a file at a time.

    Args:
        url: The file's URL.
        ranges: The offset and the length of each part.

    Returns:
        The parts; one is shorter only if the file ends before.

    Raises:
        OSError: The file is not there or can't be read, or its server knows no ranges.
    """
    with _store(url) as (store, path):
        parts = store.read_ranges(path, ranges)
    if any(len(data) > length for data, (_, length) in zip(parts, ranges, strict=True)):
        # HTTP lets a server ignore what range is asked for (RFC 9110, section 14.2)
        raise OSError(errno.ENOTSUP, _NO_RANGES, url)
    return parts


def size_of(url: str) -> int | None:
    """The size of a file in bytes, or None where the store doesn't say it.

    Raises:
        OSError: The file is not there, or its size can't be found out.
    """
    with _store(url) as (store, path):
        return store.size(path)


def is_folder(url: str) -> bool:
    """Whether there is a folder.

    Raises:
        OSError: The store can't be asked.
    """
    with _store(url) as (store, path):
        return store.is_folder(path)


def list_names(url: str) -> list[str]:
    """The sorted names of all that is in a folder.

    Raises:
        OSError: The folder can't be read; where a store has real folders, it is not there.
    """
    with _store(url) as (store, path):
        return sorted(store.names(path))


def sizes(url: str) -> dict[str, int]:
    """The size in bytes of each file in a folder, by its name; of those of which it is known.

    Raises:
        OSError: The folder can't be read; where a store has real folders, it is not there.
    """
    with _store(url) as (store, path):
        return store.sizes(path)


def find(url: str) -> dict[str, int]:
    """The size in bytes of each file in and below a folder, by its name relative to the folder.

    Raises:
        OSError: The store can't be asked.
    """
    with _store(url) as (store, path):
        return store.find(path)


def matching(pattern: str) -> list[str]:
    """The sorted URLs that match a pattern with `*`, `?` and `[...]`.

    Raises:
        OSError: The store can't be asked.
    """
    with _store(pattern) as (store, path):
        return sorted(store.matching(path))


def fetch(url: str, to: BinaryIO, *, most: int, on_piece: Callable[[], None] = lambda: None) -> int:
    """Copy a file to this machine.

    Args:
        url: The file's URL.
        to: Where it is written.
        most: The most bytes that it may have.
        on_piece: Called after each piece of 32 MiB; an LrcnError that it raises ends the copying.

    Returns:
        The number of its bytes.

    Raises:
        OSError: The file is not there or can't be read, has more bytes (EFBIG), or they end before
            its size.
    """
    with _store(url) as (store, path), store.open(path) as file:
        size = store.size(path)
        length = 0
        while data := file.read(_CHUNK):
            length += len(data)
            if length > most or (size or 0) > most:
                raise OSError(errno.EFBIG, f"has more than {most:,} bytes", url)
            to.write(data)
            on_piece()
    if size not in (None, length):
        raise OSError(errno.EIO, f"ended after {length:,} of {size:,} bytes", url)
    return length


def upload(file: Path, url: str) -> None:
    """Copy a finished file of this machine to a URL.

    Object stores show it once all of it is there. Where a store shows parts, nobody takes them for
    the whole: a file of a data set is used only when its size is what the manifest says.

    Raises:
        OSError: It can't be uploaded.
    """
    with _store(url) as (store, path):
        store.upload(file, path)


def write(url: str, data: bytes) -> None:
    """Write a small file.

    Raises:
        OSError: It can't be written.
    """
    with _store(url) as (store, path):
        store.write(path, data)


def replace(url: str, data: bytes, version: Version | None) -> Version | None:
    """Write a small file if nobody else has written it meanwhile.

    Buckets do so in one step. Where a store can't, another process may write between the look and
    the writing.

    Args:
        url: The file's URL.
        data: All that the file holds then.
        version: The version that it must have, as `read` or this function gave it; None for a file
            that must not be there.

    Returns:
        Its version from now on; None where it isn't as it must be, and so was not written.

    Raises:
        OSError: It can't be written.
    """
    with _store(url) as (store, path):
        return store.replace(path, data, version)


def delete(url: str) -> None:
    """Delete a file, if it is there.

    Raises:
        OSError: It can't be deleted.
    """
    with _store(url) as (store, path), suppress(FileNotFoundError):
        store.delete(path)


def move(url: str, to: str) -> None:
    """Move a file within a store; most stores copy it, which takes none of this machine's time.

    Raises:
        OSError: It can't be moved.
    """
    with _store(url) as (store, path), _store(to) as (_, place):
        store.copy(path, place)
    delete(url)


def remove_folder(url: str) -> None:
    """Remove a folder and all that is in it, if it is there.

    Raises:
        OSError: It can't be removed.
    """
    with _store(url) as (store, path), suppress(FileNotFoundError):
        store.remove_folder(path)


@contextmanager
def _store(url: str) -> Iterator[tuple[Store, str]]:
    """The store behind a URL, and the path in it.

    Raises:
        UsageError: There is no such store, or its package is not installed.
        OSError: What the block does with the store fails.
    """
    try:
        yield bucket_store(url) or fsspec_store(url)
    except FileNotFoundError as error:
        if _BUCKET_MISSING.search(str(error)):
            # which is no file that isn't there yet
            raise OSError(errno.EIO, in_one_line(error), url) from error
        raise FileNotFoundError(errno.ENOENT, "No such file", url) from error
    except LrcnError:
        raise
    except OSError as error:
        if error.errno is not None and error.strerror and _is_short(error.strerror):
            raise
        raise OSError(error.errno or errno.EIO, in_one_line(error), url) from error
    except Exception as error:
        # stores raise whatever their libraries do, such as botocore's errors
        raise OSError(errno.EIO, in_one_line(error), url) from error


_BUCKET_MISSING = re.compile(r"NoSuchBucket|bucket does not exist|ContainerNotFound", re.IGNORECASE)

_SAID = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_DEBUG = re.compile(r"\s*Debug source:.*", re.DOTALL)
_SECRET = re.compile(r"([?&][\w.-]+=)[^&\s'\"<>]+|(//)[^/@\s]+:[^/@\s]*(?=@)")


def in_one_line(error: BaseException) -> str:
    """What a store's library says of an error, in one line and without credentials.

    Of an answer of S3's this is its message. Values of a URL's query, and a password in it, are
    left out, as a signature may be among them.
    """
    text = _DEBUG.sub("", str(error))
    said = _SAID.search(text)
    text = " ".join((said[1] if said else text).split()) or type(error).__name__
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}...", text)


def _is_short(text: str) -> bool:
    return "\n" not in text and in_one_line(OSError(text)) == text
