"""Clips that are upright among lying ones, or the other way round.

A rotation that a file states is carried out when it is decoded, and is not recorded. So all that
can be told of a wrong one is the shape of the frames: a picture that is turned by 180 degrees, or a
square one, looks right here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit


class TurnedFrames(FindingKind[bool]):
    """Compares the shapes of frames."""

    name = "turned-frames"
    title = "Upright among lying, or lying among upright"
    meaning = (
        "the frames are higher than wide where most clips' are wider than high, or the other way"
        " round: a telephone that was held so, or a rotation that the file has lost. Only the shape"
        " is compared; frames that --size made alike can't be told apart"
    )
    of_pictures = False

    def look(self, clip: ClipView) -> bool | None:
        """Whether a clip is upright; None if it is square."""
        width, height = clip.record.width, clip.record.height
        return height > width if height != width else None

    def judge(self, seen: Mapping[int, bool], splits: Sequence[str]) -> list[Hit]:
        """Name the clips of the rarer shape."""
        upright = sum(seen.values())
        rarer = upright <= len(seen) - upright
        shape = "upright" if rarer else "lying"
        return [
            Hit(sample=number, detail=shape)
            for number, is_upright in seen.items()
            if is_upright == rarer
        ]
