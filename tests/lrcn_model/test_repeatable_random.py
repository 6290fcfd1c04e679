from __future__ import annotations

import hashlib

import numpy as np
import pytest

from lrcn_model.repeatable_random import permutation, random_bits, random_fractions

_ALL = (1 << 64) - 1


def splitmix64(state: int, count: int) -> list[int]:
    """The generator of Steele, Lea and Flood, number after number, in Python's own integers."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & _ALL
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
        numbers.append(z ^ (z >> 31))
    return numbers


def test_the_bits_are_those_of_splitmix64_from_the_hash_of_the_purpose() -> None:
    start = int.from_bytes(hashlib.sha256(b"order 3 0").digest()[:8], "little")
    found = random_bits(np.arange(100), "order", 3, 0)
    assert found.tolist() == splitmix64(start, 100)


def test_a_number_has_the_same_bits_whatever_it_is_asked_with() -> None:
    alone = random_bits(np.array([[7]]), "crop", 1)
    assert alone.shape == (1, 1)
    assert alone[0, 0] == random_bits(np.arange(10), "crop", 1)[7]


def test_another_purpose_gives_other_bits() -> None:
    assert not np.any(random_bits(np.arange(50), "a", 1) == random_bits(np.arange(50), "a", 2))


def test_fractions_fill_the_range_from_0_to_below_1_evenly() -> None:
    fractions = random_fractions(np.arange(100_000), "evenly")
    assert 0 <= fractions.min() < 1e-4
    assert 1 - 1e-4 < fractions.max() < 1
    counts = np.histogram(fractions, 10, (0, 1))[0]
    assert np.all(abs(counts - 10_000) < 500)


def test_a_permutation_has_every_number_once_in_an_order_of_its_purpose() -> None:
    one, other = permutation(1000, "epoch", 0), permutation(1000, "epoch", 1)
    assert sorted(one.tolist()) == list(range(1000))
    assert one.tolist() != other.tolist()
    assert one.tolist() == permutation(1000, "epoch", 0).tolist()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000, (1 << 16) + 1])
def test_a_permutation_is_the_order_of_the_bits(count: int) -> None:
    bits = random_bits(np.arange(count), "order", 5, count)
    assert permutation(count, "order", 5, count).tolist() == np.argsort(bits).tolist()


def test_numbers_whose_first_bits_are_equal_are_in_the_order_of_all_their_bits() -> None:
    count, purpose = (1 << 18) - 1, ("ties", 1004)
    bits = random_bits(np.arange(count), *purpose)
    # of 64 bits 18 are taken by the number itself
    assert len(np.unique(bits >> np.uint64(18))) == count - 1
    assert permutation(count, *purpose).tolist() == np.argsort(bits).tolist()
