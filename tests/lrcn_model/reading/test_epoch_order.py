"""Every sample exactly once, over any ranks, in an order that never changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_model.reading.epoch_order import (
    balanced,
    mix_shares,
    mixed,
    shard_windows,
    shuffled,
    shuffled_in_windows,
    steps,
)
from lrcn_model.reading.epoch_sampler import EpochSampler
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.repeatable_random import permutation, random_bits, random_fractions

sizes = st.integers(1, 60)


def splitmix64(state: int) -> int:
    """One step of the published generator, in Python's own integers."""
    mask = (1 << 64) - 1
    z = (state + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def flat(lists: Iterable[list[int]]) -> list[int]:
    return [item for part in lists for item in part]


def batches(count: int, ranks: int, batch_size: int, **options: object) -> list[list[list[int]]]:
    """[rank][step] -> samples."""
    return [
        list(
            EpochSampler(range(count), batch_size=batch_size, rank=r, ranks=ranks, **options)  # type: ignore[arg-type]
        )
        for r in range(ranks)
    ]


def test_bits_are_those_of_the_published_generator() -> None:
    start = int.from_bytes(hashlib.sha256(b"order 3 7").digest()[:8], "little")
    expected = [splitmix64(start + n * 0x9E3779B97F4A7C15) for n in range(5)]
    assert random_bits(np.arange(5), "order", 3, 7).tolist() == expected


def test_an_order_never_changes_between_versions() -> None:
    assert permutation(10, "order", 0, 0).tolist() == [5, 3, 2, 4, 8, 6, 1, 0, 7, 9]


def test_fractions_are_spread_evenly() -> None:
    fractions = random_fractions(np.arange(10_000), "test")
    assert fractions.min() >= 0
    assert fractions.max() < 1
    counts, _ = np.histogram(fractions, 10, (0, 1))
    assert np.abs(counts - 1000).max() < 150


def test_every_position_of_a_shuffled_order_is_equally_likely() -> None:
    counts = np.zeros((5, 5))
    for epoch in range(2000):
        counts[np.arange(5), shuffled(5, seed=1, epoch=epoch)] += 1
    assert np.abs(counts - 400).max() < 100


@given(count=st.integers(4, 200), ranks=st.integers(1, 4), batch_size=st.integers(1, 9))
def test_an_epoch_takes_every_sample_once_in_equally_many_steps(
    count: int, ranks: int, batch_size: int
) -> None:
    taken = batches(count, ranks, batch_size)
    assert sorted(s for rank in taken for batch in rank for s in batch) == list(range(count))
    assert len({len(rank) for rank in taken}) == 1
    for together in zip(*taken, strict=True):
        lengths = [len(batch) for batch in together]
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1
        assert sum(lengths) < ranks * batch_size + ranks


@given(count=st.integers(4, 200), ranks=st.integers(1, 4), batch_size=st.integers(1, 5))
def test_ranks_together_take_what_one_rank_takes(count: int, ranks: int, batch_size: int) -> None:
    several = batches(count, ranks, batch_size)
    together = [flat(step) for step in zip(*several, strict=True)]
    (alone,) = batches(count, 1, ranks * batch_size)
    assert flat(together) == flat(alone)
    full = len(together) - 2
    assert together[: max(full, 0)] == alone[: max(full, 0)]


@given(count=st.integers(0, 60), ranks=st.integers(1, 8), batch_size=st.integers(1, 5))
def test_evaluation_scores_every_sample_once_and_in_order(
    count: int, ranks: int, batch_size: int
) -> None:
    taken = batches(count, ranks, batch_size, shuffle=False)
    assert all(batch for rank in taken for batch in rank)
    assert sorted(s for rank in taken for batch in rank for s in batch) == list(range(count))
    assert all(flat(rank) == sorted(flat(rank)) for rank in taken)


@given(count=st.integers(4, 60), ranks=st.integers(1, 4), batch_size=st.integers(1, 5))
def test_a_state_is_restored_at_the_next_step(count: int, ranks: int, batch_size: int) -> None:
    for rank in range(ranks):
        sampler = EpochSampler(range(count), batch_size=batch_size, rank=rank, ranks=ranks)
        sampler.set_epoch(3)
        whole = list(sampler)
        assert len(sampler) == len(whole)
        for done in range(len(whole) + 1):
            restored = EpochSampler(range(count), batch_size=batch_size, rank=rank, ranks=ranks)
            restored.load_state_dict(sampler.state_dict(done))
            assert list(restored) == whole[done:]
            assert len(restored) == len(whole) - done
            again = restored.state_dict(len(whole) - done)
            assert again == {"epoch": 3, "samples_done": count}


@given(
    count=st.integers(4, 60),
    before=st.integers(1, 4),
    after=st.integers(1, 4),
    done=st.integers(0, 10),
)
def test_an_epoch_begun_on_some_ranks_is_finished_on_others(
    count: int, before: int, after: int, done: int
) -> None:
    taken, states = [], []
    for rank in range(before):
        sampler = EpochSampler(range(count), batch_size=2, rank=rank, ranks=before)
        taken += flat(list(sampler)[:done])
        states.append(sampler.state_dict(done))
    assert all(state == states[0] for state in states)
    if 0 < count - states[0]["samples_done"] < after:
        with pytest.raises(UsageError, match="are left of epoch 0"):
            EpochSampler(range(count), ranks=after).load_state_dict(states[0])
        return
    for rank in range(after):
        sampler = EpochSampler(range(count), batch_size=3, rank=rank, ranks=after)
        sampler.load_state_dict(states[0])
        taken += flat(sampler)
    assert sorted(taken) == list(range(count))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {
        tuple(shuffled(50, seed=seed, epoch=epoch)) for seed in range(-2, 3) for epoch in range(5)
    }
    assert len(orders) == 25


@given(
    shards=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    window=st.integers(1, 15),
    epoch=st.integers(0, 3),
)
def test_a_window_reads_few_shards_at_a_time(shards: list[int], window: int, epoch: int) -> None:
    order = shuffled_in_windows(shards, window, seed=0, epoch=epoch)
    assert sorted(order) == list(range(sum(shards)))
    shard_of = np.repeat(np.arange(len(shards)), shards)[order]
    uses = [np.flatnonzero(shard_of == shard) for shard in set(shard_of.tolist())]
    for position in range(len(order)):
        assert sum(use[0] <= position <= use[-1] for use in uses) <= window


def test_shards_are_asked_for_a_window_before_they_are_read(
    make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = ShardDataset(make_data_set(samples={"train": [3, 1, 2, 4, 2]}))
    asked: list[int] = []
    monkeypatch.setattr(dataset, "read_ahead", asked.extend)
    sampler = EpochSampler(dataset, batch_size=2, shuffle_window=1)
    windows = shard_windows(5, 1, seed=0, epoch=0)
    for batch in sampler:
        used = {int(np.searchsorted([3, 4, 6, 10, 12], number, "right")) for number in batch}
        latest = max(windows.index([shard]) for shard in used)
        assert asked[: latest + 2] == [shard for [shard] in windows[: latest + 2]]
    assert sorted(asked) == [0, 1, 2, 3, 4]
    ShardDataset.read_ahead(dataset, asked)


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=80).map(np.array),
    epoch=st.integers(0, 3),
)
def test_balanced_sampling_takes_each_class_equally_often(labels: np.ndarray, epoch: int) -> None:
    order = balanced(labels, seed=0, epoch=epoch)
    assert len(order) == len(labels)
    counts = Counter(labels[order].tolist())
    assert set(counts) == set(labels.tolist())
    assert max(counts.values()) - min(counts.values()) <= 1
    for label in counts:
        uses = Counter({int(i): 0 for i in np.flatnonzero(labels == label)})
        uses.update(int(i) for i in order if labels[i] == label)
        assert max(uses.values()) - min(uses.values()) <= 1


