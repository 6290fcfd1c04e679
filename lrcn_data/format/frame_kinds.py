"""The table of all kinds of frames, each of which is loaded by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.plugins import Kinds, check_plugin_version, is_plugin

if TYPE_CHECKING:
    from lrcn_data.format.frame_kind import FrameKind

RGB_FRAMES = "rgb"
"""The name of the kind of frames that is used where none is named or recorded."""

FRAME_KINDS: Kinds[type[FrameKind]] = Kinds(
    what="frame kind",
    option="--frame-kind",
    built_in={
        RGB_FRAMES: "lrcn_data.format.rgb_jpeg:RgbJpeg",
        "flow": "lrcn_data.format.flow_jpeg:FlowJpeg",
    },
)

_ENDING = re.compile(r"[a-z0-9]{1,12}")
"""The allowed endings; a member's whole name must fit the 100 bytes that a tar has for it."""


def load_frame_kind(name: str) -> FrameKind:
    """Load the kind of frames that a caller has named.

    Raises:
        UsageError: There is no kind of that name, it can't be imported, or it is no kind of frames.
    """
    return _made(FRAME_KINDS.load(name), name)


def recorded_frame_kind(
    name: str, source: str, plugins: Collection[str], versions: Mapping[str, str]
) -> FrameKind:
    """Load the kind of frames that a data set or a run has recorded.

    Args:
        name: The recorded name of the kind.
        source: The data set or run that has recorded it, for error messages.
        plugins: The names of the plug-ins that the caller allows; no others are imported.
        versions: The version of each plug-in that was recorded with it.

    Raises:
        UsageError: The kind is a plug-in that the caller has not named, it can't be imported, or it
            has another version now.
        ShardError: This version doesn't know a kind of that name.
    """
    if name not in FRAME_KINDS.built_in and not is_plugin(name):
        raise ShardError(
            f"{source} has the frame kind {name!r:.80}, which this lrcn doesn't know; upgrade lrcn"
        )
    kind = FRAME_KINDS.load_recorded(name, source, plugins)
    check_plugin_version(name, kind, source, versions)
    return _made(kind, name)


def _made(kind: Any, name: str) -> FrameKind:
    # so that commands know the names without importing numpy
    from lrcn_data.format.frame_kind import FrameKind

    if not (isinstance(kind, type) and issubclass(kind, FrameKind)):
        raise UsageError(
            f"--frame-kind {name} is no kind of frames; name a class with the base"
            " lrcn_data.format.frame_kind:FrameKind"
        )
    made = kind(name=name)
    if made.channels < 1 or not _ENDING.fullmatch(made.ending):
        raise UsageError(
            f"--frame-kind {name} has {made.channels} channels and the ending {made.ending!r}; it"
            " needs at least 1 channel, and 1 to 12 small letters and digits as its ending"
        )
    return made
