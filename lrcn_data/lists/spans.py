"""From when to when: the times and numbers of frames that lists and annotations write as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from lrcn_data.lists.time_labels import Unit
from lrcn_data.printable import show

SPAN_NAMES: dict[Unit, tuple[str, str]] = {
    "seconds": ("start", "end"),
    "frames": ("start_frame", "end_frame"),
}
"""The names of the columns that segments start and end in, by what these are counted in."""

FPS_NAME = "fps"

SEGMENT_FORM = (
    "segments are read from a CSV with the columns video,start,end,label (seconds) or"
    " video,start_frame,end_frame,label (frames from 0, the end no longer in it), and fps if wanted"
)

_SECONDS = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:\.[0-9]*)?)")
_FRAME = re.compile(r"([0-9]+)(?:\.0*)?")
_DECIMAL_COMMA = re.compile(r"[0-9:]+,[0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From when to when a line of a list has its label.

    Attributes:
        start: Where it starts: seconds, or a number of a frame, counted from 0.
        end: The first moment, or frame, that is no longer in it; not before `start`.
        unit: What both are counted in.
        fps: The number of frames a second that the video is said to have, or None.
    """

    start: float
    end: float
    unit: Unit
    fps: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanColumns:
    """Where the rows of a table have their segments.

    Attributes:
        unit: What starts and ends are counted in.
        start: The position of the start among the columns.
        end: The position of the end among them.
        fps: The position of the rate, or None if no column has it.
    """

    unit: Unit
    start: int
    end: int
    fps: int | None = None

    def read(self, fields: Sequence[str]) -> Span:
        """Read the segment of a row.

        Raises:
            ValueError: It has none; the message says why, and what helps.
        """
        parse = parse_seconds if self.unit == "seconds" else parse_frame
        start, end = parse(fields[self.start]), parse(fields[self.end])
        if start > end:
            raise ValueError(
                f"the segment ends at {fields[self.end]}, before it starts at"
                f" {fields[self.start]}; exchange the two, or correct them"
            )
        rate = fields[self.fps] if self.fps is not None else ""
        return Span(start=start, end=end, unit=self.unit, fps=parse_rate(rate) if rate else None)


def span_columns(names: Sequence[str]) -> SpanColumns | None:
    """Find the columns of segments among names; None if a pair of them is not there just once."""
    found = [
        unit for unit, pair in SPAN_NAMES.items() if all(names.count(name) == 1 for name in pair)
    ]
    if len(found) != 1:
        return None
    start, end = SPAN_NAMES[found[0]]
    return SpanColumns(
        unit=found[0],
        start=names.index(start),
        end=names.index(end),
        fps=names.index(FPS_NAME) if FPS_NAME in names else None,
    )


def parse_seconds(text: str) -> float:
    """Read a time: seconds, `MM:SS` or `HH:MM:SS`, with a decimal point if it has decimals.

    Raises:
        ValueError: It is none; the message says why.
    """
    if _SECONDS.fullmatch(text):
        return float(text)
    if (match := _CLOCK.fullmatch(text)) and float(match[3]) < 60:
        hours, minutes = int(match[1] or 0), int(match[2])
        if match[1] is None or minutes < 60:
            return float(Fraction(match[3]) + 60 * (60 * hours + minutes))
    raise ValueError(_why_no_number(text, "no time", "seconds such as 12.5, or 0:12.5"))


def parse_frame(text: str) -> int:
    """Read the number of a frame.

    Raises:
        ValueError: It is none; the message says why.
    """
    if match := _FRAME.fullmatch(text):
        return int(match[1])
    raise ValueError(_why_no_number(text, "no number of a frame", "a whole number"))


def parse_rate(text: str) -> float:
    """Read a number of frames a second, such as 25, 29.97 or 30000/1001.

    Raises:
        ValueError: It is none.
    """
    try:
        rate = float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise ValueError(_why_no_number(text, "no rate", "frames a second, such as 29.97"))
    return rate


def _why_no_number(text: str, what: str, wanted: str) -> str:
    if text.startswith("-"):
        return f"{show(text)} is negative; segments start at 0 or later"
    if _DECIMAL_COMMA.fullmatch(text):
        return f"{show(text)} has a decimal comma; write a point, as in {text.replace(',', '.')}"
    return f"{show(text) or 'an empty field'} is {what}; write {wanted}"
