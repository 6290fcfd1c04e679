"""Random numbers that are a pure function of what they are for.

Nothing here has a state, and nothing depends on the generators of Python, NumPy or torch, whose
numbers may change between versions: an order or an augmentation drawn once is drawn again the
same anywhere.

A purpose, such as ("order", seed, epoch), is hashed to 64 bits with SHA-256; from there numbers
are drawn with SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
Generators", OOPSLA 2014), which gives the n-th number without those before it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

_STEP = np.uint64(0x9E3779B97F4A7C15)


def random_bits(numbers: npt.NDArray[Any], *purpose: int | str) -> npt.NDArray[np.uint64]:
    """Draw 64 random bits for each of some numbers; different numbers get different bits.

    Args:
        numbers: Non-negative integers, in any shape.
        *purpose: What the bits are for; another purpose gives unrelated bits.

    Returns:
        The bits, uint64, in the shape of `numbers`.
    """
    text = " ".join(str(part) for part in purpose)
    start = np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], "<u8").astype(np.uint64)
    bits = start + (numbers.astype(np.uint64) + np.uint64(1)) * _STEP
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    last: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return last


def random_fractions(numbers: npt.NDArray[Any], *purpose: int | str) -> npt.NDArray[np.float64]:
    """Draw a random fraction in [0, 1) for each of some numbers, as float64 in their shape."""
    return (random_bits(numbers, *purpose) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(count: int, *purpose: int | str) -> npt.NDArray[np.int64]:
    """The numbers 0 to count - 1 in a random order, sorted by their bits, which all differ."""
    return np.argsort(random_bits(np.arange(count), *purpose), kind="stable")
