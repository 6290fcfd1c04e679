"""Which forms of annotations there are, and which one a file or a folder has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError
from lrcn_data.lists.annotations import (
    activitynet,
    boris,
    change_points,
    charades,
    elan,
    elan_text,
    epic_kitchens,
    frame_ranges,
    frame_table,
    frame_text,
    label_studio,
    salads_clock,
    segment_list,
    thumos14,
    ucf101_24,
    via3,
)
from lrcn_data.lists.annotations.annotation import Annotation, Format, ReadOptions
from lrcn_data.lists.annotations.source import Source
from lrcn_data.lists.lines import is_video_name
from lrcn_data.printable import first_few, show
from lrcn_data.storage.locations import is_file, is_folder, join, list_names

_A_FILE_A_VIDEO = ("change-points", "elan-text", "frame-ranges", "frame-text")

_OF_ANY_LINES = ("frame-ranges", "frame-text")
"""Forms that a file may have though it isn't recognised; what is wrong is told line by line."""

FORMATS: dict[str, Format] = {
    name: Format(
        what=what,
        recognises=module.recognises,
        read=module.read,
        a_file_a_video=name in _A_FILE_A_VIDEO,
    )
    for name, what, module in (
        ("activitynet", "ActivityNet's JSON", activitynet),
        ("boris", "BORIS's tabular or aggregated events", boris),
        ("change-points", "a table frame,phase a video", change_points),
        ("charades", "Charades' CSV", charades),
        ("elan", "ELAN's .eaf", elan),
        ("elan-text", "ELAN's tab-delimited text with names of columns", elan_text),
        ("epic-kitchens", "EPIC-Kitchens-100's CSV", epic_kitchens),
        ("frame-ranges", "lines such as 1-30 SIL, a file a video (Breakfast)", frame_ranges),
        ("frame-table", "a table sequence,frame,label (UR Fall)", frame_table),
        ("frame-text", "a label a line and frame, a file a video (MS-TCN's 50 Salads)", frame_text),
        ("label-studio", "Label Studio's JSON of TimelineLabels", label_studio),
        ("salads-clock", "50 Salads' times of a device's clock, which are refused", salads_clock),
        (
            "segments",
            "video,start,end,label and no other columns, as docs/annotations.md has it",
            segment_list,
        ),
        ("thumos14", "THUMOS14's text files or table", thumos14),
        ("ucf101-24", "UCF101-24's table of first and last frames", ucf101_24),
        ("via3", "a project of the VGG Image Annotator 3", via3),
    )
}
"""The forms of annotations by their names."""

_TEXT_ENDINGS = (".csv", ".eaf", ".json", ".tab", ".tsv", ".txt")
_TABLES = (".csv", ".tab", ".tsv", ".txt")
_LONGEST_HEADER = 200
_NAMES_SHOWN = 5
_OTHER_FILES = "files that are no annotation of this form"


def is_annotation(source: str) -> bool:
    """Whether a source is meant as an annotation: a file, or a folder of annotation files only."""
    if is_file(source):
        return True
    names = list_names(source)
    if any(is_folder(join(source, name)) for name in names if not _may_be_text(name)):
        return False
    return any(_names_of(found) for found in _files(source))


def read_annotation(source: str, name: str | None, options: ReadOptions) -> Annotation:
    """Read an annotation.

    Args:
        source: The path or URL of a file, or of a folder of files of one form.
        name: The name of the form; None to recognise it.
        options: What the annotation doesn't say itself.

    Raises:
        UsageError: The form isn't known, or not just one; or something is wrong with a file.
    """
    known = ", ".join(FORMATS)
    if name is not None and name not in FORMATS:
        raise UsageError(f"--format {show(name)} is none of {known}; {did_you_mean(name, FORMATS)}")
    files = _files(source)
    if len(files) == 1:
        _ = files[0].text  # the error says more than that no form is recognised
    told = name is not None
    if name is None:
        name = _recognised(source, files)
    found = [file for file in files if FORMATS[name].recognises(file)]
    if name in _OF_ANY_LINES:
        found = files if len(files) == 1 else _like(files, found) if told else found
    if not found:
        raise UsageError(
            f"{source} is not of the form {name}{_columns(files)}: {FORMATS[name].what}"
        )
    _refuse_unlike(files, found, name)
    try:
        annotation = FORMATS[name].read(found, options)
    except UsageError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # JSON may have anything anywhere, and the readers don't ask of each part what it is
        raise UsageError(
            f"{source} has a part that is not as in {FORMATS[name].what} ({error!r}); correct it,"
            " or write video,start,end,label"
        ) from error
    others = Counter({_OTHER_FILES: len(files) - len(found)})
    _refuse_twice(source, annotation)
    return Annotation(
        videos=annotation.videos,
        classes=annotation.classes,
        left_out=annotation.left_out + others,
        notes=annotation.notes,
    )


