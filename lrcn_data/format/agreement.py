"""In what data sets must agree so that their clips can stand in one batch, or in one data set."""

from __future__ import annotations

from fractions import Fraction

from lrcn_data.format.manifest import Manifest


def disagreement(one: Manifest, other: Manifest) -> str:
    """Say in what the clips of two data sets differ so that they can't be used together.

    Class names are left to the caller, since they may be mapped.

    Returns:
        A phrase such as `seq_len (8 and 16)`; "" where they agree.
    """
    for what, first, second in (
        ("seq_len", one.seq_len, other.seq_len),
        ("lengths", _lengths(one), _lengths(other)),
        ("fps", Fraction(one.fps), Fraction(other.fps)),
        ("frame kind", one.frame_kind, other.frame_kind),
        ("labels", _labelled(one), _labelled(other)),
    ):
        if first != second:
            return f"{what} ({first} and {second})"
    return ""


def _labelled(manifest: Manifest) -> str:
    if manifest.labels_in_time:
        return "one a frame"
    return "several a clip" if manifest.multi_label else "one a clip"


def _lengths(manifest: Manifest) -> str:
    return "each clip its own" if manifest.variable_length else "all clips the same"
