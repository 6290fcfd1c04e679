"""Where each sample of a shard lies: as arrays beside a shard (.npz), and as a DALI index (.idx).

The arrays of all shards of a split stand together in one file once the data set is complete; see
`split_index`.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError
from lrcn_data.format.class_sets import from_words, multi_hot, to_words
from lrcn_data.format.index_form import IN_TIME, IndexForm
from lrcn_data.format.mean_image import Canvas
from lrcn_data.format.sample_members import MAX_SAMPLE_BYTES
from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_data.format.tar_members import BLOCK
from lrcn_data.storage.folder import Folder

_NPY_HEADER = 4096

_SUMS = (np.uint8, np.uint16, np.uint32)
"""The types in which pixel sums are written where they fit, instead of int64."""

ALIKE = IndexForm()
"""The form of an index that has what all have."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShardIndex:
    """Where each sample of a shard lies, with its checksum and label.

    Attributes:
        offset: int64 (samples,), the byte in the tar at which the sample's first header starts.
        length: int64 (samples,), the number of bytes from there to the end of the padding of its
            last member.
        crc32: int64 (samples,), the CRC-32 of those bytes.
        label: int64 (samples,), the class number, counted from 0; -1 where samples have sets, or
            where labels are in time and no frame of the sample has one.
        num_valid: int64 (samples,), the number of frames that are no padding.
        source: int64 (samples,), the `sources.source_number` of the input file that the sample is
            from, or `UNKNOWN_SOURCE`.
        sets: int64 (words, samples), the set of classes, as `class_sets` has it; None where every
            sample has one class.
        position: int64 (samples,), the number of the sample's first frame in the fps stream of its
            video, counted from 0; None where labels are not in time.
        clip: int64 (samples,), the number of the sample in its video, whose samples lie one after
            another: another video begins where it is 0. Where it isn't at the start of a tar, the
            video goes on from the end of the tar before it. None where labels are not in time.
        frame_labels: int64 (words, samples), the class of each frame, as `frame_classes` has them;
            None where labels are not in time.
    """

    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    crc32: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    num_valid: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    sets: npt.NDArray[np.int64] | None = None
    position: npt.NDArray[np.int64] | None = None
    clip: npt.NDArray[np.int64] | None = None
    frame_labels: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.offset)

    @classmethod
    def of_rows(cls, rows: npt.NDArray[np.int64], form: IndexForm = ALIKE) -> Self:
        """Make an index of an array's rows, int64 (rows, samples), without a copy."""
        alike, rows = rows[: len(FIELDS)], rows[len(FIELDS) :]
        sets, rows = rows[: form.words], rows[form.words :]
        in_time, frame_labels = rows[: len(form.fields)], rows[len(form.fields) :]
        return cls(
            **dict(zip(FIELDS, alike, strict=True)),
            sets=sets if form.words else None,
            **dict(zip(form.fields, in_time, strict=True)),
            frame_labels=frame_labels if form.in_time else None,
        )

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """All fields as the rows of one array, int64 (rows, samples)."""
        sets = () if self.sets is None else self.sets
        in_time = (getattr(self, name) for name in self.form.fields)
        frames = () if self.frame_labels is None else self.frame_labels
        return np.stack([*(getattr(self, name) for name in FIELDS), *sets, *in_time, *frames])

    @property
    def form(self) -> IndexForm:
        """Which rows there are."""
        words = 0 if self.sets is None else len(self.sets)
        frame_words = 0 if self.frame_labels is None else len(self.frame_labels)
        return IndexForm(words=words, frame_words=frame_words)

    def classes_at(self, position: int) -> list[int]:
        """The class numbers of a sample, ascending."""
        if self.sets is None:
            return [int(self.label[position])]
        return from_words(self.sets[:, position].tolist())

    def class_counts(self, classes: int) -> npt.NDArray[np.int64]:
        """The number of samples that have each class, int64 (classes,)."""
        if self.sets is None:
            return np.bincount(self.label[self.label >= 0], minlength=classes)
        counts: npt.NDArray[np.int64] = multi_hot(self.sets, classes).sum(axis=0, dtype=np.int64)
        return counts

    def has_only_classes(self, classes: int) -> bool:
        """Whether all samples are of classes below a number."""
        if self.sets is None:
            least = 0 if self.position is None else -1
            return bool(np.all((self.label >= least) & (self.label < classes)))
        possible = np.array(to_words(range(classes), len(self.sets)), np.int64)
        return bool(np.all(self.label == -1) and not np.any(self.sets & ~possible[:, None]))

    @classmethod
    def load(cls, folder: Folder, name: str, *, samples: int, form: IndexForm = ALIKE) -> Self:
        """Read the arrays of a shard's .npz.

        Args:
            folder: The data set's folder.
            name: The name of the .npz in it.
            samples: Number of samples that the shard has by its manifest.
            form: Which arrays there are beside those that all have.

        Raises:
            ShardError: The arrays can't be read, or don't fit the manifest or each other.
        """
        location = folder.at(name)
        most_bytes = dict.fromkeys((*FIELDS, *form.fields), samples * 8)
        several = {name: rows for name, rows in form.several_rows.items() if rows}
        most_bytes |= {name: samples * rows * 8 for name, rows in several.items()}
        arrays = load_arrays(folder, name, most_bytes, may_lack=("source",))
        if arrays["crc32"].dtype == np.uint32:
            # of an older version, which kept no sources
            arrays["crc32"] = arrays["crc32"].astype(np.int64)
            arrays["source"] = np.full(samples, UNKNOWN_SOURCE, np.int64)
        for field in (*FIELDS, *form.fields):
            check_array(location, field, arrays.get(field), (samples,))
        for field, rows in several.items():
            check_array(location, field, arrays[field], (rows, samples))
        index = cls(**arrays)
        if not index.is_in_order:
            raise ShardError(f"{location} has samples that don't follow one another; {REMEDY}")
        return index

    @property
    def is_in_order(self) -> bool:
        """Whether the samples have possible lengths and follow one another from byte 0 on."""
        lengths_fit = np.all((self.length >= BLOCK) & (self.length <= MAX_SAMPLE_BYTES))
        starts = np.cumsum(self.length) - self.length
        return bool(lengths_fit and np.array_equal(self.offset, starts))

    def end(self) -> int:
        """The byte in the tar at which the last sample ends."""
        return int(self.offset[-1] + self.length[-1]) if len(self) else 0

    def save(
        self, file: IO[bytes], pixel_sum: npt.NDArray[np.int64] | None, frame_count: int
    ) -> None:
        """Write the .npz with these arrays and a shard's pixel sums.

        Args:
            file: The file to write into.
            pixel_sum: The sum of all frames on the canvas, int64 (height, width, channels); None
                where the shard's frames are not summed up.
            frame_count: Number of frames in the sum.
        """
        names = (*FIELDS, *self.form.fields, *self.form.several_rows)
        arrays = {name: getattr(self, name) for name in names}
        arrays = {name: array for name, array in arrays.items() if array is not None}
        if pixel_sum is not None:
            # a quarter of the bytes, for the few frames that a shard mostly has
            smallest = np.min_scalar_type(int(pixel_sum.max(initial=0)))
            arrays |= {
                "pixel_sum": pixel_sum.astype(smallest),
                "frame_count": np.int64(frame_count),
            }
        np.savez(file, **arrays)


