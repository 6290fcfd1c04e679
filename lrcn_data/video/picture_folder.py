"""A folder of numbered pictures, which is a video of which each frame has a file of its own.

Its rate is given, since no file says it. How the frames are decoded is in `decode_pictures`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from itertools import pairwise

from lrcn_data.errors import VideoError
from lrcn_data.printable import show
from lrcn_data.reasons import Reason

_NUMBERED = re.compile(r"(.*?)([0-9]+)\.(jpe?g|png)", re.IGNORECASE | re.DOTALL)


def are_pictures(names: Iterable[str]) -> bool:
    """Whether two or more of the files in a folder are numbered pictures."""
    found = filter(_NUMBERED.fullmatch, names)
    return next(found, None) is not None and next(found, None) is not None


def is_numbered_picture(name: str) -> bool:
    """Whether a file's name is that of a picture with a number."""
    return bool(_NUMBERED.fullmatch(name))


def in_order(names: Iterable[str]) -> list[str]:
    """The names of a folder's numbered pictures, in the order of their numbers.

    Other files are left out. The first number may be any.

    Raises:
        VideoError: There are no numbered pictures (`missing`), some are missing (`damaged`), or
            they are not one series, with one beginning of the names (`unsupported`).
    """
    found = [match for name in names if (match := _NUMBERED.fullmatch(name))]
    if not found:
        detail = "there is no regular file of that name, but a folder without numbered pictures"
        raise VideoError(Reason.MISSING, detail)
    series = sorted({match[1] for match in found})
    if len(series) > 1:
        told = f"{show(series[0])!r} and {show(series[1])!r}"
        raise VideoError(
            Reason.UNSUPPORTED,
            f"pictures of {len(series)} series, whose names begin with {told} and then a number;"
            " put each series into a folder of its own",
        )
    found.sort(key=lambda match: int(match[2]))
    for one, following in pairwise(found):
        if int(following[2]) == int(one[2]):
            raise VideoError(
                Reason.UNSUPPORTED, f"{show(one[0])} and {show(following[0])} have one number"
            )
        if int(following[2]) != int(one[2]) + 1:
            raise VideoError(
                Reason.DAMAGED,
                f"pictures are missing between {show(one[0])} and {show(following[0])}",
            )
    return [match[0] for match in found]


class PictureFolder:
    """A folder of numbered pictures that is taken for a video.

    Args:
        path: The absolute path of the folder.

    Attributes:
        path: The absolute path of the folder.
        pictures: The absolute paths of the pictures in the order of their numbers.
        size: The sizes of the pictures' files in bytes, added up.

    Raises:
        VideoError: It is no folder of one series of pictures without a gap.
        OSError: The folder can't be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with os.scandir(path) as scan:
            names = [entry.name for entry in scan if entry.is_file()]
        self.pictures = [os.path.join(path, name) for name in in_order(names)]  # noqa: PTH118
        self.size = sum(os.stat(picture).st_size for picture in self.pictures)  # noqa: PTH116

    def sha256(self) -> str:
        """The SHA-256 of the bytes of all pictures, one after the other, in hexadecimal."""
        whole = hashlib.sha256()
        for picture in self.pictures:
            with open(picture, "rb") as file:  # noqa: PTH123
                whole.update(file.read())
        return whole.hexdigest()
