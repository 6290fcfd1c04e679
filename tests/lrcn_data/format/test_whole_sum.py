from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lrcn_data.errors import ShardError
from lrcn_data.format.whole_sum import load_whole_sum, pack, save_whole_sum, summed_tars, unpack
from lrcn_data.storage.folder import Folder

SHA256S = {"ab" * 32, "cd" * 32}


@given(arrays(np.int64, array_shapes(min_dims=3, max_dims=3), elements=st.integers(0, 2**62)))
def test_what_is_packed_is_unpacked(sums: np.ndarray) -> None:
    assert np.array_equal(unpack(pack(sums)), sums)


def test_smooth_sums_take_few_bytes() -> None:
    smooth = np.add.outer(np.arange(48) * 90_000, np.arange(64) * 70_000)[..., None].repeat(3, 2)
    assert pack(smooth)[:, 1:, 1:, 1:].any() == 0
    assert len(pack(np.zeros((2, 2, 3), np.int64))) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / ".meta").mkdir()
    return Folder(tmp_path)


def test_what_is_saved_is_loaded_again(folder: Folder) -> None:
    assert summed_tars(folder, most=9) == set()
    sums = np.random.default_rng(0).integers(0, 255 * 40, (6, 8, 3))
    save_whole_sum(folder, sums, 40, SHA256S)
    loaded, frames = load_whole_sum(folder, canvas=(8, 6), channels=3)
    assert np.array_equal(loaded, sums)
    assert frames == 40
    assert summed_tars(folder, most=2) == SHA256S


def test_a_sum_that_no_frames_can_have_is_refused(folder: Folder) -> None:
    save_whole_sum(folder, np.full((6, 8, 3), 256), 1, SHA256S)
    with pytest.raises(ShardError, match="pixel sums that no frames can have"):
        load_whole_sum(folder, canvas=(8, 6), channels=3)


def test_a_sum_on_another_canvas_is_refused(folder: Folder) -> None:
    save_whole_sum(folder, np.zeros((6, 8, 3), np.int64), 1, SHA256S)
    with pytest.raises(ShardError, match="no sum on the manifest's canvas"):
        load_whole_sum(folder, canvas=(6, 8), channels=3)
    np.savez_compressed(folder.path / ".meta/pixel_sum.npz", planes=np.zeros(10**6, np.uint8))
    with pytest.raises(ShardError, match="too large an array planes"):
        load_whole_sum(folder, canvas=(8, 6), channels=3)
