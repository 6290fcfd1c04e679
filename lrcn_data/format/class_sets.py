"""The sets of classes of a multi-label data set as an index has them: a bit a class, in words.

Bit b of word w stands for class 64 w + b. So an index stays one array of whole numbers of 64 bits,
which is mapped into memory, and up to 64 classes cost no more than a class number does.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_BITS = 64
_BYTES = _BITS // 8


def word_count(classes: int) -> int:
    """The number of words that a set of so many classes takes."""
    return -(-classes // _BITS)


def to_words(numbers: Iterable[int], count: int) -> tuple[int, ...]:
    """Write a set in `count` words, signed as int64 has them.

    Args:
        numbers: The class numbers of the set, each once.
        count: The number of words, `word_count` of all classes.
    """
    data = sum(1 << number for number in numbers).to_bytes(count * _BYTES, "little")
    parts = (data[start : start + _BYTES] for start in range(0, len(data), _BYTES))
    return tuple(int.from_bytes(part, "little", signed=True) for part in parts)


def from_words(words: Iterable[int]) -> list[int]:
    """The class numbers of a set, ascending."""
    data = b"".join(int(word).to_bytes(_BYTES, "little", signed=True) for word in words)
    bits = int.from_bytes(data, "little")
    return [number for number in range(bits.bit_length()) if bits >> number & 1]


def multi_hot(words: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.uint8]:
    """Sets as a matrix: 1 where a sample has a class.

    Args:
        words: int64 (words, samples), the sets of samples.
        classes: The number of classes.

    Returns:
        uint8 (samples, classes).
    """
    data = np.ascontiguousarray(words.T, "<i8").view(np.uint8)
    return np.unpackbits(data, axis=1, count=classes, bitorder="little")
