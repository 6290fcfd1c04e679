"""Why an entry of a list gave no clip, or not all of its clips."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """A word by which rejected entries are counted, in rejected.jsonl and in messages."""

    SHORT = "short"
    MISSING = "missing"
    NOT_FETCHED = "not-fetched"
    NOT_A_VIDEO = "not-a-video"
    UNSUPPORTED = "unsupported"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    PARTIAL = "partial"


MEANINGS: Mapping[str, str] = {
    Reason.SHORT: "fewer frames than --seq-len at --fps",
    Reason.MISSING: "the file is not there or can't be read",
    Reason.NOT_FETCHED: "the file is in a store, which didn't give it however often it was asked",
    Reason.NOT_A_VIDEO: "no video stream, or a file that is no video",
    Reason.UNSUPPORTED: "a container or codec outside the allowed ones",
    Reason.DAMAGED: "the decoder reported an error, or frames are missing",
    Reason.TOO_LARGE: "above a limit on pixels, frames or seconds",
    Reason.TIMEOUT: "took longer than --timeout",
    Reason.CRASHED: "the decoder's process died",
    Reason.PARTIAL: "damaged; the clips of the sound part were kept (--salvage)",
}
"""The meaning of each reason, in words for people."""

_REMEDIES: Mapping[str, str] = {
    Reason.SHORT: (
        "videos that are too short give clips with --short pad, with --seq-len max, with a smaller"
        " --seq-len, or with a larger --fps where they have more frames a second"
    ),
    Reason.DAMAGED: (
        "damaged videos give the clips of what is sound in them with --salvage, recordings that"
        " begin between keyframes too"
    ),
    Reason.NOT_FETCHED: "videos that a store didn't give are asked for again with --retry-failed",
}


def remedy_of(reason: str, *, salvage: bool) -> str | None:
    """What would have kept videos that gave no clip; None where nothing is known to.

    Args:
        reason: Why they gave none.
        salvage: Whether the sound parts of damaged videos are kept already.
    """
    return None if salvage and reason == Reason.DAMAGED else _REMEDIES.get(reason)


NOT_BAD = frozenset({Reason.SHORT})
"""Reasons that do not count towards `--max-bad-fraction`."""
