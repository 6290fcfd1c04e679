"""The pixel sum of all shards that will not change any more, in one small file.

Neighbouring sums are alike, so each is stored as its difference to those beside it, in bytes that
compress well: half as many as compressing the sums themselves takes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError
from lrcn_data.format.file_names import PIXEL_SUM
from lrcn_data.format.sample_members import MAX_PIXELS
from lrcn_data.format.shard_index import REMEDY, check_array, check_sum, load_arrays
from lrcn_data.size import Size
from lrcn_data.storage.folder import Folder


def save_whole_sum(
    folder: Folder, pixel_sum: npt.NDArray[np.int64], frame_count: int, sha256s: set[str]
) -> None:
    """Write the pixel sum of all shards that will not change any more.

    Args:
        folder: The data set's folder.
        pixel_sum: int64 (height, width, channels).
        frame_count: The number of frames in it.
        sha256s: The SHA-256 of each tar that it is of, in hexadecimal.

    Raises:
        OSError: The file can't be written.
    """
    tars = np.frombuffer(bytes.fromhex("".join(sorted(sha256s))), np.uint8).reshape(-1, 32)
    with folder.create(PIXEL_SUM) as file:
        np.savez_compressed(
            file, planes=pack(pixel_sum), frame_count=np.int64(frame_count), sha256=tars
        )


def load_whole_sum(
    folder: Folder, *, canvas: Size, channels: int
) -> tuple[npt.NDArray[np.int64], int]:
    """Read the pixel sum that `save_whole_sum` has written.

    Args:
        folder: The data set's folder.
        canvas: (width, height) of the sum by the manifest, in pixels.
        channels: Number of channels of the frames.

    Returns:
        The sum, int64 (height, width, channels), and the number of frames in it.

    Raises:
        ShardError: The sum can't be read, or can't be that of so many frames.
    """
    location = folder.at(PIXEL_SUM)
    shape = (canvas[1], canvas[0], channels)
    arrays = load_arrays(folder, PIXEL_SUM, {"planes": 8 * math.prod(shape), "frame_count": 8})
    planes = arrays["planes"]
    if planes.dtype != np.uint8 or planes.shape[1:] != shape:
        raise ShardError(f"{location} has no sum on the manifest's canvas; {REMEDY}")
    check_array(location, "frame_count", arrays["frame_count"], ())
    return check_sum(location, unpack(planes), int(arrays["frame_count"]))


def summed_tars(folder: Folder, *, most: int) -> set[str]:
    """The SHA-256 of each tar that the pixel sum is of; none where there is no such file.

    Args:
        folder: The data set's folder.
        most: The largest number of tars that there can be.

    Raises:
        ShardError: The file can't be read.
    """
    if not folder.has(PIXEL_SUM):
        return set()
    # the planes are read too, by which damage to them is noticed
    most_bytes = {"sha256": 32 * most, "planes": 64 * MAX_PIXELS}
    array = load_arrays(folder, PIXEL_SUM, most_bytes)["sha256"]
    if array.dtype != np.uint8 or array.shape[1:] != (32,):
        raise ShardError(f"{folder.at(PIXEL_SUM)} doesn't say which tars it is of; {REMEDY}")
    return {row.tobytes().hex() for row in array}


def pack(sums: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Write sums as bytes that compress well.

    Along each axis the difference to the number before is taken; what comes out is made positive,
    0, -1, 1, -2 being 0, 1, 2, 3; and the lowest bytes of all numbers come first, then those above.

    Args:
        sums: int64 (height, width, channels).

    Returns:
        uint8 (planes, height, width, channels), as many planes as the largest number has bytes.
    """
    for axis in range(sums.ndim):
        sums = np.diff(sums, axis=axis, prepend=0)
    positive = (sums << 1) ^ (sums >> 63)
    planes = positive.astype("<u8")[..., None].view(np.uint8)
    used = max(1, -(-int(positive.view(np.uint64).max(initial=0)).bit_length() // 8))
    return np.ascontiguousarray(np.moveaxis(planes[..., :used], -1, 0))


def unpack(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The sums, int64 (height, width, channels), that `pack` has written as planes of up to 8."""
    positive = np.zeros(planes.shape[1:], np.uint64)
    for number, plane in enumerate(planes[:8]):
        positive |= plane.astype(np.uint64) << np.uint64(8 * number)
    sums = (positive >> np.uint64(1)).view(np.int64) ^ -(positive & np.uint64(1)).view(np.int64)
    for axis in range(sums.ndim):
        sums = np.cumsum(sums, axis=axis)
    return sums
