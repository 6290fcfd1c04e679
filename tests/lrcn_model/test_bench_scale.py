"""The pieces of the benchmarks of scale, at tiny sizes, and what is computed of their figures."""

from __future__ import annotations

import importlib
import mmap
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"
CLIPS = 2_500

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("scale")


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("scale_costs")


def test_the_generated_data_set_is_one_and_is_opened_ordered_and_resumed(
    scale: Any, tmp_path: Path
) -> None:
    scale.generate_data_set(tmp_path, CLIPS)
    data = scale.opened(tmp_path)()
    assert [len(index) for index in data.data_set.indices] == [1000, 1000, 500]
    copy = scale.copied(tmp_path)()
    assert copy.labels.tolist() == data.labels.tolist()
    for prepare in (scale.put_in_order, scale.put_in_windows):
        assert sorted(prepare(tmp_path)().tolist()) == list(range(CLIPS))
    assert len(scale.balanced(tmp_path)()) == CLIPS
    scale.resumed(tmp_path)()


def test_work_is_timed_in_a_process_of_its_own(scale: Any, tmp_path: Path) -> None:
    scale.generate_list(tmp_path / "train.txt", 400)
    taken = scale.take(scale.planned, tmp_path / "train.txt")
    assert 0 < taken.seconds < 30
    assert 5 < taken.megabytes < 300


def test_memory_of_its_own_is_not_that_of_files(scale: Any, tmp_path: Path) -> None:
    megabytes = 64
    path = tmp_path / "mapped"
    np.ones(megabytes * 125_000).tofile(path)
    before = scale.own_memory(os.getpid())
    mapped = np.memmap(path, np.float64, "r")
    assert mapped.sum() == len(mapped)
    assert scale.own_memory(os.getpid()) - before < megabytes / 4
    # not from memory that was freed, of which this process may have much
    with mmap.mmap(-1, mapped.nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as own:
        np.frombuffer(own, np.float64)[:] = 1
        assert scale.own_memory(os.getpid()) - before > megabytes * 3 / 4


LOG = """127.0.0.1 - - [x] "HEAD /bench/o/a.tar HTTP/1.1" 200 -
127.0.0.1 - - [x] "\x1b[35m\x1b[1mGET /bench/o/a.tar HTTP/1.1\x1b[0m" 206 -
127.0.0.1 - - [x] "GET /bench?delimiter=/&list-type=2&prefix=o/ HTTP/1.1" 200 -
127.0.0.1 - - [x] "PUT /bench/o/a.tar HTTP/1.1" 200 -
127.0.0.1 - - [x] "POST /bench/o/a.tar?uploads HTTP/1.1" 200 -
127.0.0.1 - - [x] "POST /bench?delete HTTP/1.1" 200 -
"""


def test_requests_are_told_apart_by_what_is_paid_for_them(costs: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n" + LOG)
    assert costs.count(log, len("before\n")) == costs.Requests(put=3, get=2)
    assert costs.Requests(put=3, get=2).dollars(0.005, 0.0004) == pytest.approx(15.8e-6)


def test_what_many_videos_take_is_computed_of_what_one_takes(costs: Any) -> None:
    one = costs.OneVideo(
        cpu=0.01,
        tar_bytes=100_000,
        meta_bytes=700,
        entry_bytes=250,
        of_video=costs.Requests(put=0, get=3),
        of_shard=costs.Requests(put=4, get=14),
        of_opening=costs.Requests(put=1, get=6),
    )
    # 100 shards of a megabyte each
    assert costs.making(one, 1000) == costs.Requests(put=1 + 1.6 + 400, get=3000 + 1400)
    # 1,000 shards of 100 MB, each in 12 parts, and one request at the end of these
    million = costs.making(one, 1_000_000)
    assert million == costs.Requests(put=1000 + 16 + 4000 + 13_000, get=3_000_000 + 14_000)
    assert costs.opening(one, 1000) == costs.Requests(put=1, get=6)
    assert costs.opening(one, 100_000_000).put == 100
    table = {row[0]: row[1:] for row in costs.rows(one, 0.005, 0.0004)}
    assert table["CPU hours of making"] == ["0.003", "2.778", "277.778"]
    assert table["GB of tars"] == ["0.10", "100.00", "10,000.00"]
    assert table["an epoch into the cache: requests that read"] == ["300", "14,000", "1,400,000"]
