"""Options of clips that can't be meant as given."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.sampling.clip_options import ClipOptions, clip_options
from lrcn_data.video.decoding import DecodeOptions


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"fps": Fraction(0)}, "--fps must be above 0 and at most 1000, got 0"),
        ({"short": "cut"}, "--short must be one of skip, loop, pad, got 'cut'"),
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


@pytest.mark.parametrize("hours", [0, -1, 1001, float("nan"), float("inf")])
def test_a_number_of_hours_that_no_video_lasts_is_refused(hours: float) -> None:
    with pytest.raises(UsageError, match="--max-hours must be above 0 and at most 1000, got"):
        clip_options(max_hours=hours)


@pytest.mark.parametrize(("hours", "seconds"), [(0.5, 1800), (4, 14_400), (24, 86_400)])
def test_videos_may_be_as_long_as_said_at_any_usual_rate(hours: float, seconds: int) -> None:
    limits = clip_options(max_hours=hours).decode.limits
    assert limits.seconds == seconds
    assert limits.frames >= 120 * seconds
