"""Whether the class numbers of lists count from 0 or from 1, where that can be told.

The functions apply rules one after the other; the first one that fits decides.
"""

from __future__ import annotations

from collections.abc import Collection


def base_with_classes(
    numbers: Collection[int], *, classes: int, given: int | None, numbered_from: int | None
) -> int | None:
    """The number of the first class, when it is known how many classes there are.

    Args:
        numbers: The class numbers that occur in the lists.
        classes: How many classes there are.
        given: The number that the user gave, or None.
        numbered_from: The number that the class file gives to its first class, or None if it has
            names only.

    Returns:
        The number of the first class, or None if the numbers would fit both 0 and 1.
    """
    if given is not None:
        return given
    if numbered_from is not None:
        return numbered_from
    has_first_from_0 = 0 in numbers
    has_last_from_1 = classes in numbers
    has_one_of_both = any(1 <= number < classes for number in numbers)
    if has_first_from_0:
        return 0
    if has_last_from_1:
        return 1
    # if no number is in range, each is reported as out of range whatever they start at
    return None if has_one_of_both else 0


def base_without_classes(numbers: Collection[int], *, given: int | None) -> int | None:
    """The number of the first class, when only the lists say which classes there are.

    Args:
        numbers: The class numbers that occur in the lists.
        given: The number that the user gave, or None.

    Returns:
        The number of the first class, or None if it can't be told: without a 0, the lists may
        count from 1 or just have no video of class 0.
    """
    if given is not None:
        return given
    return 0 if 0 in numbers else None
