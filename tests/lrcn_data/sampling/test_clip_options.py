"""Options of clips that can't be meant as given."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.sampling.clip_options import ClipOptions
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
