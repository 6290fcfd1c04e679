"""The lines of video lists and class files: text in, paths and labels out, no file touched.

A list has one video a line, `path label`; the label may be missing. Path and label may hold
spaces, and a path may start with `#` as some of HMDB51's do, so three things need a rule:

- A last word that is a number is the label. Otherwise the path ends at the last video ending
  (`.avi`, `.mp4`, ...) that white space follows, and the rest is the label; a line that itself ends
  in a video ending has none; in a line without one the last word is the label. Before all that,
  class names known to hold spaces are looked for at the end of the line.
- A line is a comment if its first character is `#`, unless `#` begins the name of a video: a line
  `#437_ride_bike.avi 1` is an entry, `# a.avi 1` is none. So no video is lost to its name, and
  a line with a video's name is turned off with `#` and a space.
- After a video ending and a label of one word, ` # ` begins a comment.

A path in quotes that ends as a video does is read without them, and so is a label in quotes.
`tables` reads lists that are tables.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from lrcn_data.lists.spans import Span

_ENDINGS = (
    "264|265|3g2|3gp|3gp2|3gpp|apng|asf|avc|avi|dif|divx|dv|evo|f4v|flv|gif|h264|h265|h26l|hevc"
    "|insv|ismv|ivf|lrv|m1v|m2p|m2t|m2ts|m2v|m4v|mj2|mk3d|mkv|mod|mov|mp4|mpe|mpeg|mpg|mpv|mts|mxf"
    "|nut|obu|ogg|ogm|ogv|psp|qt|rm|rmvb|swf|tod|tp|trp|ts|vob|vro|webm|wm|wmv|wtv|xvid|y4m"
)
VIDEO_ENDINGS = frozenset(_ENDINGS.split("|"))
"""Endings of file names, without the dot, by which a video is known as one."""

_ENDING = rf"\.(?:{_ENDINGS})"
_ENDS_AS_VIDEO = re.compile(rf".*\S{_ENDING}", re.IGNORECASE | re.DOTALL)
_VIDEO_AND_LABEL = re.compile(rf"(.*\S{_ENDING})[ \t]+(.*)", re.IGNORECASE | re.DOTALL)
_VIDEO_AND_MORE = re.compile(rf".*\S{_ENDING}[ \t,;]", re.IGNORECASE | re.DOTALL)
_TRAILING_COMMENT = re.compile(rf"(.*\S{_ENDING}[ \t]+[^\s#]\S*)[ \t]+#(?:[ \t].*)?", re.I | re.S)
_QUOTED_VIDEO = re.compile(rf"([\"'])(\S.*?{_ENDING})\1(?:[ \t]+(\S.*))?", re.I | re.S)
_QUOTED = re.compile(r"([\"'])(.*)\1", re.DOTALL)
_NUMBERED_CLASS = re.compile(r"(\d+)[ \t]+(\S.*)", re.DOTALL)

SplitLine = Callable[[str], tuple[str, str | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListLine:
    """A line of a list that names a video.

    Attributes:
        line: Number of the line, counted from 1.
        path: Path of the video as the line has it.
        label: Text of the label, or None if the line has none.
        span: From when to when the video has the label; None if it has it as a whole.
    """

    line: int
    path: str
    label: str | None
    span: Span | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BadLine:
    """A line of a list that names no video with one label.

    Attributes:
        line: Number of the line, counted from 1.
        text: What is wrong with it, and what helps.
    """

    line: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassLines:
    """What a class file says.

    Attributes:
        names: Class names by class number, counted from 0.
        lines: Number of the line that each name stands in.
        base: The number that the file itself gives to the first class (`1 ApplyEyeMakeup`), or
            None if it has names only.
        misnumbered: In a file in which every line has a number, the first line whose number
            doesn't follow the one before. None if there is no such line.
    """

    names: list[str]
    lines: list[int]
    base: int | None
    misnumbered: int | None = None


def decode_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Decode a file into its lines that are not blank, without the white space at their ends.

    The file is UTF-8, with or without a byte order mark; other bytes come out as lone surrogates,
    as they do in Python's file names. Line ends are LF or CRLF, and nothing else: names may hold
    all other characters that Unicode counts as line ends.

    Returns:
        The number of each line, counted from 1, and its text.
    """
    # one after another, as ten million lines at once take a gigabyte
    for number, line in enumerate(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), 1):
        stripped = line.decode("utf-8", "surrogateescape").strip(" \t\r\n")
        if stripped:
            yield number, stripped


def entry_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """The lines of a list that are neither blank nor comments, as `decode_lines` gives them."""
    for number, text in decode_lines(data):
        if "#" not in text or not is_comment(text):
            yield number, text


