"""Rejected videos: which are shown, and what of them is decoded, each in a worker."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.errors import UsageError
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import Rejection
from lrcn_data.inspecting.rejected_frames import LAST, read_last_frames
from lrcn_data.inspecting.rejected_preview import choose_rejections, draw_rejected
from tests.lrcn_data.conftest import WriteVideo

MANIFEST = Manifest(options={"fps": "5", "seq_len": 8}, classes=["a"])


def rejection(path: str, reason: str = "damaged") -> Rejection:
    return Rejection(path=path, split="train", reason=reason, detail="x")


def test_the_last_good_frames_are_those_before_the_damage(
    tmp_path: Path, write_video: WriteVideo
) -> None:
    whole = write_video("whole.mkv", frames=60, fps=10)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    write_video("few.avi", frames=3, fps=10)
    (tmp_path / "none.mp4").write_bytes(b"")
    names = ["whole.mkv", "cut.mkv", "few.avi", "none.mp4", "gone.mp4", "../outside.mp4"]
    found = read_last_frames([rejection(name) for name in names], MANIFEST, root=str(tmp_path))
    whole_found, cut, few, none, gone, outside = found
    # as far apart as at --fps 5, in the order of time
    assert whole_found.times == pytest.approx([4.9, 5.1, 5.3, 5.5, 5.7, 5.9])
    assert len(cut.pictures) == LAST
    assert 1 < cut.times[-1] < 4
    assert np.allclose(np.diff(cut.times), 0.2)
    assert few.times == pytest.approx([0, 0.2])
    assert all(picture.shape == (112, 149, 3) for picture in few.pictures)
    assert none.problem == "the file is empty"
    assert gone.problem == f"it is not in --root {tmp_path}"
    assert outside.problem == f"it lies outside of --root {tmp_path}"
    assert [*none.pictures, *gone.pictures, *outside.pictures] == []


def test_a_video_that_ends_its_worker_costs_no_other(
    tmp_path: Path, write_video: WriteVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrcn_data.inspecting import rejected_frames

    monkeypatch.setattr(rejected_frames, "decode_last_frames", ends_its_worker)
    write_video("a.mp4")
    write_video("bad.mp4")
    found = read_last_frames(
        [rejection("bad.mp4"), rejection("a.mp4")], MANIFEST, root=str(tmp_path)
    )
    assert found[0].problem == "the decoder's process ended 2 times with SIGKILL"
    assert found[1].pictures


def ends_its_worker(job, started, ended):  # type: ignore[no-untyped-def]
    import os
    import signal

    from lrcn_data.inspecting.rejected_frames import decode_last_frames

    if job.shard.name == "bad.mp4" and not job.quarantine:
        started(0)
        os.kill(os.getpid(), signal.SIGKILL)
    return decode_last_frames(job, started, ended)


def test_reasons_are_shown_evenly() -> None:
    reasons = ["short"] * 90 + ["damaged"] * 9 + ["missing"]
    all_of_them = [rejection(f"{n}.mp4", reason) for n, reason in enumerate(reasons)]
    chosen = choose_rejections(all_of_them, 9, 0)
    assert Counter(one.reason for one in chosen) == {"short": 4, "damaged": 4, "missing": 1}
    assert chosen == choose_rejections(all_of_them, 9, 0)
    assert chosen != choose_rejections(all_of_them, 9, 1)
    assert len(choose_rejections(all_of_them, 1000, 0)) == 100


def test_a_data_set_without_rejected_videos_has_no_sheet(tmp_path: Path, make_data_set) -> None:  # type: ignore[no-untyped-def]
    folder = make_data_set()
    assert draw_rejected(folder, root=tmp_path).total == 2
    (folder / "rejected.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="has no rejected video to show"):
        draw_rejected(folder, root=tmp_path)
