"""Options of clips that can't be meant as given."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.sampling.clip_options import ClipOptions, clip_options
from lrcn_data.sampling.windows import Windows
from lrcn_data.video.decoding import DecodeOptions


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"fps": Fraction(0)}, "--fps must be above 0 and at most 1000, got 0"),
        ({"short": "cut"}, "--short must be one of skip, loop, pad, whole, got 'cut'"),
        (
            {"decoder": "ffmpeg", "decode": DecodeOptions(salvage=True)},
            "--salvage goes with --decoder av: ffmpeg processes don't tell reliably",
        ),
        ({"decoder": "vlc"}, "--decoder must be one of av, ffmpeg, or .* got 'vlc'"),
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ClipOptions(**values)


@pytest.mark.parametrize(
    ("value", "frames"), [("max", 64), ("max:1", 1), ("max:32", 32), ("max:10000", 10_000)]
)
def test_a_clip_may_have_all_frames_of_its_video_up_to_a_bound(value: str, frames: int) -> None:
    options = clip_options(seq_len=value, sampling="windows")
    assert (options.seq_len, options.short) == (frames, "whole")
    assert options.sampling == Windows(seq_len=frames)


@pytest.mark.parametrize("value", ["", "most", "max:", "max:x", "max:-1", "max:1.5", "max: 8", "8"])
def test_a_length_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(
        UsageError, match="--seq-len must be a number of frames, max or max:64, got"
    ):
        clip_options(seq_len=value)


@pytest.mark.parametrize(
    ("value", "said"),
    [("max:0", "at least 1 and at most 10,000, got 0"), ("max:10001", "10,000, got 10001")],
)
def test_a_bound_is_in_the_range_of_other_lengths(value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        clip_options(seq_len=value)


@pytest.mark.parametrize("short", ["loop", "pad"])
def test_with_max_there_is_no_rule_for_short_videos(short: str) -> None:
    said = f"--short {short} is for videos of too few frames, and with --seq-len max:9 none has"
    with pytest.raises(UsageError, match=said):
        clip_options(seq_len="max:9", short=short)


@pytest.mark.parametrize("hours", [0, -1, 1001, float("nan"), float("inf")])
def test_a_number_of_hours_that_no_video_lasts_is_refused(hours: float) -> None:
    with pytest.raises(UsageError, match="--max-hours must be above 0 and at most 1000, got"):
        clip_options(max_hours=hours)


@pytest.mark.parametrize(("hours", "seconds"), [(0.5, 1800), (4, 14_400), (24, 86_400)])
def test_videos_may_be_as_long_as_said_at_any_usual_rate(hours: float, seconds: int) -> None:
    limits = clip_options(max_hours=hours).decode.limits
    assert limits.seconds == seconds
    assert limits.frames >= 120 * seconds