def parse_list(data: bytes, class_names: Collection[str] = ()) -> list[ListLine]:
    """Read the lines of a list.

    Args:
        data: Content of the file.
        class_names: Class names that are known, which helps to tell labels with spaces from paths
            with spaces.
    """
    split_line = line_splitter(class_names)
    entries = []
    for number, text in entry_lines(data):
        if "#" in text and (match := _TRAILING_COMMENT.fullmatch(text)):
            text = match[1]
        path, label = split_line(text)
        entries.append(ListLine(line=number, path=path, label=label))
    return entries


def is_comment(text: str) -> bool:
    """Whether a stripped line is a comment, by the rule at the top of this module."""
    if not text.startswith("#"):
        return False
    if text.lstrip("#")[:1] in ("", " ", "\t"):
        return True
    return not (_ENDS_AS_VIDEO.fullmatch(text) or _VIDEO_AND_MORE.match(text))


def is_video_name(text: str) -> bool:
    """Whether a text ends as the name of a video does."""
    return bool(_ENDS_AS_VIDEO.fullmatch(text))


def split_at_video(text: str) -> tuple[str | None, str]:
    """Split a line behind the last name of a video that white space follows.

    Returns:
        All up to the end of that name, and what follows; None and the line if there is no such
        name.
    """
    if _ENDS_AS_VIDEO.fullmatch(text):
        return text, ""
    match = _VIDEO_AND_LABEL.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


def line_splitter(class_names: Collection[str] = ()) -> SplitLine:
    """Make the function that splits a line into path and label.

    The function takes a stripped line that is no comment; the label is None if there is none.

    Args:
        class_names: Class names that are known; those with spaces are looked for first.
    """
    spaced = [name for name in class_names if len(name.split()) > 1]
    ends_in_name = None
    if spaced:
        longest_first = sorted(spaced, key=len, reverse=True)
        ends_in_name = re.compile(
            rf"(.*\S)[ \t]+({'|'.join(map(re.escape, longest_first))})", re.DOTALL
        )

    def split_line(text: str) -> tuple[str, str | None]:
        if ends_in_name and (match := ends_in_name.fullmatch(text)):
            return match[1], match[2]
        if text[0] in "\"'" and (match := _QUOTED_VIDEO.fullmatch(text)):
            return match[2], match[3] and unquoted(match[3])
        path, _, label = text.rpartition(" ")
        if (
            path and label.isascii() and label.isdigit()
        ):  # most lines; the rest of the rule is ten times slower
            return path.rstrip(" \t"), sys.intern(label)
        if _ENDS_AS_VIDEO.fullmatch(text):
            return text, None
        if match := _VIDEO_AND_LABEL.fullmatch(text):
            return match[1], unquoted(match[2])
        *before, last = text.rsplit(None, 1)
        return (before[0].rstrip(" \t"), last) if before else (last, None)

    return split_line


def label_parts(label: str) -> list[str]:
    """The labels that stand in a text with commas between them."""
    return [part.strip() for part in label.split(",") if part.strip()]


def unquoted(text: str) -> str:
    """A text without the quotes around it, if there are any."""
    match = _QUOTED.fullmatch(text)
    return match[2] if match else text


def format_line(path: str, label: str) -> str:
    """Write the line of a list for a video and its label.

    Raises:
        ValueError: No line can say so: the path or the label would read differently when parsed.
    """
    line = f"{path} {label}"
    read = parse_list(line.encode("utf-8", "surrogateescape"), [label])
    if [(entry.path, entry.label) for entry in read] != [(path, label)]:
        raise ValueError(f"no line of a list can hold {path!r} with the label {label!r}")
    return line


def parse_classes(data: bytes) -> ClassLines:
    """Read a class file: one name on each line, or numbered names as in UCF-101's classInd.txt.

    It is taken as numbered if every line has a number, and these rise by one from 0 or 1.
    """
    lines = [
        (number, text)
        for number, text in decode_lines(data)
        if not (text.startswith("#") and text.lstrip("#")[:1] in ("", " ", "\t"))
    ]
    numbered = [_NUMBERED_CLASS.fullmatch(text) for _, text in lines]
    numbers = [int(match[1]) for match in numbered if match]
    base = numbers[0] if numbers else None
    misnumbered = None
    if len(numbers) == len(lines) > 1:
        following = [min(numbers[0], 1), *(number + 1 for number in numbers)]
        odd = (n for n, (a, b) in enumerate(zip(numbers, following, strict=False)) if a != b)
        misnumbered = next((lines[number][0] for number in odd), None)
    if base in (0, 1) and numbers == list(range(base, base + len(lines))):
        names = [match[2] for match in numbered if match]
    else:
        names, base = [text for _, text in lines], None
    line_numbers = [number for number, _ in lines]
    return ClassLines(names=names, lines=line_numbers, base=base, misnumbered=misnumbered)
