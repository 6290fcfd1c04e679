"""A contact sheet of sampled clips: one row a clip, its frames in time order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from lrcn_data.errors import UsageError
from lrcn_data.fonts import Fonts
from lrcn_data.format.records import NO_CLASS
from lrcn_data.format.sample_frames import spread_frames
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_patterns import Patterns, each_pattern
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.picture_text import Pen

FRAME_HEIGHT = 112
"""Height in pixels that frames are scaled to; they keep their proportions."""

MOST_FRAMES = 16
"""The largest number of frames shown of a clip; those of longer clips are evenly spread."""

_DEFAULT_CLIPS = 12
_WIDEST = 3 * FRAME_HEIGHT
_LABEL_WIDTH = 232
_MARGIN = 20
_GAP = 6
_CAPTION = 20
_ROW_GAP = 14
_HEADER = 44
_UNLABELLED = "unlabelled"
_PAPER, _INK, _FAINT, _LINE, _PADDED = "#fcfcfa", "#1c1c1a", "#77756f", "#dedcd6", "#b4462f"


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetText:
    """What is written on a sheet beside the frames.

    Attributes:
        title: The head line.
        subtitle: A faint line to the right of the title.
        keys: Whether each row shows its sample's key.
        classes: The class names by class number; needed where labels are in time.
    """

    title: str
    subtitle: str = ""
    keys: bool = False
    classes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A contact sheet, and what is on it.

    Attributes:
        picture: The sheet.
        keys: The keys of the samples on it, from top to bottom.
        without_font: A sentence about letters that no font has, and what helps; None where all
            could be written.
    """

    picture: Image.Image
    keys: list[str]
    without_font: str | None = None


def draw_preview(
    shards: Patterns = "shards",
    *,
    split: str | None = None,
    clips: int | None = None,
    per_class: int | None = None,
    keys: bool = False,
    seed: int = 0,
    plugins: Collection[str] = (),
) -> Preview:
    """Draw clips of shards below one another, each with its frames and their times.

    Args:
        shards: A folder, or shards: paths, globs, ranges or URLs, one or several.
        split: The split whose clips are shown; None for all.
        clips: The largest number of clips in the picture; None for 12, or for all of `per_class`.
        per_class: The largest number of clips of each class, or set of classes; None for no limit.
        keys: Whether each sample's key is written beside its frames.
        seed: The seed of the random choice of clips.
        plugins: The names of the plug-ins that may be imported, in case one has made the frames.

    Raises:
        UsageError: A number is below 1, the shards can't be meant as given, or a plug-in that is
            not named has made the frames.
        ShardError: The shards are missing, unfinished or damaged.
    """
    if clips is None and per_class is None:
        clips = _DEFAULT_CLIPS
    data_set = open_data_set(shards, split=split, plugins=plugins)
    groups = data_set.label_groups
    numbers = choose_samples(groups, clips=clips, per_class=per_class, seed=seed)
    samples = [data_set.read_sample(number) for number in numbers]
    text = SheetText(
        title=" ".join(each_pattern(shards)),
        subtitle=subtitle(
            data_set.fps,
            data_set.seq_len,
            len(samples),
            len(data_set),
            variable_length=data_set.layout.variable_length,
        ),
        keys=keys,
        classes=data_set.classes,
    )
    fonts = Fonts()
    sheet = contact_sheet(samples, text, fonts)
    shown = [sample.record.key for sample in samples]
    return Preview(picture=sheet, keys=shown, without_font=fonts.remedy())


def choose_samples(
    labels: npt.NDArray[np.int64], *, clips: int | None, per_class: int | None, seed: int
) -> list[int]:
    """Choose the samples to show, the same number of each class as far as it has them.

    Args:
        labels: A number for the class, or set of classes, of every sample, int64 (samples,).
        clips: The largest number of samples in all, or None for no limit.
        per_class: The largest number of samples of each class, or None for no limit.
        seed: Seed of the random choice.

    Returns:
        The numbers of the chosen samples, sorted by class and then by number.

    Raises:
        UsageError: A number is below 1.
    """
    for option, value in (("--clips", clips), ("--per-class", per_class)):
        if value is not None and value < 1:
            raise UsageError(f"{option} must be at least 1, got {value}")
    by_class: dict[int, list[int]] = defaultdict(list)
    for number, label in enumerate(labels.tolist()):
        by_class[label].append(number)
    turns: list[tuple[int, bytes, int]] = []
    for label, numbers in by_class.items():
        numbers.sort(key=lambda number: _hash(seed, "sample", number))
        class_order = _hash(seed, "class", label)
        turns += [(turn, class_order, n) for turn, n in enumerate(numbers[:per_class])]
    chosen = [number for _, _, number in sorted(turns)[:clips]]
    return sorted(chosen, key=lambda number: (labels[number], number))


