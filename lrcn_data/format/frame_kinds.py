"""Which kinds of frames there are, each loaded by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.kinds import Kinds, check_plugin_version, is_plugin

if TYPE_CHECKING:
    from lrcn_data.format.frame_kind import FrameKind

RGB_FRAMES = "rgb"
"""The kind of frames where none is named or recorded."""

FRAME_KINDS: Kinds[type[FrameKind]] = Kinds(
    what="frame kind",
    option="--frame-kind",
    built_in={RGB_FRAMES: "lrcn_data.format.rgb_jpeg:RgbJpeg"},
)

_ENDING = re.compile(r"[a-z0-9]{1,12}")
"""A member's whole name must fit the 100 bytes that a tar has for it."""


def load_frame_kind(name: str) -> FrameKind:
    """The kind of frames that a caller has named.

    Raises:
        UsageError: There is none of that name, or it can't be imported.
    """
    return _made(FRAME_KINDS.load(name), name)


def recorded_frame_kind(
    name: str, source: str, plugins: Collection[str], versions: Mapping[str, str]
) -> FrameKind:
    """The kind of frames that a data set or a run has recorded.

    Args:
        name: Its name.
        source: Who has recorded it, for errors.
        plugins: Plug-ins that the caller has named, and no others are imported.
        versions: The version of each plug-in that was recorded with it.

    Raises:
        UsageError: It is a plug-in that the caller has not named, can't be imported, or has another
            version now.
        ShardError: It is no name that this version knows.
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
