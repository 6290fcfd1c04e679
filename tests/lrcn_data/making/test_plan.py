"""The plan of a data set: which videos go into which shard, what samples are called, and what makes
two data sets different ones."""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_data.format.manifest import Manifest
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.read_lists import Lists
from lrcn_data.making.fingerprint import differences, tool_versions
from lrcn_data.making.plan import PlannedShard, PlannedVideo, plan_shards
from lrcn_data.making.portions import plan_portion
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.samplings import make_sampling
from lrcn_data.storage.locations import listed_location
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.limits import Limits

SPLITS = ("train", "val", "test")
KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
TOOLS = {"av": "1"}

# what a file system takes: any character but NUL, also bytes that are no UTF-8
paths = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from([chr(0xDC00 + byte) for byte in range(128, 256)]),
    min_size=1,
)


@st.composite
def video_lists(draw: st.DrawFn) -> list[Entry]:
    """Entries of a few splits, each path once."""
    names = draw(st.lists(paths, min_size=1, max_size=60, unique=True))
    return [
        Entry(path=path, label=0, split=draw(st.sampled_from(SPLITS)), line=line)
        for line, path in enumerate(names, 1)
    ]


def numbered(count: int, split: str = "train") -> list[Entry]:
    return [
        Entry(path=f"videos/{number}.avi", label=number % 2, split=split, line=number + 1)
        for number in range(count)
    ]


def plan_manifest(lists: Lists, options: ShardOptions, tools: dict[str, str]) -> Manifest:
    return plan_portion(lists.entries, options, lists.classes, tools).as_manifest()


def plan(
    entries: list[Entry], *, seed: int = 0, videos_per_shard: int | None = None
) -> list[PlannedShard]:
    return plan_shards(entries, seed=seed, videos_per_shard=videos_per_shard)


def test_the_plan_of_one_seed_is_the_same_for_ever() -> None:
    entries = [*numbered(9), *numbered(12, "test")[9:]]
    found = {
        shard.name: [int(Path(video.entry.path).stem) for video in shard.videos]
        for shard in plan(entries, videos_per_shard=4)
    }
    assert found == {
        "train-000": [6, 5, 1, 0],
        "train-001": [2, 8, 4, 3],
        "train-002": [7],
        "test-000": [10, 11, 9],
    }


@given(video_lists(), st.randoms(), st.integers(), st.integers(1, 20))
def test_the_order_of_a_list_does_not_matter(
    entries: list[Entry], rng: random.Random, seed: int, size: int
) -> None:
    planned = plan(entries, seed=seed, videos_per_shard=size)
    shuffled = rng.sample(entries, len(entries))
    assert plan(shuffled, seed=seed, videos_per_shard=size) == planned


@given(video_lists(), st.integers(), st.integers(1, 20))
def test_every_video_goes_into_one_shard_of_its_split(
    entries: list[Entry], seed: int, size: int
) -> None:
    shards = plan(entries, seed=seed, videos_per_shard=size)
    planned = [(shard.split, video.entry) for shard in shards for video in shard.videos]
    assert Counter(planned) == Counter((entry.split, entry) for entry in entries)


@given(video_lists(), st.integers(1, 20))
def test_shards_are_numbered_without_gaps_and_only_the_last_of_a_split_may_be_smaller(
    entries: list[Entry], size: int
) -> None:
    shards = plan(entries, videos_per_shard=size)
    for split in SPLITS:
        mine = [shard for shard in shards if shard.split == split]
        assert [shard.name for shard in mine] == [f"{split}-{i:03d}" for i in range(len(mine))]
        assert all(len(shard.videos) == size for shard in mine[:-1])
        assert all(1 <= len(shard.videos) <= size for shard in mine)


def test_shards_have_four_digits_where_three_are_too_few() -> None:
    assert plan(numbered(1000), videos_per_shard=1)[-1].name == "train-999"
    shards = plan(numbered(1001), videos_per_shard=1)
    assert (shards[0].name, shards[-1].name) == ("train-0000", "train-1000")


@given(video_lists(), st.integers(), st.integers(1, 20), st.integers(1, 20))
def test_how_many_videos_a_shard_has_does_not_change_their_order(
    entries: list[Entry], seed: int, size: int, other: int
) -> None:
    def order(videos_per_shard: int) -> list[PlannedVideo]:
        shards = plan(entries, seed=seed, videos_per_shard=videos_per_shard)
        return [video for shard in shards for video in shard.videos]

    assert order(size) == order(other)


def test_seeds_give_different_orders_that_mix_the_list() -> None:
    orders = {
        tuple(video.entry.line for shard in plan(numbered(50), seed=seed) for video in shard.videos)
        for seed in range(100)
    }
    assert len(orders) == 100
    assert tuple(range(1, 51)) not in orders
    # every place is as likely for a video as any other: mean 24.5 with a deviation of 1.4
    places = [order.index(1) for order in orders]
    assert 20 < sum(places) / len(places) < 29