def _hash(seed: int, what: str, number: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{what}\0{number}".encode()).digest()


def contact_sheet(
    samples: Sequence[Sample], text: SheetText, fonts: Fonts | None = None
) -> Image.Image:
    """Draw clips below one another, each with class, video, and the times of its frames.

    Where labels are in time, the class of each frame stands below its time. Padded frames are
    dimmed and marked. Clips may differ in size and length.

    Args:
        samples: The samples to draw, one in each row.
        text: What is written beside the frames.
        fonts: What the text is written with; it notes what it lacks.

    Raises:
        ShardError: A frame is no picture of its kind.
    """
    rows = [_load_frames(sample) for sample in samples]
    columns = max((len(row) for row in rows), default=0)
    cell = max((picture.width for row in rows for _, picture in row), default=FRAME_HEIGHT)
    in_time = any(sample.layout.labels_in_time for sample in samples)
    row_height = FRAME_HEIGHT + (2 if in_time else 1) * _CAPTION + _ROW_GAP
    width = 2 * _MARGIN + _LABEL_WIDTH + columns * (cell + _GAP)
    sheet = Image.new("RGB", (width, _HEADER + _MARGIN + len(rows) * row_height), _PAPER)
    pen = Pen(sheet, fonts or Fonts())
    room = width - 2 * _MARGIN
    after = pen.write((_MARGIN, 14), text.title, 20, _INK, room=room) + _MARGIN
    pen.write((_MARGIN + after, 20), text.subtitle, 14, _FAINT, room=room - after)
    for number, (sample, row) in enumerate(zip(samples, rows, strict=True)):
        top = _HEADER + number * row_height
        pen.line((_MARGIN, top), width - _MARGIN, _LINE)
        _draw_label(pen, sample, top + _ROW_GAP // 2, keys=text.keys)
        left = _MARGIN + _LABEL_WIDTH
        for frame, picture in row:
            corner = left + (cell - picture.width) // 2, top + _ROW_GAP // 2
            _draw_frame(pen, sheet, sample, frame, picture, corner)
            if sample.layout.labels_in_time:
                _draw_class(pen, sample.record.labels[frame], text.classes, left, cell, top)
            left += cell + _GAP
    return sheet


def _load_frames(sample: Sample) -> list[tuple[int, Image.Image]]:
    """The number and the picture of each frame to be shown."""
    record = sample.record
    width = round(record.width * FRAME_HEIGHT / record.height)
    size = min(_WIDEST, max(1, width)), FRAME_HEIGHT
    return [
        (number, Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
        for number, frame in spread_frames(sample, MOST_FRAMES)
    ]


def _draw_label(pen: Pen, sample: Sample, top: int, *, keys: bool) -> None:
    record = sample.record
    room = _LABEL_WIDTH - _MARGIN
    name = record.video.rpartition("/")[2]
    clip = f"clip {record.clip}, " if record.clip else ""
    has_class = record.label != NO_CLASS or not sample.layout.labels_in_time
    lines = [
        (", ".join(record.names) if has_class else _UNLABELLED, 18, _INK),
        (name, 13, _INK),
        (f"{clip}{record.split}, {record.width}x{record.height}", 13, _FAINT),
        (f"{record.source_fps:.4g} fps, {record.segment[1] - record.segment[0]:.1f} s", 13, _FAINT),
    ]
    if keys:
        lines.append((record.key, 11, _FAINT))
    for line, size, colour in lines:
        pen.write((_MARGIN, top), line, size, colour, room=room)
        top += round(size * 1.45)


def _draw_frame(
    pen: Pen,
    sheet: Image.Image,
    sample: Sample,
    frame: int,
    picture: Image.Image,
    corner: tuple[int, int],
) -> None:
    left, top = corner
    padded = frame >= sample.record.num_valid
    caption, colour = f"{sample.record.frame_times[frame]:.2f} s", _FAINT
    if padded:
        picture = ImageEnhance.Brightness(picture.convert("L").convert("RGB")).enhance(0.45)
        caption, colour = "repeated", _PADDED
    sheet.paste(picture, corner)
    middle = left + (picture.width - pen.width(caption, 13)) // 2
    pen.write((middle, top + FRAME_HEIGHT + 3), caption, 13, colour)


def _draw_class(
    pen: Pen, label: int, classes: Sequence[str], left: int, width: int, top: int
) -> None:
    """Write the class of a frame below its time."""
    name, colour = (_UNLABELLED, _FAINT) if label == NO_CLASS else (classes[label], _INK)
    middle = left + max(0, width - pen.width(name, 12)) // 2
    below = top + _ROW_GAP // 2 + FRAME_HEIGHT + _CAPTION + 1
    pen.write((middle, below), name, 12, colour, room=width)


def subtitle(
    fps: Fraction, seq_len: int, shown: int, total: int, *, variable_length: bool = False
) -> str:
    """Say in a few words what a sheet shows.

    Args:
        fps: The number of frames per second that clips were sampled from.
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        shown: The number of clips on the sheet.
        total: The number of clips in the data set.
        variable_length: Whether clips may have fewer frames than seq_len.
    """
    rate = f"{fps.numerator}" if fps.denominator == 1 else f"{float(fps):.5g}"
    length = f"up to {seq_len}" if variable_length else f"{seq_len}"
    frames = length if seq_len <= MOST_FRAMES else f"{MOST_FRAMES} of {length}"
    return f"{shown} of {total:,} clips, {frames} frames each, from {rate} frames a second"
