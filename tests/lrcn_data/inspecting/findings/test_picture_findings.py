"""What each kind of finding says of pictures made to have it, and of others."""

from __future__ import annotations

import io
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lrcn_data.format.records import SampleRecord
from lrcn_data.inspecting.findings.black_frames import BlackFrames
from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind
from lrcn_data.inspecting.findings.letterboxes import Letterboxes
from lrcn_data.inspecting.findings.near_duplicates import NearDuplicates
from lrcn_data.inspecting.findings.repeated_frames import RepeatedFrames

SIZE = 160, 120


def scene(seed: int, frames: int = 8) -> list[Image.Image]:
    """A blurred random scene, across which a bright ball moves."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(40, 220, (9, 12, 3), np.uint8))
    background = coarse.resize(SIZE, Image.Resampling.BICUBIC)
    pictures = []
    for number in range(frames):
        picture = background.copy()
        picture.paste((250, 250, 80), (10 + 12 * number, 50, 22 + 12 * number, 62))
        pictures.append(picture)
    return pictures


def coded(picture: Image.Image, quality: int = 90) -> Image.Image:
    """A picture after JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def hits(kind: FindingKind[Any], *clips: tuple[str, list[Image.Image]]) -> dict[int, str]:
    """What a kind says of clips, each of a split, by the clip's number."""
    seen = {}
    for number, (_, pictures) in enumerate(clips):
        luma = np.stack([np.asarray(picture.convert("L")) for picture in pictures])
        record = SampleRecord(
            key="k",
            video="v.avi",
            label=0,
            width=luma.shape[2],
            height=luma.shape[1],
            frame_times=[0.0] * len(luma),
            num_valid=len(luma),
            labels=[0] * len(luma),
            segment=[0.0, 1.0],
        )
        found = kind.look(ClipView(record=record, fps=Fraction(5), luma=luma))
        if found is not None:
            seen[number] = found
    found = kind.judge(seen, [split for split, _ in clips]) if seen else []
    return {hit.sample: hit.detail for hit in found}


def test_black_frames_are_counted() -> None:
    black = [Image.new("RGB", SIZE, (8, 6, 9)) for _ in range(3)]
    assert hits(BlackFrames(), ("train", scene(1)), ("train", [*black, *scene(1, 5)])) == {
        1: "3 of 8 frames"
    }


def test_a_dark_scene_with_something_on_it_is_not_black() -> None:
    night = Image.new("RGB", SIZE, (10, 10, 14))
    night.paste((90, 80, 60), (60, 40, 100, 90))
    assert hits(BlackFrames(), ("train", [night] * 4)) == {}


def boxed(pictures: list[Image.Image], box: tuple[int, int, int, int]) -> list[Image.Image]:
    """Frames with black around the box, after JPEG, which blurs the edge."""
    made = []
    for picture in pictures:
        frame = Image.new("RGB", SIZE)
        frame.paste(picture.resize((box[2] - box[0], box[3] - box[1])), box[:2])
        made.append(coded(frame, 60))
    return made


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((0, 15, 160, 105), "25% above and below"),
        ((20, 0, 140, 120), "25% on both sides"),
        ((20, 15, 140, 105), "25% above and below and 25% on both sides"),
    ],
)
def test_black_bars_are_measured(box: tuple[int, int, int, int], said: str) -> None:
    [found] = hits(Letterboxes(), ("train", boxed(scene(2), box))).values()
    numbers = [int(number) for number in found.replace("%", "").split() if number.isdigit()]
    wanted = [int(number) for number in said.replace("%", "").split() if number.isdigit()]
    assert np.abs(np.subtract(numbers, wanted)).max() <= 2
    assert [word for word in found.split() if word.isalpha()] == [
        word for word in said.split() if word.isalpha()
    ]


def test_a_single_bar_a_passing_one_and_a_black_clip_are_no_letterbox() -> None:
    passing = [*boxed(scene(3, 3), (0, 20, 160, 100)), *scene(3, 3)]
    single = boxed(scene(3), (0, 30, 160, 120))
    black = [Image.new("RGB", SIZE)] * 4
    clips = [("train", clip) for clip in (passing, single, black, scene(3))]
    assert hits(Letterboxes(), *clips) == {}


def test_frames_that_repeat_the_one_before_are_counted() -> None:
    frames = scene(4)
    # as a lossy codec leaves them
    stuck = [coded(frames[0], 95), coded(frames[0], 92), coded(frames[0], 90), *frames[1:6]]
    assert hits(RepeatedFrames(), ("train", frames), ("train", stuck)) == {1: "2 of 8 frames"}


def test_a_small_movement_is_no_repetition() -> None:
    still, moved = scene(5, 1)[0], scene(5, 1)[0]
    moved.paste((250, 250, 80), (100, 90, 106, 96))
    assert hits(RepeatedFrames(), ("train", [still, moved, still])) == {}


def test_a_clip_that_was_coded_scaled_and_lit_otherwise_is_near() -> None:
    frames = scene(6)
    copy = [
        coded(frame.filter(ImageFilter.GaussianBlur(1)).point(lambda v: v * 0.8 + 20), 20).resize(
            (96, 72)
        )
        for frame in frames
    ]
    found = hits(NearDuplicates(), ("train", scene(7)), ("train", frames), ("test", copy))
    assert list(found) == [2]
    assert found[2].startswith("like one of train, ")


def test_different_clips_are_not_near_and_clips_of_one_split_are_not_compared() -> None:
    others = [("train" if seed % 2 else "test", scene(seed)) for seed in range(20, 60)]
    assert hits(NearDuplicates(), *others) == {}
    assert hits(NearDuplicates(), ("train", scene(8)), ("train", scene(8))) == {}


def test_copies_of_which_other_frames_were_drawn_are_near() -> None:
    frames = scene(9, 16)
    found = hits(NearDuplicates(), ("train", frames[::2]), ("test", frames[1::2]))
    assert list(found) == [1]


def test_the_nearest_clip_of_the_earlier_splits_is_named() -> None:
    kind = NearDuplicates()
    rng = np.random.default_rng(0)
    hashes = rng.random((600, 3, 64)) < 0.5
    splits = ["train"] * 400 + ["val"] * 100 + ["test"] * 100
    hashes[450] = hashes[7]
    hashes[450, :, :3] ^= True
    hashes[599] = hashes[450]
    found = kind.judge(dict(enumerate(hashes)), splits)
    naive = {
        number: min(range(400), key=lambda other: int((hashes[other] != hashes[number]).sum()))
        for number in (450, 599)
    }
    assert naive == {450: 7, 599: 7}
    # of the test clip the val clip is nearer than the train clip
    assert {hit.sample: (hit.like, hit.weight) for hit in found} == {
        450: (7, -3.0),
        599: (450, 0.0),
    }


def test_flat_pictures_are_like_no_other() -> None:
    flat = [Image.new("RGB", SIZE, (level, level, level)) for level in (0, 5, 9)]
    assert hits(NearDuplicates(), ("train", flat), ("test", flat)) == {}


def test_clips_are_compared_in_parts_so_that_many_take_little_memory() -> None:
    """The matrix of all pairs would take 64 MB here."""
    rng = np.random.default_rng(1)
    hashes = dict(enumerate(rng.random((8_000, 3, 64)) < 0.5))
    splits = ["train"] * 4_000 + ["test"] * 4_000
    tracemalloc.start()
    assert NearDuplicates().judge(hashes, splits) == []
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()
