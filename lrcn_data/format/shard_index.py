"""The files beside a shard that make it random access: its arrays (.npz) and DALI index (.idx)."""

from __future__ import annotations

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
    """Place, checksum and label of each sample of a shard.

    Attributes:
        offset: int64 (samples,), where the sample's first header starts in the tar.
        length: int64 (samples,), bytes from there to the end of its last member's padding.
        crc32: uint32 (samples,), of those bytes.
        label: int64 (samples,), class number from 0.
        num_valid: int64 (samples,), real frames.
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
            location: The .npz.
            samples: How many the manifest says there are.

        Raises:
            ShardError: They can't be read, or fit neither the manifest nor each other.
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
        """Where the last sample ends."""
        return int(self.offset[-1] + self.length[-1]) if len(self) else 0

    def save(self, file: IO[bytes], pixel_sum: npt.NDArray[np.int64], frame_count: int) -> None:
        """Write the .npz with these arrays and a shard's pixel sums."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        np.savez(file, pixel_sum=pixel_sum, frame_count=np.int64(frame_count), **arrays)


_REMEDY = "fetch the file again, or delete it and make it anew with `lrcn-data index`"


def load_pixel_sum(location: str, *, canvas: Canvas) -> tuple[npt.NDArray[np.int64], int]:
    """Read the pixel sums of a shard's .npz.

    Args:
        location: The .npz.
        canvas: (width, height) that the manifest says.

    Returns:
        The sums, int64 (height, width, 3), and the number of frames in them.

    Raises:
        ShardError: They can't be read, or can't be sums of that many frames.
    """
    shape = (canvas[1], canvas[0], 3)
    arrays = _load(location, {"pixel_sum": 8 * canvas[0] * canvas[1] * 3, "frame_count": 8})
    _check_array(location, "pixel_sum", arrays["pixel_sum"], shape, np.int64)
    _check_array(location, "frame_count", arrays["frame_count"], (), np.int64)
    pixel_sum, frame_count = arrays["pixel_sum"], int(arrays["frame_count"])
    if frame_count < 0 or pixel_sum.min() < 0 or pixel_sum.max() > 255 * frame_count:
        raise ShardError(f"{location} has pixel sums that no frames can have; {_REMEDY}")
    return pixel_sum, frame_count


def member_lines(data: bytes, offset: int, endings: Sequence[str], key: str) -> str:
    """A sample's line of the .idx: `ext offset size name` of every member.

    Args:
        data: The sample's bytes, already found sound.
        offset: Where they start in the tar.
        endings: Of the members, in order.
        key: The sample's.
    """
    words, position = [], 0
    for ending in endings:
        size = int(data[position + 124 : position + 135], 8)
        words.append(f"{ending} {offset + position + BLOCK} {size} {key}.{ending}")
        position += BLOCK + -(-size // BLOCK) * BLOCK
    return " ".join(words)


def index_text(lines: Iterable[str]) -> bytes:
    """The bytes of an .idx with these samples' lines."""
    lines = list(lines)
    return ("\n".join([f"v1.2 {len(lines)}", *lines]) + "\n").encode()


def _load(location: str, most_bytes: dict[str, int]) -> dict[str, Any]:
    """Arrays of a .npz, each up to so many bytes."""
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
