"""The files beside a shard that make it random access: its arrays (.npz) and DALI index (.idx)."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError
from lrcn_data.format.mean_image import Canvas
from lrcn_data.format.sample_members import MAX_SAMPLE_BYTES
from lrcn_data.format.tar_members import BLOCK
from lrcn_data.storage import locations

_NPY_HEADER = 4096


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShardIndex:
    """Where each sample of a shard lies, with its checksum and label.

    Attributes:
        offset: int64 (samples,), the byte in the tar at which the sample's first header starts.
        length: int64 (samples,), the number of bytes from there to the end of the padding of its
            last member.
        crc32: uint32 (samples,), the CRC-32 of those bytes.
        label: int64 (samples,), the class number, counted from 0.
        num_valid: int64 (samples,), the number of frames that are no padding.
    """

    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    crc32: npt.NDArray[np.uint32]
    label: npt.NDArray[np.int64]
    num_valid: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offset)

    @classmethod
    def load(cls, location: str, *, samples: int) -> Self:
        """Read the arrays of a shard's .npz.

        Args:
            location: Location of the .npz.
            samples: Number of samples that the shard has by its manifest.

        Raises:
            ShardError: The arrays can't be read, or don't fit the manifest or each other.
        """
        kinds = {f.name: np.uint32 if f.name == "crc32" else np.int64 for f in fields(cls)}
        arrays = _load(location, dict.fromkeys(kinds, samples * 8))
        for name, kind in kinds.items():
            _check_array(location, name, arrays[name], (samples,), kind)
        index = cls(**arrays)
        lengths_fit = np.all((index.length >= BLOCK) & (index.length <= MAX_SAMPLE_BYTES))
        starts = np.cumsum(index.length) - index.length
        if not lengths_fit or not np.array_equal(index.offset, starts):
            raise ShardError(f"{location} has samples that don't follow one another; {_REMEDY}")
        return index

    def end(self) -> int:
        """The byte in the tar at which the last sample ends."""
        return int(self.offset[-1] + self.length[-1]) if len(self) else 0

    def save(self, file: IO[bytes], pixel_sum: npt.NDArray[np.int64], frame_count: int) -> None:
        """Write the .npz with these arrays and a shard's pixel sums.

        Args:
            file: The file to write into.
            pixel_sum: The sum of all frames on the canvas, int64 (height, width, 3).
            frame_count: Number of frames in the sum.
        """
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        np.savez(file, pixel_sum=pixel_sum, frame_count=np.int64(frame_count), **arrays)


_REMEDY = "fetch the file again, or delete it and make it anew with `lrcn-data index`"


def load_pixel_sum(
    location: str, *, canvas: Canvas, channels: int = 3
) -> tuple[npt.NDArray[np.int64], int]:
    """Read the pixel sums of a shard's .npz.

    Args:
        location: Location of the .npz.
        canvas: (width, height) of the sums by the manifest, in pixels.
        channels: Number of channels of the frames.

    Returns:
        The sums, int64 (height, width, channels), and the number of frames in them.

    Raises:
        ShardError: The sums can't be read, or can't be those of that many frames.
    """
    shape = (canvas[1], canvas[0], channels)
    arrays = _load(location, {"pixel_sum": 8 * math.prod(shape), "frame_count": 8})
    _check_array(location, "pixel_sum", arrays["pixel_sum"], shape, np.int64)
    _check_array(location, "frame_count", arrays["frame_count"], (), np.int64)
    pixel_sum, frame_count = arrays["pixel_sum"], int(arrays["frame_count"])
    if frame_count < 0 or pixel_sum.min() < 0 or pixel_sum.max() > 255 * frame_count:
        raise ShardError(f"{location} has pixel sums that no frames can have; {_REMEDY}")
    return pixel_sum, frame_count


def member_lines(data: bytes, offset: int, endings: Sequence[str], key: str) -> str:
    """Write a sample's line of the .idx: `ext offset size name` of every member.

    Args:
        data: The sample's bytes, which are known to be sound.
        offset: The byte in the tar at which the sample starts.
        endings: The endings of the members' names, in order, such as `000.jpg`.
        key: The sample's key.
    """
    words, position = [], 0
    for ending in endings:
        size = int(data[position + 124 : position + 135], 8)
        words.append(f"{ending} {offset + position + BLOCK} {size} {key}.{ending}")
        position += BLOCK + -(-size // BLOCK) * BLOCK
    return " ".join(words)


def index_text(lines: Iterable[str]) -> bytes:
    """Put the lines of all samples together to the content of an .idx."""
    lines = list(lines)
    return ("\n".join([f"v1.2 {len(lines)}", *lines]) + "\n").encode()


def _load(location: str, most_bytes: dict[str, int]) -> dict[str, Any]:
    """Read arrays of a .npz, each of at most the given number of bytes, by their names."""
    try:
        with locations.open_binary(location) as file:
            with zipfile.ZipFile(file) as archive:
                for name, most in most_bytes.items():
                    file_info = archive.getinfo(f"{name}.npy")
                    # what is not compressed can't be larger than the file
                    if file_info.compress_type != zipfile.ZIP_STORED:
                        raise ShardError(f"{location} has a compressed array {name}; {_REMEDY}")
                    if file_info.file_size > most + _NPY_HEADER:
                        raise ShardError(f"{location} has too large an array {name}; {_REMEDY}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in most_bytes}
    except ShardError:
        raise
    except Exception as error:
        # zipfile and numpy raise a dozen kinds of errors on damaged bytes
        raise ShardError(f"{location} can't be read: {error}; {_REMEDY}") from error


def _check_array(
    location: str, name: str, array: Any, shape: tuple[int, ...], kind: type[np.generic]
) -> None:
    if not isinstance(array, np.ndarray):
        raise ShardError(f"{location} has something else than an array as {name}; {_REMEDY}")
    if array.dtype != kind or array.shape != shape:
        raise ShardError(
            f"{location} has {name} as {array.dtype} {array.shape} where the manifest asks for"
            f" {np.dtype(kind)} {shape}; {_REMEDY}"
        )
