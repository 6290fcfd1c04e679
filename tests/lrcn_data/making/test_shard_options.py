"""What a data set's options are recorded as, and so what its fingerprint depends on."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lrcn_data.format.manifest import Manifest
from lrcn_data.format.rgb_jpeg import RgbJpeg
from lrcn_data.making.fingerprint import differences
from lrcn_data.making.portions import plan_portion
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.sampling import Draw, Positions, Sampling
from lrcn_data.sampling.windows import Windows

__version__ = "1"


def manifest_of(options: ShardOptions, tools: dict[str, str]) -> Manifest:
    """The manifest of a data set without videos."""
    return plan_portion([], options, [], tools).as_manifest()


OF_ALL = [
    *("fps", "seq_len", "sampling", "stride", "clips", "short", "size", "quality", "seed"),
    *("videos_per_shard", "check", "salvage", "allow_demuxer", "allow_decoder"),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class EveryNth(Sampling):
    """Every so manieth frame from the first one on."""

    step: int = 2

    def choose(self, positions: range, draw: Draw) -> list[Positions]:
        return [tuple(positions[:: self.step][: self.seq_len])]


class Frames(RgbJpeg):
    """Frames as ours, under another name."""


KIND, SAMPLING = f"{__name__}:Frames", f"{__name__}:EveryNth"


def options(sampling: Sampling, **values: Any) -> ShardOptions:
    return ShardOptions(clip=ClipOptions(sampling=sampling), **values)


@pytest.mark.parametrize(
    ("sampling", "recorded"),
    [
        (Blocks(), ("blocks", 8, None, 1)),
        (Blocks(seq_len=4, clips=3), ("blocks", 4, None, 3)),
        (Center(seq_len=5), ("center", 5, None, 1)),
        (Windows(seq_len=16), ("windows", 16, 8, 1)),
        (Windows(seq_len=16, stride=3), ("windows", 16, 3, 1)),
    ],
)
def test_built_in_samplings_are_recorded_as_ever(
    sampling: Sampling, recorded: tuple[str, int, int | None, int]
) -> None:
    manifest = options(sampling).as_manifest()
    assert list(manifest) == OF_ALL
    assert tuple(manifest[name] for name in ("sampling", "seq_len", "stride", "clips")) == recorded


def test_the_fingerprint_of_the_defaults_is_that_of_the_first_version() -> None:
    made = manifest_of(options(Blocks()), {"av": "18.1.0"})
    assert made.fingerprint == ("7493a21120fc5a3e4d9cf8af72cbfa8252200f7ff64ccf658d7cd1efc608f84b")


def test_plugins_are_recorded_with_their_values_and_versions() -> None:
    manifest = options(EveryNth(step=3), frame_kind=KIND).as_manifest()
    assert manifest["sampling"] == SAMPLING
    assert (manifest["stride"], manifest["clips"]) == (None, 1)
    assert {name: manifest[name] for name in manifest if name not in OF_ALL} == {
        "sampling_values": {"step": 3},
        "frame_kind": KIND,
        "plugins": {SAMPLING: "1", KIND: "1"},
    }


def test_another_version_or_value_of_a_plugin_is_another_data_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def plan(step: int) -> Any:
        return manifest_of(options(EveryNth(step=step), frame_kind=KIND), {})

    before = plan(2)
    assert plan(2).fingerprint == before.fingerprint
    assert plan(3).fingerprint != before.fingerprint
    assert differences(before, plan(3)) == ["the sampling's step was 2, is 3"]
    monkeypatch.setattr(sys.modules[__name__], "__version__", "2")
    after = plan(2)
    assert after.fingerprint != before.fingerprint
    assert differences(before, after) == [
        f"the version of {SAMPLING} was 1, is 2",
        f"the version of {KIND} was 1, is 2",
    ]


def test_another_kind_of_frames_is_named_among_the_differences() -> None:
    before, after = (
        manifest_of(options(Blocks(), **values), {}) for values in ({}, {"frame_kind": KIND})
    )
    assert differences(before, after) == [f"--frame-kind was not given, is {KIND}"]
    assert replace(after, options=before.options).frame_kind == "rgb"
