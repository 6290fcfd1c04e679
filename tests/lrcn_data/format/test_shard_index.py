from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import ShardError
from lrcn_data.format.shard_index import (
    FIELDS,
    ShardIndex,
    index_text,
    load_pixel_sum,
    member_lines,
)
from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_data.storage.folder import Folder

CANVAS = (4, 3)
NAME = "a.npz"


def index_of(lengths: list[int]) -> ShardIndex:
    length = np.array(lengths, np.int64)
    return ShardIndex(
        offset=np.cumsum(length) - length,
        length=length,
        crc32=np.arange(len(lengths)),
        label=np.arange(len(lengths)),
        num_valid=np.full(len(lengths), 8),
        source=np.arange(len(lengths)) - 1,
    )


def save(
    folder: Path, index: ShardIndex, *, level: int = 100, frames: int = 2, canvas: object = CANVAS
) -> Folder:
    assert isinstance(canvas, tuple)
    pixel_sum = np.full((canvas[1], canvas[0], 3), level * frames, np.int64)
    with (folder / NAME).open("wb") as file:
        index.save(file, pixel_sum, frames)
    return Folder(folder)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    index = index_of([512, 2048, 1024])
    folder = save(tmp_path, index)
    loaded = ShardIndex.load(folder, NAME, samples=3)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(index, name))
    assert loaded.end() == 512 + 2048 + 1024
    pixel_sum, frames = load_pixel_sum(folder, NAME, canvas=CANVAS)
    assert (pixel_sum.shape, frames) == ((3, 4, 3), 2)


@pytest.mark.parametrize(
    ("level", "kind"), [(100, np.uint8), (2**7, np.uint16), (2**24, np.uint32)]
)
def test_sums_take_no_more_bytes_than_they_need(
    tmp_path: Path, level: int, kind: type[np.generic]
) -> None:
    folder = save(tmp_path, index_of([512]), level=level, frames=2)
    assert np.load(tmp_path / NAME)["pixel_sum"].dtype == kind
    if level < 256:
        loaded, _ = load_pixel_sum(folder, NAME, canvas=CANVAS)
        assert loaded.dtype == np.int64
        assert (loaded == level * 2).all()


def test_a_shard_without_samples_ends_where_it_starts() -> None:
    assert index_of([]).end() == 0


def test_an_index_of_another_number_of_samples_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, index_of([512]))
    with pytest.raises(ShardError, match=r"offset as int64 \(1,\) where the manifest asks for"):
        ShardIndex.load(folder, NAME, samples=2)


def test_samples_that_do_not_follow_one_another_are_refused(tmp_path: Path) -> None:
    index = index_of([512, 512])
    index.offset[1] += 512
    folder = save(tmp_path, index)
    with pytest.raises(ShardError, match="samples that don't follow one another"):
        ShardIndex.load(folder, NAME, samples=2)


@pytest.mark.parametrize(("level", "frames"), [(256, 2), (-1, 2), (1, -1)])
def test_sums_that_no_frames_can_have_are_refused(tmp_path: Path, level: int, frames: int) -> None:
    folder = save(tmp_path, index_of([512]))
    sums = np.full((3, 4, 3), level * frames, np.int64)
    np.savez(
        tmp_path / NAME, **{**np.load(tmp_path / NAME), "pixel_sum": sums, "frame_count": frames}
    )
    with pytest.raises(ShardError, match="pixel sums that no frames can have"):
        load_pixel_sum(folder, NAME, canvas=CANVAS)


def test_sums_on_another_canvas_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, index_of([512]), canvas=(3, 4))
    with pytest.raises(ShardError, match="pixel_sum"):
        load_pixel_sum(folder, NAME, canvas=CANVAS)


def test_arrays_of_before_have_no_sources_and_checksums_of_32_bits(tmp_path: Path) -> None:
    index = index_of([512, 1024])
    arrays = {name: getattr(index, name) for name in FIELDS if name != "source"}
    np.savez(tmp_path / NAME, **{**arrays, "crc32": index.crc32.astype(np.uint32)})
    loaded = ShardIndex.load(Folder(tmp_path), NAME, samples=2)
    np.testing.assert_array_equal(loaded.crc32, index.crc32)
    assert loaded.crc32.dtype == np.int64
    assert loaded.source.tolist() == [UNKNOWN_SOURCE] * 2


def test_an_array_that_says_it_is_too_large_is_not_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / NAME, pixel_sum=np.zeros(10**7, np.int64), frame_count=1)
    assert (tmp_path / NAME).stat().st_size < 10**6
    with pytest.raises(ShardError, match="too large an array pixel_sum; fetch the file again"):
        load_pixel_sum(Folder(tmp_path), NAME, canvas=CANVAS)


def test_a_damaged_file_is_one_error_with_a_remedy(tmp_path: Path) -> None:
    folder = save(tmp_path, index_of([512]))
    data = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(data[: len(data) // 2])
    with pytest.raises(ShardError, match=r"can't be read: .*make it anew with `lrcn-data index`"):
        ShardIndex.load(folder, NAME, samples=1)


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=5), st.integers(0, 8))
def test_the_line_of_a_sample_says_where_tarfile_finds_its_members(
    sizes: list[int], blocks_before: int
) -> None:
    endings = [f"{number:03d}.jpg" for number in range(len(sizes))]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for ending, size in zip(endings, sizes, strict=True):
            member = tarfile.TarInfo(f"key.{ending}")
            member.size = size
            tar.addfile(member, io.BytesIO(bytes(size)))
    offset = 512 * blocks_before
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as tar:
        expected = " ".join(
            f"{ending} {offset + member.offset_data} {member.size} {member.name}"
            for ending, member in zip(endings, tar.getmembers(), strict=True)
        )
    assert member_lines(buffer.getvalue(), offset, endings, "key") == expected


def test_the_index_starts_with_its_version_and_the_number_of_samples() -> None:
    assert index_text(["a", "b"]) == b"v1.2 2\na\nb\n"
    assert index_text([]) == b"v1.2 0\n"