@pytest.mark.parametrize(
    ("videos", "expected"),
    [(1, 8), (800, 8), (801, 9), (5_000, 50), (99_900, 999), (100_000, 1000), (100_001, 1000)],
)
def test_a_shard_has_a_hundredth_of_its_split_but_8_to_1000(videos: int, expected: int) -> None:
    sizes = [len(shard.videos) for shard in plan(numbered(videos))]
    assert max(sizes) == min(expected, videos)
    assert sum(sizes) == videos


def test_each_split_has_its_own_default_size() -> None:
    shards = plan([*numbered(2_000), *numbered(10, "val")])
    assert {shard.split: len(shard.videos) for shard in reversed(shards)} == {"train": 20, "val": 8}


@given(video_lists(), st.integers(1, 20))
def test_keys_are_unique_and_safe_names(entries: list[Entry], size: int) -> None:
    keys = [
        video.key(clip)
        for shard in plan(entries, videos_per_shard=size)
        for video in shard.videos
        for clip in (0, 9_999)
    ]
    assert len(set(keys)) == len(keys) == 2 * len(entries)
    assert all(KEY.fullmatch(key) for key in keys)


def test_a_key_says_split_position_name_and_clip() -> None:
    entry = Entry(path="Archery/v Archery.g01.avi", label=0, split="test", line=1)
    assert PlannedVideo(entry, 42).key(3) == "test-0000042-v_Archery_g01-3"


def test_the_key_of_a_long_name_has_its_beginning() -> None:
    entry = Entry(path="a" * 200 + ".avi", label=0, split="train", line=1)
    assert PlannedVideo(entry, 9_999_999).key(9_999) == f"train-9999999-{'a' * 50}-9999"


def options(**values: Any) -> ShardOptions:
    """Options by their names in the manifest, the others left at their defaults."""
    decode = DecodeOptions(
        check_full=values.pop("check", "auto") == "full",
        salvage=values.pop("salvage", False),
        timeout=values.pop("timeout", 300.0),
        limits=Limits.of_hours(values.pop("max_hours", 4)),
        demuxers=values.pop("allow_demuxer", ()),
        decoders=values.pop("allow_decoder", ()),
    )
    of_shards = {field.name for field in dataclasses.fields(ShardOptions)} - {"clip"}
    stored = {name: values.pop(name) for name in of_shards & values.keys()}
    of_sampling = {"seq_len": 8, "stride": None, "clips": 1}
    given = {name: values.pop(name, default) for name, default in of_sampling.items()}
    sampling = make_sampling(values.pop("sampling", "blocks"), given)
    return ShardOptions(clip=ClipOptions(decode=decode, sampling=sampling, **values), **stored)


def lists(entries: list[Entry] | None = None, classes: tuple[str, ...] = ("a", "b")) -> Lists:
    entries = [*numbered(9), *numbered(12, "test")[9:]] if entries is None else entries
    return Lists(classes=list(classes), entries=entries, warnings=[])


def manifest(**values: Any) -> Manifest:
    return plan_manifest(lists(), options(**values), TOOLS)


WINDOWS = {"sampling": "windows", "seq_len": 8, "stride": 4}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "fps": ({}, {"fps": Fraction(4)}, "--fps was 5, is 4"),
    "seq_len": ({}, {"seq_len": 6}, "--seq-len was 8, is 6"),
    "sampling": ({}, {"sampling": "center"}, "--sampling was blocks, is center"),
    "stride": (WINDOWS, {**WINDOWS, "stride": 3}, "--stride was 4, is 3"),
    "clips": ({}, {"clips": 2}, "--clips was 1, is 2"),
    "short": ({}, {"short": "pad"}, "--short was skip, is pad"),
    "size": (
        {"mean_size": (32, 24)},
        {"mean_size": (32, 24), "size": (40, 30)},
        "--size was not given, is 40x30",
    ),
    "quality": ({}, {"quality": 80}, "--quality was 90, is 80"),
    "seed": ({}, {"seed": 1}, "--seed was 0, is 1"),
    "videos_per_shard": (
        {},
        {"videos_per_shard": 5},
        "--videos-per-shard was not given, is 5",
    ),
    "check": ({}, {"check": "full"}, "--check was auto, is full"),
    "salvage": ({}, {"salvage": True}, "--salvage was not given, is given"),
    "allow_demuxer": ({}, {"allow_demuxer": ("ea",)}, "--allow-demuxer was not given, is ea"),
    "allow_decoder": (
        {"allow_decoder": ("asv1",)},
        {"allow_decoder": ("asv1", "asv2")},
        "--allow-decoder was asv1, is asv1,asv2",
    ),
    "max_hours": ({}, {"max_hours": 12}, "--max-hours was not given, is 12"),
    "canvas": (
        {},
        {"mean_size": (32, 24)},
        "the canvas of the pixel sums was 320x240, is 32x24",
    ),
}


def test_a_data_set_made_before_has_the_same_fingerprint() -> None:
    assert manifest().fingerprint == (
        "38e6add6555c42df89b39cee50be35b73595c99292ba5dfde81f670a73522ca4"
    )


