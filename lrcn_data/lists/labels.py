"""What the labels of lists mean: class numbers and names from the texts that stand there.

Numbers are never guessed: where nothing says whether they start at 0 or 1, or a number has no
class, the lists are refused, since a shift by one would train and score without any error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lrcn_data.lists.label_base import base_with_classes, base_without_classes
from lrcn_data.lists.lines import ClassLines, ListLine, label_parts
from lrcn_data.lists.similar_names import composed
from lrcn_data.printable import show

_NUMBER = re.compile(r"-?[0-9]{1,9}")
_MISSING_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelTable:
    """The class number of every label of some lists.

    Attributes:
        names: Class names by class number.
        by_text: Class number of each label that has one, also in the Unicode form NFC.
        by_folder: Class number of the videos without a label, by the folder that they lie in, also
            in the Unicode form NFC.
        allowed: What a label may be, in words, for messages.
        problem: Why the labels can't be understood as a whole, or None if they can.
        unclear: The labels that `problem` is about. None stands for all labels.
    """

    names: list[str] = field(default_factory=list)
    by_text: Mapping[str, int] = field(default_factory=dict)
    by_folder: Mapping[str, int] = field(default_factory=dict)
    allowed: str = ""
    problem: str | None = None
    unclear: Collection[str] | None = None

    def class_of(self, line: ListLine) -> int | None:
        """The class number of a line's video, or None if it has none."""
        if line.label is None:
            return _look_up(self.by_folder, folder_of(line.path))
        return self._number_of(line.label)

    def _number_of(self, label: str) -> int | None:
        return _look_up(self.by_text, label)

    def why_no_class(self, line: ListLine) -> str | None:
        """Why a line's video has no class, or None if `problem` says so already."""
        if self.problem is not None and (self.unclear is None or line.label in self.unclear):
            return None
        if line.label is not None:
            is_known = _are_several(line.label, lambda part: self._number_of(part) is not None)
            hint = "; --multi-label takes several labels a video" if is_known else ""
            return f"label {show(line.label)} of {show(line.path)} is not {self.allowed}{hint}"
        if "," in line.path:
            return (
                f"{show(line.path)} has no label; put a space before it, or a comma in every line"
            )
        folder = show(folder_of(line.path)) or "(none)"
        return (
            f"{show(line.path)} has no label, and its folder {folder}"
            " is no known class; add the label, or give --classes FILE"
        )


def joined_names(names: Collection[str]) -> list[str]:
    """Those of some names that are several others with commas between them."""
    known = set(names)
    return [name for name in names if _are_several(name, known.__contains__)]


def _are_several(label: str, is_label: Callable[[str], bool]) -> bool:
    """Whether a text is several labels with commas between them."""
    parts = label_parts(label)
    return len(parts) > 1 and all(map(is_label, parts))


def _look_up(numbers: Mapping[str, int], name: str) -> int | None:
    return numbers[name] if name in numbers else numbers.get(composed(name))


def _in_all_forms(numbers: Mapping[str, int]) -> dict[str, int]:
    """The same numbers by the names in NFC as well."""
    return {**{composed(name): number for name, number in numbers.items()}, **numbers}


def label_table(
    lines: Collection[ListLine],
    known: ClassLines | None,
    label_base: int | None,
    before: Sequence[str] = (),
    *,
    in_time: bool = False,
) -> LabelTable:
    """Find out what the labels of all lists mean.

    Args:
        lines: The lines of all lists together.
        known: The class names that were given, or None if there are none.
        label_base: The number of the first class that was given, 0 or 1, or None if there is none.
        before: The names of classes that have their numbers already. Where no class names were
            given, those of the lists come after them.
        in_time: Whether they are labels of segments. Without class names a number is then the name
            of a class as any other text: annotations number from 0, from 1 or from -1, and leave
            numbers out.
    """
    labels = {line.label for line in lines if line.label is not None}
    numbers = {label: int(label) for label in labels if _NUMBER.fullmatch(label)}
    if known:
        return _with_class_names(known, numbers, label_base)
    if not labels:
        return LabelTable(problem="no video has a label; add labels, or give --classes FILE")
    if in_time and len(numbers) == len(labels):
        return _from_number_names(numbers, before)
    if len(numbers) == len(labels):
        return _from_numbers(lines, numbers, label_base, before)
    if numbers:
        number, name = min(numbers), min(labels - set(numbers))
        are_numbers = _are_several(name, lambda part: bool(_NUMBER.fullmatch(part)))
        hint = "; --multi-label takes several numbers a video" if are_numbers else ""
        return LabelTable(
            problem=f"labels are numbers ({number}) and names ({name}); use one of the two, or give"
            f" --classes FILE{hint}"
        )
    return _from_names(labels, before)


def _from_names(labels: Collection[str], before: Sequence[str]) -> LabelTable:
    """Classes in the alphabetical order of their names; Unicode forms make no two of one.

    Those that have their numbers already come first.
    """
    forms: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        forms[composed(label)].add(label)
    there = set(map(composed, before))
    new = (
        name if len(found) > 1 else min(found) for name, found in forms.items() if name not in there
    )
    names = [*before, *sorted(new)]
    by_name = _in_all_forms({name: number for number, name in enumerate(names)})
    return LabelTable(names=names, by_text=by_name, by_folder=by_name, allowed="a class name")


