"""A contact sheet of clips: one row a clip, its frames in time order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
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
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.inspecting.contact_sheet import (
    FAINT,
    INK,
    WARNING,
    Cell,
    Row,
    TextLine,
    draw_sheet,
    sheet_size,
)
from lrcn_data.printable import first_few, show

MOST_FRAMES = 16
"""The largest number of frames shown of a clip; those of longer clips are evenly spread."""

DEFAULT_CLIPS = 12
"""The number of rows where no other is given."""

_UNLABELLED = "unlabelled"


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
    only: Sequence[str] = (),
    keys: bool = False,
    seed: int = 0,
    plugins: Collection[str] = (),
) -> Preview:
    """Draw clips of shards below one another, each with its frames and their times.

    Args:
        shards: A folder, or shards: paths, globs, ranges or URLs, one or several.
        split: The split whose clips are shown; None for all.
        clips: The largest number of clips in the picture; None for 12, or for all of `per_class` or
            `only`.
        per_class: The largest number of clips of each class, or set of classes; None for no limit.
        only: The keys of samples, or the paths of videos or the ends of these; no others are shown.
        keys: Whether each sample's key is written beside its frames.
        seed: The seed of the random choice of clips.
        plugins: The names of the plug-ins that may be imported, in case one has made the frames.

    Raises:
        UsageError: A number is below 1, no clip has a name of `only`, the shards can't be meant as
            given, or a plug-in that is not named has made the frames.
        ShardError: The shards are missing, unfinished or damaged.
    """
    if clips is None and per_class is None and not only:
        clips = DEFAULT_CLIPS
    data_set = open_data_set(shards, split=split, plugins=plugins)
    among = find_named(data_set, only) if only else range(len(data_set))
    groups = data_set.label_groups[among]
    chosen = choose_samples(groups, clips=clips, per_class=per_class, seed=seed)
    samples = [data_set.read_sample(among[number]) for number in chosen]
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


def find_named(data_set: DataSet, names: Sequence[str]) -> list[int]:
    """Find the samples that names mean; all records are read.

    Args:
        data_set: The data set.
        names: The key of a sample, or the path of a video as its list has it, or the end of that:
            the last folders and the file's name.

    Returns:
        The numbers of the samples, in ascending order.

    Raises:
        UsageError: A name means none.
    """
    found = []
    missing = set(names)
    for number in range(len(data_set)):
        record = data_set.read_sample(number).record
        meant = {name for name in names if _means(name, record.key, record.video)}
        if meant:
            found.append(number)
            missing -= meant
    if missing:
        unknown = first_few([show(name) for name in names if name in missing], 3)
        raise UsageError(
            f"--only {unknown}: no clip has that key, and none is of a video of that name; --keys"
            " shows the keys"
        )
    return found


def _means(name: str, key: str, video: str) -> bool:
    return name in (key, video) or video.endswith(f"/{name}")


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
        numbers.sort(key=lambda number: hash_of(seed, "sample", number))
        class_order = hash_of(seed, "class", label)
        turns += [(turn, class_order, n) for turn, n in enumerate(numbers[:per_class])]
    chosen = [number for _, _, number in sorted(turns)[:clips]]
    return sorted(chosen, key=lambda number: (labels[number], number))


def hash_of(seed: int, what: str, number: int) -> bytes:
    """What things of a kind are ordered by to draw some of them at random."""
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
    rows = [
        Row(label=_label(sample, keys=text.keys), cells=list(_cells(sample, text.classes)))
        for sample in samples
    ]
    return draw_sheet(rows, title=text.title, subtitle=text.subtitle, fonts=fonts)


def class_text(sample: Sample) -> str:
    """The names of a sample's classes, as a picture or page has them."""
    record = sample.record
    has_class = record.label != NO_CLASS or not sample.layout.labels_in_time
    return ", ".join(record.names) if has_class else _UNLABELLED


def _label(sample: Sample, *, keys: bool) -> list[TextLine]:
    record = sample.record
    clip = f"clip {record.clip}, " if record.clip else ""
    lines = [
        (class_text(sample), 18, INK),
        (record.video.rpartition("/")[2], 13, INK),
        (f"{clip}{record.split}, {record.width}x{record.height}", 13, FAINT),
        (f"{record.source_fps:.4g} fps, {record.segment[1] - record.segment[0]:.1f} s", 13, FAINT),
    ]
    if keys:
        lines.append((record.key, 11, FAINT))
    return lines


def _cells(sample: Sample, classes: Sequence[str]) -> Iterator[Cell]:
    record = sample.record
    size = sheet_size(record.width, record.height)
    for frame, shown in spread_frames(sample, MOST_FRAMES):
        picture = Image.fromarray(shown).resize(size, Image.Resampling.LANCZOS)
        caption, colour = f"{record.frame_times[frame]:.2f} s", FAINT
        if frame >= record.num_valid:
            picture = ImageEnhance.Brightness(picture.convert("L").convert("RGB")).enhance(0.45)
            caption, colour = "repeated", WARNING
        captions: list[TextLine] = [(caption, 13, colour)]
        if sample.layout.labels_in_time:
            label = record.labels[frame]
            named = (_UNLABELLED, 12, FAINT) if label == NO_CLASS else (classes[label], 12, INK)
            captions.append(named)
        yield Cell(picture=picture, captions=captions)


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
