"""The table of all kinds of findings, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrcn_data.inspecting.findings.black_frames import BlackFrames
from lrcn_data.inspecting.findings.finding_kind import FindingKind
from lrcn_data.inspecting.findings.letterboxes import Letterboxes
from lrcn_data.inspecting.findings.mixed_sizes import MixedSizes
from lrcn_data.inspecting.findings.near_duplicates import NearDuplicates
from lrcn_data.inspecting.findings.repeated_frames import RepeatedFrames
from lrcn_data.inspecting.findings.slow_videos import SlowVideos
from lrcn_data.inspecting.findings.turned_frames import TurnedFrames

_ALL: tuple[FindingKind[Any], ...] = (
    NearDuplicates(),
    BlackFrames(),
    Letterboxes(),
    RepeatedFrames(),
    SlowVideos(),
    TurnedFrames(),
    MixedSizes(),
)

FINDING_KINDS: Mapping[str, FindingKind[Any]] = {kind.name: kind for kind in _ALL}
"""Each kind by its name."""
