"""A sheet of clips that were recognized rightly or wrongly: a few frames of each, and the answer.

It is drawn by Pillow, as `lrcn-data preview` is: photographs and text, and no scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_data.fonts import Fonts
from lrcn_data.picture_text import Pen
from lrcn_data.pixels import RGB
from lrcn_data.storage.atomic_file import atomic_file
from lrcn_model.pictures.class_colours import class_colour
from lrcn_model.pictures.plot import FAINT, GREEN, INK, RED

FRAMES = 6
"""The largest number of frames that are shown of a clip."""

_FRAME_HEIGHT, _WIDEST = 84, 150
_MARGIN, _GAP, _ROW_GAP, _LABEL_WIDTH, _HEAD = 16, 4, 12, 300, 34
_BACKGROUND = "white"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownClip:
    """A clip, and what was made of it.

    Attributes:
        video: The path of its video.
        frames: Frames of it in time order, uint8 (height, width, 3).
        label: The number of its class; -1 where it has none, or several.
        truth: What it shows, in words: the name of its class.
        predicted: The number of the class that was recognized; None where none was asked for.
        probability: The probability of that, from 0 to 1.
    """

    video: str
    frames: Sequence[RGB]
    label: int
    truth: str
    predicted: int | None = None
    probability: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the class is recognized, or wasn't asked for."""
        return self.predicted in (None, self.label)


def clip_sheet(
    sections: Sequence[tuple[str, Sequence[ShownClip]]], classes: Sequence[str], fonts: Fonts
) -> Image.Image:
    """Draw clips below one another.

    Args:
        sections: Headings, each with the clips below it; what has no clips is left out.
        classes: The class names, by class number.
        fonts: Where the fonts are taken from, and what they lack is noted.
    """
    there = [(title, clips) for title, clips in sections if clips]
    rows = sum(len(clips) for _, clips in there)
    columns = max((len(clip.frames) for _, clips in there for clip in clips), default=1)
    cell = max((_width(f) for _, clips in there for c in clips for f in c.frames), default=1)
    width = 2 * _MARGIN + _LABEL_WIDTH + columns * (cell + _GAP)
    height = _MARGIN + len(there) * _HEAD + rows * (_FRAME_HEIGHT + _ROW_GAP)
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    pen = Pen(sheet, fonts)
    top = _MARGIN
    for title, clips in there:
        colour = GREEN if clips[0].right else RED
        pen.write((_MARGIN, top), title, 18, colour, room=width - 2 * _MARGIN)
        top += _HEAD
        for clip in clips:
            _draw_label(pen, sheet, clip, classes, top)
            for place, frame in enumerate(clip.frames):
                left = _MARGIN + _LABEL_WIDTH + place * (cell + _GAP)
                sheet.paste(_scaled(frame), (left, top))
            top += _FRAME_HEIGHT + _ROW_GAP
    return sheet


def write_sheet(path: Path, sheet: Image.Image) -> None:
    """Write a sheet as a JPEG, whole or not at all.

    Raises:
        LrcnError: The file can't be written.
    """
    try:
        with atomic_file(path) as file:
            sheet.save(file, format="JPEG", quality=88, subsampling=0)
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror or error}") from error


def _width(frame: RGB) -> int:
    height, width = map(int, frame.shape[:2])
    return min(_WIDEST, max(1, round(width * _FRAME_HEIGHT / height)))


def _scaled(frame: RGB) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(frame))
    return picture.resize((_width(frame), _FRAME_HEIGHT), Image.Resampling.LANCZOS)


def _draw_label(
    pen: Pen, sheet: Image.Image, clip: ShownClip, classes: Sequence[str], top: int
) -> None:
    """Write what a clip is, and what it was taken for."""
    lines = [(clip.label, clip.truth, INK)]
    if clip.predicted is not None:
        answer = f"answer, {clip.probability:.0%}: {classes[clip.predicted]}"
        lines = [
            (clip.label, f"truth: {clip.truth}", INK),
            (clip.predicted, answer, INK if clip.right else RED),
        ]
    for label, text, colour in lines:
        if label >= 0:
            square = Image.new("RGB", (12, 12), class_colour(label))
            sheet.paste(square, (_MARGIN, top + 3))
        pen.write((_MARGIN + 18, top), text, 15, colour, room=_LABEL_WIDTH - 40)
        top += 24
    name = clip.video.rpartition("/")[2]
    pen.write((_MARGIN + 18, top + 2), name, 12, FAINT, room=_LABEL_WIDTH - 40)
