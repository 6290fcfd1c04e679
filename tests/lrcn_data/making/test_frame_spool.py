"""Encoded frames that wait for the rest of their video, in memory and on the disk."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.format.rgb_jpeg import RgbJpeg
from lrcn_data.making import frame_spool
from lrcn_data.making.frame_encoder import FrameEncoder
from lrcn_data.making.frame_spool import FrameSpool


def encoder() -> FrameEncoder:
    return FrameEncoder(kind=RgbJpeg(), size=None, canvas=(32, 24), quality=90)


@pytest.mark.parametrize("in_memory", [1000, 1 << 20])
def test_frames_come_out_as_they_went_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(frame_spool, "_IN_MEMORY", in_memory)
    frames = np.random.default_rng(0).integers(0, 255, (20, 24, 32, 3), np.uint8)
    with closing(FrameSpool(encoder(), tmp_path)) as spool:
        for video in (frames, frames[::-1]):
            spool.begin()
            kept = [spool.keep(frame, 0, None, 1) for frame in video]
            alone = encoder()
            encoded = [alone.keep(frame, 0, None, 1) for frame in video]
            assert [spool.load(place) for place in kept] == encoded
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_no_fault_of_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        closing(FrameSpool(encoder(), tmp_path)) as spool,
        Path("/dev/full").open("r+b", buffering=0) as full,
    ):
        monkeypatch.setattr(frame_spool, "_IN_MEMORY", 0)
        monkeypatch.setattr(spool, "_file", full)
        with pytest.raises(LrcnError, match="No space left on device; free some space"):
            spool.keep(np.zeros((24, 32, 3), np.uint8), 0, None, 1)