weights = st.lists(st.floats(0.01, 100), min_size=1, max_size=5)


@given(count=sizes, weights=weights)
def test_data_sets_have_their_part_of_an_epoch_to_less_than_one_clip(
    count: int, weights: list[float]
) -> None:
    shares = mix_shares(count, weights)
    assert sum(shares) == count
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - count * weight / sum(weights)) < 1


@given(counts=st.lists(sizes, min_size=1, max_size=4), data=st.data(), epochs=st.integers(1, 5))
@settings(max_examples=40)
def test_no_clip_of_a_data_set_is_taken_again_before_all_were_taken(
    counts: list[int], data: st.DataObject, epochs: int
) -> None:
    every = st.lists(st.floats(0.1, 10), min_size=len(counts), max_size=len(counts))
    weights = data.draw(every)
    ends = np.cumsum(counts)
    parts = [np.arange(end - count, end) for count, end in zip(counts, ends, strict=True)]
    orders = [mixed(parts, weights, seed=0, epoch=epoch) for epoch in range(epochs)]
    for part, share in zip(parts, mix_shares(sum(counts), weights), strict=True):
        uses = Counter(dict.fromkeys(part.tolist(), 0))
        for order in orders:
            taken = [number for number in order.tolist() if number in uses]
            assert len(taken) == share
            uses.update(taken)
            assert max(uses.values()) - min(uses.values()) <= 1