@pytest.mark.parametrize(("before", "after", "says"), CHANGES.values(), ids=CHANGES)
def test_an_option_that_changes_bytes_changes_the_fingerprint_and_is_named(
    before: dict[str, Any], after: dict[str, Any], says: str
) -> None:
    old, new = manifest(**before), manifest(**after)
    assert old.fingerprint != new.fingerprint
    assert differences(old, new) == [says]


def test_every_option_of_the_manifest_is_tried() -> None:
    later = {"max_hours"}
    assert CHANGES.keys() - {"canvas"} == manifest().options.keys() | later


def test_the_fingerprints_of_all_single_changes_differ() -> None:
    prints = [manifest(**after).fingerprint for _, after, _ in CHANGES.values()]
    assert len({manifest().fingerprint, *prints}) == len(CHANGES) + 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"timeout": 5.0}),
        ({}, {"max_hours": 4.0}),
        ({"fps": Fraction(10)}, {"fps": Fraction("10.0")}),
        ({"allow_decoder": ("b", "a")}, {"allow_decoder": ("a", "b", "a")}),
        ({"allow_demuxer": ("b", "a")}, {"allow_demuxer": ("a", "b", "a")}),
        ({"sampling": "windows"}, WINDOWS),
    ],
    ids=[
        "a time limit",
        "the default of an option that came later",
        "an equal rate",
        "the same decoders",
        "the same containers",
        "the default stride",
    ],
)
def test_what_changes_no_byte_changes_no_fingerprint(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert manifest(**before) == manifest(**after)
    assert differences(manifest(**before), manifest(**after)) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lists([*numbered(8), *numbered(12, "test")[9:]]), "the train list has other entries"),
        (lists(numbered(9)), "the test list has other entries"),
        (
            lists([*numbered(9), *(dataclasses.replace(e, label=1) for e in lists().entries[9:])]),
            "the test list has other entries",
        ),
        (lists(classes=("b", "a")), "the class names differ (2 before, 2 now)"),
    ],
    ids=["a video less", "a list less", "another class", "other class names"],
)
def test_other_lists_change_the_fingerprint_and_are_named(changed: Lists, says: str) -> None:
    new = plan_manifest(changed, options(), TOOLS)
    assert new.fingerprint != manifest().fingerprint
    assert differences(manifest(), new) == [says]


@given(st.randoms())
def test_the_order_and_the_line_numbers_of_a_list_change_no_fingerprint(
    rng: random.Random,
) -> None:
    moved = [dataclasses.replace(entry, line=entry.line + 7) for entry in lists().entries]
    rng.shuffle(moved)
    assert plan_manifest(lists(moved), options(), TOOLS) == manifest()


def test_another_version_of_a_tool_changes_the_fingerprint_and_is_named() -> None:
    new = plan_manifest(lists(), options(), {"av": "2", "ffmpeg": "7"})
    assert new.fingerprint != manifest().fingerprint
    assert differences(manifest(), new) == ["av was 1, is 2", "ffmpeg was None, is 7"]


def test_the_decoder_is_one_of_the_tools() -> None:
    tools = tool_versions(options())
    assert tools["decoder"] == "av"
    assert tools.keys() == {"decoder", "av", "numpy", "pillow", "simplejpeg"}
    assert tool_versions(options(decoder="ffmpeg")).keys() == {*tools, "ffmpeg"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (320, 240)),
        ({"size": (40, 30)}, (40, 30)),
        ({"size": (40, 30), "mean_size": (8, 6)}, (8, 6)),
    ],
)
def test_the_canvas_is_the_mean_size_else_the_size_else_320x240(
    values: dict[str, Any], expected: tuple[int, int]
) -> None:
    assert options(**values).canvas == expected
    assert manifest(**values).canvas == list(expected)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"quality": 0}, "--quality must be from 1 to 100, got 0"),
        ({"quality": 101}, "--quality must be from 1 to 100, got 101"),
        ({"videos_per_shard": 0}, "--videos-per-shard must be at least 1, got 0"),
        ({"size": (0, 24)}, "--size must have sides from 1 to 8192, got 0x24"),
        (
            {"size": (8192, 4096)},
            "the mean image would have 8192x4096 pixels, of which 16,777,216 are possible; give a"
            " smaller --mean-size, such as 640x480",
        ),
        ({"mean_size": (32, 8193)}, "--mean-size must have sides from 1 to 8192, got 32x8193"),
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(says)}$"):
        options(**values)


def test_the_limits_themselves_are_allowed() -> None:
    for values in ({"quality": 1}, {"quality": 100}, {"size": (1, 8192)}, {"videos_per_shard": 1}):
        options(**values)


def test_a_relative_path_is_one_of_the_root_and_an_absolute_path_stays() -> None:
    assert listed_location("/root", "a/b") == "/root/a/b"
    assert listed_location("/root", "/c/d") == "/c/d"
    assert listed_location("/root", "s3://bucket/b") == "s3://bucket/b"
