"""A sampling of one's own: every second frame, from the video's middle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.format.records import SampleRecord
from lrcn_data.format.shard_reader import open_data_set
from tests.extending.conftest import Outside

pytestmark = pytest.mark.slow

MODULE = """
from dataclasses import dataclass

from lrcn_data.sampling.sampling import Sampling

__version__ = "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class FromTheMiddle(Sampling):
    step: int = 2

    def choose(self, positions, draw):
        span = self.step * (self.seq_len - 1) + 1
        first = max(positions.start, min(len(positions) // 2, positions.stop - span))
        chosen = range(first, positions.stop, self.step)[: self.seq_len]
        return [tuple(chosen)] if len(chosen) == self.seq_len else []
"""
NAME = "my_sampling:FromTheMiddle"


def test_a_sampling_of_ones_own_goes_all_the_way(outside: Outside) -> None:
    outside.write_module("my_sampling", MODULE)
    shard = ("--sampling", NAME, "--seq-len", "3", "--fps", "10")
    outside.run("lrcn-data shard", *shard)
    manifest = json.loads((outside.folder / "shards/dataset.json").read_text())
    assert manifest["options"]["sampling"] == NAME
    assert manifest["options"]["sampling_values"] == {"step": 2}
    assert manifest["options"]["plugins"] == {NAME: "1"}
    assert f"sampled by {NAME}" in (outside.folder / "shards/README.md").read_text()
    for record in records(outside.folder / "shards"):
        gaps = np.diff(record.frame_times)
        # every second frame of ten a second, as near as the source's frames allow
        assert np.all((gaps > 0.15) & (gaps < 0.25))
        assert record.frame_times[0] == pytest.approx(record.segment[1] / 2, abs=0.1)

    outside.train()
    # a video is sampled as those of the training were
    video = next((outside.folder / "videos").rglob("*.*"))
    said = outside.call("lrcn-predict", "run", video, code=2)
    assert f"give --sampling {NAME}" in said
    predict = ["run", video, "--sampling", NAME, "--json"]
    prediction = json.loads(outside.call("lrcn-predict", *predict))
    assert prediction["error"] is None
    # what has been sampled is read without the plug-in
    (outside.modules / "my_sampling.py").unlink()
    result = json.loads(outside.call("lrcn-eval", "run", "--shards", "shards", "--json"))
    assert result["videos"] == 6

    outside.write_module("my_sampling", MODULE.replace('"1"', '"2"'))
    said = outside.run("lrcn-data shard", *shard, code=1)
    assert f"the version of {NAME} was 1, is 2; use another --out" in said


def test_values_that_a_sampling_of_ones_own_has_no_field_for_are_refused(outside: Outside) -> None:
    outside.write_module("my_sampling", MODULE)
    said = outside.run("lrcn-data shard", "--sampling", NAME, "--stride", "2", code=2)
    assert said == f"error: --stride goes with --sampling windows, not {NAME}\n"
    said = outside.run("lrcn-data shard", "--sampling", "my_sampling:Nothing", code=2)
    assert said == (
        "error: --sampling my_sampling:Nothing: my_sampling has no Nothing; correct the name\n"
    )


def records(shards: Path) -> list[SampleRecord]:
    """Where the clips come from."""
    data_set = open_data_set(shards)
    return [data_set.read_sample(number).record for number in range(len(data_set))]