def has_form(path: str) -> bool:
    """Whether a file is recognised as an annotation of some form."""
    return bool(_names_of(Source(path)))


def table_form(path: str) -> str | None:
    """The form of a file that is an annotation by the names of its columns; None if it is none."""
    source = Source(path)
    if len(source.header) < 2:
        return None
    names = [name for name in _names_of(source) if name not in ("frame-ranges", "segments")]
    return names[0] if names else None


def _files(source: str) -> list[Source]:
    """The files of a source that may be text, by their endings; a file that is named, whatever."""
    if is_file(source):
        if is_video_name(PurePath(source).name):
            raise UsageError(f"{source} is a video by its name; name an annotation, or a folder")
        return [Source(source)]
    if not is_folder(source):
        raise UsageError(f"{source} can't be read (there is no such file); check its name")
    return [Source(join(source, name)) for name in list_names(source) if _may_be_text(name)]


def _may_be_text(name: str) -> bool:
    """Whether a file's name ends as those of annotations, and it isn't hidden."""
    return PurePath(name).suffix.casefold() in _TEXT_ENDINGS and not name.startswith(".")


def _columns(files: Sequence[Source]) -> str:
    """The names of a lone table's columns, in parentheses; empty where there is no such table."""
    lone = files[0] if len(files) == 1 and files[0].path.suffix.casefold() in _TABLES else None
    names = show(", ".join(lone.header)) if lone and len(lone.header) > 1 else ""
    return f" (columns: {names})" if 0 < len(names) < _LONGEST_HEADER else ""


def _like(files: Sequence[Source], found: Sequence[Source]) -> list[Source]:
    """The files that end as those that are recognised."""
    endings = {file.path.suffix.casefold() for file in found}
    return [file for file in files if file.path.suffix.casefold() in endings]


def _names_of(source: Source) -> list[str]:
    return [name for name, form in FORMATS.items() if form.recognises(source)]


def _recognised(source: str, files: Sequence[Source]) -> str:
    """The form that a source has.

    Raises:
        UsageError: It has none that is known, or several.
    """
    by_form: dict[str, list[Source]] = defaultdict(list)
    for file in files:
        for name in _names_of(file):
            by_form[name].append(file)
    known = ", ".join(FORMATS)
    if not by_form:
        raise UsageError(
            f"{source} has none of the forms of annotations that are known{_columns(files)}; write"
            " video,start,end,label without other columns, or video,label where videos have a label"
            f" as a whole, or give --format, one of {known}, to see what is wrong with it"
        )
    if len(by_form) > 1:
        shown = _shown(f"{name} ({found[0].path.name})" for name, found in by_form.items())
        raise UsageError(f"{source} may have several forms: {shown}; choose with --format NAME")
    return next(iter(by_form))


def _refuse_unlike(files: Sequence[Source], found: Sequence[Source], name: str) -> None:
    """Refuse files that can't be read, or that should be of a video as those beside them are."""
    for file in _like(files, found):
        if FORMATS[name].a_file_a_video and file.text and file not in found:
            why = f"this file is not of the form {name}, as others beside it are; move it away"
            if name in _OF_ANY_LINES:
                why += f", or give --format {name} if it is meant to be"
            raise file.wrong(0, why)
    for file in found:
        if not file.text.strip():
            raise file.wrong(0, "this file is empty")


def _refuse_twice(source: str, annotation: Annotation) -> None:
    counts = Counter(video.name for video in annotation.videos)
    twice = [show(name) for name, count in counts.items() if count > 1]
    if twice:
        shown = first_few(twice, _NAMES_SHOWN)
        raise UsageError(f"{source} has videos in two files or splits: {shown}; keep one of each")


def _shown(names: Iterable[str]) -> str:
    return first_few(list(names), _NAMES_SHOWN)
