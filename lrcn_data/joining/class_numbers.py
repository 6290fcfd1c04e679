"""Classes mapped by their names: the numbers that they get, and samples that have these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.records import NO_CLASS, SampleRecord


def joined_classes(every: Iterable[Sequence[str]]) -> list[str]:
    """The class names of all data sets: those of the first, and behind them what others add."""
    return list(dict.fromkeys(name for classes in every for name in classes))


def new_numbers(classes: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """The number that each class gets.

    Args:
        classes: Class names by class number.
        wanted: The names by the new numbers.

    Returns:
        By old number the new one, or `NO_CLASS` where the name is not wanted.
    """
    place = {name: number for number, name in enumerate(wanted)}
    return [place.get(name, NO_CLASS) for name in classes]


def relabelled(
    record: SampleRecord,
    key: str,
    numbers: Sequence[int],
    names: Sequence[str],
    *,
    labels_in_time: bool,
) -> SampleRecord:
    """The record of a sample with other class numbers, and perhaps another key.

    Args:
        record: The record as it is stored.
        key: The key that the sample gets.
        numbers: By old class number the new one, or `NO_CLASS` for a class that is left out.
        names: Class names by the new numbers.
        labels_in_time: Whether frames have classes of their own, so that the sample's follows.
    """
    labels = [number if number == NO_CLASS else numbers[number] for number in record.labels]
    if record.classes is not None:
        kept = sorted(numbers[old] for old in record.classes if numbers[old] != NO_CLASS)
        shown = [names[number] for number in kept] if record.class_names else []
        return replace(record, key=key, labels=labels, classes=kept, class_names=shown)
    label = clip_label(labels) if labels_in_time else numbers[record.label]
    is_named = label != NO_CLASS and (record.class_name or record.label == NO_CLASS)
    name = names[label] if is_named else ""
    return replace(record, key=key, labels=labels, label=label, class_name=name)