def test_a_mix_is_the_same_over_any_ranks_and_goes_on_in_the_middle(
    make_data_set: Callable[..., Path],
) -> None:
    folders = [make_data_set("a", samples={"train": [5, 4]}), make_data_set("b", videos="other")]
    dataset = ShardDataset([folders[0], f"{folders[1]}/train-*.tar"])
    assert [len(numbers) for numbers in dataset.by_data_set.values()] == [9, 5]
    options = {"seed": 3, "mix": (1, 3)}
    [alone] = [flat(EpochSampler(dataset, batch_size=4, **options))]
    assert sum(number < 9 for number in alone) == mix_shares(14, (1, 3))[0] == 4
    samplers = [EpochSampler(dataset, batch_size=2, rank=r, ranks=2, **options) for r in (0, 1)]
    steps_of = [list(sampler) for sampler in samplers]
    assert [n for both in zip(*steps_of, strict=True) for part in both for n in part] == alone
    samplers[0].load_state_dict(samplers[0].state_dict(2))
    assert list(samplers[0]) == steps_of[0][2:]
    for weights, words in (
        ((1, 2, 3), r"--mix 1 2 3 is for 3 data sets, .* 2 \(.*/a, .*/b\)"),
        ((1, 1000), r"--mix 1 1000 would take none of the 9 clips of .*/a in an epoch of 14"),
    ):
        with pytest.raises(UsageError, match=words):
            EpochSampler(dataset, mix=weights)


@given(start=sizes, count=sizes, batch_size=sizes, ranks=sizes)
def test_steps_leave_nothing_out(start: int, count: int, batch_size: int, ranks: int) -> None:
    parts = list(steps(start, count, batch_size=batch_size, ranks=ranks))
    covered = [i for step in parts for i in range(step.start, step.stop)]
    assert covered == list(range(start, count))
    for step in parts:
        shares = [step.share(rank, ranks) for rank in range(ranks)]
        assert [i for a, b in shares for i in range(a, b)] == list(range(step.start, step.stop))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, "--batch-size must be at least 1, got 0"),
        ({"rank": 2, "ranks": 2}, "rank must be from 0 to 1, got 2"),
        ({"shuffle_window": -1}, "--shuffle-window must be at least 0, got -1"),
        ({"shuffle_window": 1, "balanced": True}, "choose one"),
        ({"balanced": True, "shuffle": False}, "choose one"),
        ({"balanced": True}, "need a ShardDataset"),
        ({"mix": (1,), "balanced": True}, "choose one"),
        ({"mix": (1,)}, "needs clips of shards as they are"),
        ({"rank": 0, "ranks": 6}, "5 samples, fewer than the 6 processes"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        EpochSampler(range(5), **options)  # type: ignore[arg-type]