FIELDS = tuple(f.name for f in fields(ShardIndex) if f.name not in (*IN_TIME, *ALIKE.several_rows))
"""The names of the fields of one row that all indices have, in the order in which they stand."""

REMEDY = "fetch the file again, or delete it and make it anew with `lrcn-data index`"


def load_pixel_sum(
    folder: Folder, name: str, *, canvas: Canvas, channels: int = 3
) -> tuple[npt.NDArray[np.int64], int]:
    """Read the pixel sums of a .npz.

    Args:
        folder: The data set's folder.
        name: The name of the .npz in it.
        canvas: (width, height) of the sums by the manifest, in pixels.
        channels: Number of channels of the frames.

    Returns:
        The sums, int64 (height, width, channels), and the number of frames in them.

    Raises:
        ShardError: The sums can't be read, or can't be those of that many frames.
    """
    location = folder.at(name)
    shape = (canvas[1], canvas[0], channels)
    arrays = load_arrays(folder, name, {"pixel_sum": 8 * math.prod(shape), "frame_count": 8})
    pixel_sum = arrays["pixel_sum"]
    if pixel_sum.dtype in _SUMS:
        pixel_sum = pixel_sum.astype(np.int64)
    check_array(location, "pixel_sum", pixel_sum, shape)
    check_array(location, "frame_count", arrays["frame_count"], ())
    return check_sum(location, pixel_sum, int(arrays["frame_count"]))


def check_sum(
    location: str, pixel_sum: npt.NDArray[np.int64], frame_count: int
) -> tuple[npt.NDArray[np.int64], int]:
    """Refuse a sum that can't be that of so many frames, or return both.

    Raises:
        ShardError: No frames can have such a sum.
    """
    if frame_count < 0 or pixel_sum.min() < 0 or pixel_sum.max() > 255 * frame_count:
        raise ShardError(f"{location} has pixel sums that no frames can have; {REMEDY}")
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


def load_arrays(
    folder: Folder, name: str, most_bytes: Mapping[str, int], *, may_lack: Collection[str] = ()
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of a .npz.

    Args:
        folder: The data set's folder.
        name: The name of the .npz in it.
        most_bytes: The largest number of bytes that each array may have, by the arrays' names.
        may_lack: The names of those that the file may lack.

    Returns:
        The arrays by their names.

    Raises:
        ShardError: The file can't be read, or has no such array, or one that is too large.
    """
    location = folder.at(name)
    try:
        with folder.open(name) as file, zipfile.ZipFile(file) as archive:
            there = set(archive.namelist())
            arrays = {}
            for field, most in most_bytes.items():
                if field in may_lack and f"{field}.npy" not in there:
                    continue
                # what an archive says of a size is what is read of it at most
                if archive.getinfo(f"{field}.npy").file_size > most + _NPY_HEADER:
                    raise ShardError(f"{location} has too large an array {field}; {REMEDY}")
                # np.load would read the archive's table once more
                with archive.open(f"{field}.npy") as member:
                    arrays[field] = np.lib.format.read_array(member, allow_pickle=False)
            return arrays
    except ShardError:
        raise
    except Exception as error:
        # zipfile and numpy raise a dozen kinds of errors on damaged bytes
        raise ShardError(f"{location} can't be read: {error}; {REMEDY}") from error


def check_array(location: str, name: str, array: Any, shape: tuple[int, ...]) -> None:
    """Refuse what is no array of whole numbers in a shape.

    Raises:
        ShardError: It is none.
    """
    if not isinstance(array, np.ndarray):
        raise ShardError(f"{location} has something else than an array as {name}; {REMEDY}")
    if array.dtype != np.int64 or array.shape != shape:
        raise ShardError(
            f"{location} has {name} as {array.dtype} {array.shape} where the manifest asks for"
            f" int64 {shape}; {REMEDY}"
        )
