"""The class of each frame of a sample as an index has it: four in a word of 64 bits.

So whoever balances windows, or weighs classes, by what frames have reads no sample.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lrcn_data.format.records import NO_CLASS

MOST_CLASSES = 1 << 15
"""The largest number of classes of a data set with labels in time."""

_A_WORD = 4


def frame_word_count(seq_len: int) -> int:
    """The number of words that the classes of so many frames take."""
    return -(-seq_len // _A_WORD)


def to_frame_words(labels: Sequence[int], count: int) -> tuple[int, ...]:
    """Write the class numbers of a sample's frames in words.

    Args:
        labels: The class number of each frame, or `NO_CLASS`.
        count: The number of words; what is left of them is filled up with `NO_CLASS`.
    """
    filled = [*labels, *(NO_CLASS for _ in range(count * _A_WORD - len(labels)))]
    return struct.unpack(f"<{count}q", struct.pack(f"<{len(filled)}h", *filled))


def frame_classes(words: npt.NDArray[np.int64], seq_len: int) -> npt.NDArray[np.int16]:
    """The class number of each frame, or `NO_CLASS`.

    Args:
        words: int64 (words, samples).
        seq_len: The largest number of frames of a sample.

    Returns:
        int16 (samples, seq_len).
    """
    numbers = np.ascontiguousarray(words.T, "<i8").view("<i2")[:, :seq_len]
    return numbers.astype(np.int16, copy=False)