def _from_number_names(numbers: Mapping[str, int], before: Sequence[str]) -> LabelTable:
    """Classes that are named by numbers, in their order; those that have a number already first."""
    texts: dict[int, str] = {}
    for text, number in sorted(numbers.items()):
        other = texts.setdefault(number, text)
        if other != text:
            return LabelTable(
                problem=f"labels {other} and {text} are one number; write it in one way"
            )
    new = (text for _, text in sorted(texts.items()) if text not in set(before))
    names = [*before, *new]
    by_name = {name: number for number, name in enumerate(names)}
    return LabelTable(names=names, by_text=by_name, by_folder=by_name, allowed="a number")


def _with_class_names(
    known: ClassLines, numbers: Mapping[str, int], label_base: int | None
) -> LabelTable:
    """Labels are the given class names, or numbers of them.

    Args:
        known: The class names.
        numbers: The labels that look like numbers, and their values.
        label_base: The number of the first class that was given, or None.
    """
    count = len(known.names)
    # reversed, so that of a name that stands there twice the first one counts
    by_name = _in_all_forms(
        {name: number for number, name in reversed(list(enumerate(known.names)))}
    )
    names_only = LabelTable(
        names=known.names, by_text=by_name, by_folder=by_name, allowed=f"one of {count} class names"
    )
    if not numbers or any(_NUMBER.fullmatch(name) for name in known.names):
        return names_only  # names that look like numbers leave no room for numbers
    base = base_with_classes(
        numbers.values(), classes=count, given=label_base, numbered_from=known.base
    )
    if base is None:
        lowest, highest = min(numbers.values()), max(numbers.values())
        problem = (
            f"labels from {lowest} to {highest} for {count} class names don't tell whether they"
            " start at 0 or 1; give --label-base 0 or --label-base 1"
        )
        return replace(names_only, problem=problem, unclear=numbers.keys())
    in_range = {text: n - base for text, n in numbers.items() if base <= n < base + count}
    return replace(
        names_only,
        by_text={**in_range, **by_name},
        allowed=f"one of {count} class names or a number from {base} to {base + count - 1}",
    )


def _from_numbers(
    lines: Iterable[ListLine],
    numbers: Mapping[str, int],
    label_base: int | None,
    before: Sequence[str],
) -> LabelTable:
    """All labels are numbers, and nothing but the lists says how many classes there are.

    Args:
        lines: The lines of all lists together.
        numbers: All labels, and their values.
        label_base: The number of the first class that was given, or None.
        before: The names of the first classes, where they have some already.
    """
    values = set(numbers.values())
    base = base_without_classes(values, given=label_base)
    if base is None:
        return LabelTable(
            problem=f"labels start at {min(values)}, none is 0; give --label-base 1 if they"
            " count from 1, or --classes FILE"
        )
    gaps = _why_not_consecutive(values, base)
    if gaps:
        return LabelTable(problem=gaps)
    by_text = {text: value - base for text, value in numbers.items() if value >= base}
    count = len(set(by_text.values()))
    names = _names_from_folders(lines, by_text, count)
    in_lists = names or [str(number) for number in range(count)]
    return LabelTable(
        names=[*before, *in_lists[len(before) :]],
        by_text=by_text,
        by_folder={name: number for number, name in enumerate(names)},
        allowed=f"a number from {base} on",
    )


def _why_not_consecutive(values: Collection[int], base: int) -> str | None:
    """Which class numbers no video has, or None if all from `base` to the highest occur."""
    highest = max(values)
    used = {value for value in values if value >= base}
    count = highest + 1 - base - len(used)
    if count <= 0:
        return None
    missing = (number for number in range(base, highest) if number not in used)
    # only as many as are shown are looked for: a label may be 999,999,999
    shown = ", ".join(str(n) for n, _ in zip(missing, range(_MISSING_SHOWN), strict=False))
    more = f" and {count - _MISSING_SHOWN} more" if count > _MISSING_SHOWN else ""
    return (
        f"labels go up to {highest}, but no video has label {shown}{more}; give the"
        " names of all classes with --classes FILE, or number them without gaps"
    )


def folder_of(path: str) -> str:
    """The name of the folder that a video lies in; UCF-101's lists leave the class to it."""
    return path.rpartition("/")[0].rpartition("/")[2]


def _names_from_folders(
    lines: Iterable[ListLine], by_text: Mapping[str, int], count: int
) -> list[str]:
    """Names of the folders by class number if each holds exactly one class, else an empty list."""
    folders: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        if line.label is not None and line.label in by_text:
            folders[folder_of(line.path)].add(by_text[line.label])
    names = {min(found): name for name, found in folders.items() if len(found) == 1 and name}
    if len(names) == count == len(folders):
        return [names[number] for number in range(count)]
    return []
