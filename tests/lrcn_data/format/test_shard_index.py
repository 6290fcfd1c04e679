from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import ShardError
from lrcn_data.format.shard_index import ShardIndex, index_text, load_pixel_sum, member_lines

CANVAS = (4, 3)


def index_of(lengths: list[int]) -> ShardIndex:
    length = np.array(lengths, np.int64)
    return ShardIndex(
        offset=np.cumsum(length) - length,
        length=length,
        crc32=np.arange(len(lengths), dtype=np.uint32),
        label=np.arange(len(lengths)),
        num_valid=np.full(len(lengths), 8),
    )


def save(
    path: Path, index: ShardIndex, *, level: int = 100, frames: int = 2, canvas: object = CANVAS
) -> str:
    assert isinstance(canvas, tuple)
    pixel_sum = np.full((canvas[1], canvas[0], 3), level * frames, np.int64)
    with path.open("wb") as file:
        index.save(file, pixel_sum, frames)
    return str(path)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    index = index_of([512, 2048, 1024])
    location = save(tmp_path / "a.npz", index)
    loaded = ShardIndex.load(location, samples=3)
    for name in ("offset", "length", "crc32", "label", "num_valid"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(index, name))
    assert loaded.end() == 512 + 2048 + 1024
    pixel_sum, frames = load_pixel_sum(location, canvas=CANVAS)
    assert (pixel_sum.shape, frames) == ((3, 4, 3), 2)


def test_a_shard_without_samples_ends_where_it_starts() -> None:
    assert index_of([]).end() == 0


def test_an_index_of_another_number_of_samples_is_refused(tmp_path: Path) -> None:
    location = save(tmp_path / "a.npz", index_of([512]))
    with pytest.raises(ShardError, match=r"offset as int64 \(1,\) where the manifest asks for"):
        ShardIndex.load(location, samples=2)


def test_samples_that_do_not_follow_one_another_are_refused(tmp_path: Path) -> None:
    index = index_of([512, 512])
    index.offset[1] += 512
    location = save(tmp_path / "a.npz", index)
    with pytest.raises(ShardError, match="samples that don't follow one another"):
        ShardIndex.load(location, samples=2)


@pytest.mark.parametrize(("level", "frames"), [(256, 2), (-1, 2), (1, -1)])
def test_sums_that_no_frames_can_have_are_refused(tmp_path: Path, level: int, frames: int) -> None:
    location = save(tmp_path / "a.npz", index_of([512]), level=level, frames=frames)
    with pytest.raises(ShardError, match="pixel sums that no frames can have"):
        load_pixel_sum(location, canvas=CANVAS)


def test_sums_on_another_canvas_are_refused(tmp_path: Path) -> None:
    location = save(tmp_path / "a.npz", index_of([512]), canvas=(3, 4))
    with pytest.raises(ShardError, match="pixel_sum"):
        load_pixel_sum(location, canvas=CANVAS)


def test_compressed_arrays_are_refused_since_they_could_be_of_any_size(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", pixel_sum=np.zeros((3, 4, 3), np.int64), frame_count=1)
    with pytest.raises(ShardError, match="a compressed array pixel_sum; fetch the file again"):
        load_pixel_sum(str(tmp_path / "a.npz"), canvas=CANVAS)


def test_a_damaged_file_is_one_error_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    data = Path(save(path, index_of([512]))).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ShardError, match=r"can't be read: .*make it anew with `lrcn-data index`"):
        ShardIndex.load(str(path), samples=1)


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
