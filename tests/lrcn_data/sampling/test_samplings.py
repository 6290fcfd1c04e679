"""Samplings by name, and from the values of a command line."""

from __future__ import annotations

from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.sampling import Sampling
from lrcn_data.sampling.samplings import SAMPLINGS, describe_recorded, make_sampling, name_of
from lrcn_data.sampling.windows import Windows

DEFAULTS = {"seq_len": 8, "stride": None, "clips": 1}


@pytest.mark.parametrize("name", SAMPLINGS.built_in)
def test_every_built_in_sampling_is_made_by_its_name_with_the_command_lines_defaults(
    name: str,
) -> None:
    made = make_sampling(name, DEFAULTS)
    assert made == SAMPLINGS.load(name)()
    assert name_of(made) == name


@pytest.mark.parametrize(
    ("name", "values", "made"),
    [
        ("blocks", {"seq_len": 3, "clips": 2}, Blocks(seq_len=3, clips=2)),
        ("windows", {"seq_len": 16, "stride": 5, "clips": 1}, Windows(seq_len=16, stride=5)),
        ("center", {"seq_len": 4, "stride": None, "clips": 1}, Center(seq_len=4)),
    ],
)
def test_values_go_to_the_sampling_that_has_them(
    name: str, values: dict[str, Any], made: Sampling
) -> None:
    assert make_sampling(name, values) == made


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("blocks", {"seq_len": 0}, "--seq-len must be at least 1 and at most 10,000, got 0"),
        ("blocks", {"clips": -1}, "--clips must be at least 1 and at most 10,000, got -1"),
        ("blocks", {"stride": 2}, "--stride goes with --sampling windows, not blocks"),
        ("windows", {"stride": 0}, "--stride must be at least 1, got 0"),
        (
            "center",
            {"clips": 3},
            "--clips 3 draws anew each time and goes with --sampling blocks; center would give the"
            " same clip again",
        ),
        ("best", {}, "--sampling must be one of blocks, center, windows, or package.module:name"),
        ("fractions:Fraction", {}, "--sampling fractions:Fraction is no sampling"),
    ],
)
def test_values_that_make_no_sense_for_a_sampling_are_refused(
    name: str, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        make_sampling(name, {**DEFAULTS, **values})


def test_windows_are_half_a_clip_apart_where_no_stride_is_given() -> None:
    assert [Windows(seq_len=length).effective_stride for length in (1, 2, 7, 16)] == [1, 1, 3, 8]
    assert Windows(seq_len=16).values() == Windows(seq_len=16, stride=8).values()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"sampling": "blocks", "seq_len": 8, "stride": None, "clips": 1},
            "one random frame of each of 8 consecutive blocks of the video",
        ),
        (
            {"sampling": "center", "seq_len": 4, "stride": None, "clips": 1},
            "the middle frame of each of 4 consecutive blocks of the video",
        ),
        (
            {"sampling": "windows", "seq_len": 16, "stride": 8, "clips": 1},
            "16 consecutive frames, from every 8th on",
        ),
        ({"sampling": "nowhere.at_all:Mine", "seq_len": 8}, "sampled by nowhere.at_all:Mine"),
        ({"seq_len": 8}, "sampled from the video"),
    ],
)
def test_recorded_options_say_how_frames_were_picked(options: dict[str, Any], said: str) -> None:
    assert describe_recorded(options) == said
