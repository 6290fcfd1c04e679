"""What the labels of lists mean: class numbers and names from the texts that stand there.

Numbers are never guessed: where nothing says whether they start at 0 or 1, or a number has no
class, the lists are refused, since a shift by one would train and score without any error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from lrcn_data.lists.lines import ClassLines, ListLine

_NUMBER = re.compile(r"-?[0-9]{1,9}")
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelTable:
    """Class numbers of the labels of some lists.

    Attributes:
        names: Class names by class number.
        by_text: Class number of each label that has one.
        by_folder: Class number of the videos without a label, by the folder that they lie in.
        allowed: What a label may be, for messages.
        problem: Why labels as a whole have no meaning; None where they have.
        unclear: The labels that this is about; None for all.
    """

    names: list[str] = field(default_factory=list)
    by_text: Mapping[str, int] = field(default_factory=dict)
    by_folder: Mapping[str, int] = field(default_factory=dict)
    allowed: str = ""
    problem: str | None = None
    unclear: Collection[str] | None = None

    def is_told(self, label: str | None) -> bool:
        """Whether `problem` says already why a label has no class."""
        return self.problem is not None and (self.unclear is None or label in self.unclear)


def label_table(
    lines: Collection[ListLine], known: ClassLines | None, label_base: int | None
) -> LabelTable:
    """Find out what the labels of all lists mean.

    Args:
        lines: Of all lists together.
        known: Class names that were given; None for none.
        label_base: The first class's number that was given; None for none.
    """
    texts = {line.label for line in lines if line.label is not None}
    numbers = {text: int(text) for text in texts if _NUMBER.fullmatch(text)}
    if known:
        return _with_class_names(known, numbers, label_base)
    if not texts:
        return LabelTable(problem="no video has a label; add labels, or give --classes FILE")
    if len(numbers) == len(texts):
        return _from_numbers(lines, numbers, label_base)
    if numbers:
        number, name = min(numbers), min(texts - set(numbers))
        return LabelTable(
            problem=f"labels are numbers ({number}) and names ({name}); use one of the two, or give"
            " --classes FILE"
        )
    names = sorted(texts)
    by_text = {name: number for number, name in enumerate(names)}
    return LabelTable(names=names, by_text=by_text, by_folder=by_text, allowed="a class name")


def _with_class_names(
    known: ClassLines, numbers: Mapping[str, int], label_base: int | None
) -> LabelTable:
    by_name = {name: number for number, name in reversed(list(enumerate(known.names)))}
    count = len(known.names)
    table = LabelTable(
        names=known.names, by_text=by_name, by_folder=by_name, allowed=f"one of {count} class names"
    )
    if not numbers or any(_NUMBER.fullmatch(name) for name in known.names):
        return table  # names that look like numbers leave no room for numbers
    base = label_base if label_base is not None else known.base
    if base is None and 0 in numbers.values():
        base = 0
    if base is None and count in numbers.values():
        base = 1
    if base is None and not any(1 <= number < count for number in numbers.values()):
        base = 0  # out of range whatever they start at
    if base is None:
        lowest, highest = min(numbers.values()), max(numbers.values())
        problem = (
            f"labels from {lowest} to {highest} for {count} class names don't tell whether they"
            " start at 0 or 1; give --label-base 0 or --label-base 1"
        )
        return replace(table, problem=problem, unclear=numbers.keys())
    in_range = {text: n - base for text, n in numbers.items() if base <= n < base + count}
    return LabelTable(
        names=known.names,
        by_text={**in_range, **by_name},
        by_folder=by_name,
        allowed=f"one of {count} class names or a number from {base} to {base + count - 1}",
    )


def _from_numbers(
    lines: Iterable[ListLine], numbers: Mapping[str, int], label_base: int | None
) -> LabelTable:
    values = set(numbers.values())
    base = label_base
    if base is None:
        if 0 not in values:
            return LabelTable(
                problem=f"labels start at {min(values)}, none is 0; give --label-base 1 if they"
                " count from 1, or --classes FILE"
            )
        base = 0
    highest = max(values)
    usable = {value for value in values if value >= base}
    gaps = highest + 1 - base - len(usable)
    if gaps > 0:
        missing = (n for n in range(base, highest) if n not in usable)
        shown = ", ".join(str(number) for number, _ in zip(missing, range(_SHOWN), strict=False))
        more = f" and {gaps - _SHOWN} more" if gaps > _SHOWN else ""
        return LabelTable(
            problem=f"labels go up to {highest}, but no video has label {shown}{more}; give the"
            " names of all classes with --classes FILE, or number them without gaps"
        )
    by_text = {text: value - base for text, value in numbers.items() if value >= base}
    names = _names_from_folders(lines, by_text, len(usable))
    return LabelTable(
        names=names or [str(number) for number in range(len(usable))],
        by_text=by_text,
        by_folder={name: number for number, name in enumerate(names)},
        allowed=f"a number from {base} on",
    )


def folder_of(path: str) -> str:
    """Name of the folder that a video lies in; UCF-101's lists leave the class to it."""
    return path.rpartition("/")[0].rpartition("/")[2]


def _names_from_folders(
    lines: Iterable[ListLine], by_text: Mapping[str, int], count: int
) -> list[str]:
    """Names of the folders by class number, where each holds one class; else nothing."""
    folders: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        if line.label is not None and line.label in by_text:
            folders[folder_of(line.path)].add(by_text[line.label])
    names = {min(found): name for name, found in folders.items() if len(found) == 1 and name}
    if len(names) == count == len(folders):
        return [names[number] for number in range(count)]
    return []
