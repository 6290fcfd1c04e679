from __future__ import annotations

import dataclasses
import io
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.fonts import Fonts
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.inspecting.contact_sheet import FRAME_HEIGHT
from lrcn_data.inspecting.preview import (
    MOST_FRAMES,
    SheetText,
    choose_samples,
    contact_sheet,
    subtitle,
)

MakeDataSet = Callable[..., Path]


def samples_of(data_set: DataSet) -> list[Sample]:
    return [data_set.read_sample(number) for number in range(len(data_set))]


def test_classes_are_shown_evenly() -> None:
    labels = np.array([0] * 90 + [1] * 9 + [2] * 2)
    chosen = choose_samples(labels, clips=11, per_class=None, seed=0)
    counts = Counter(labels[chosen].tolist())
    assert counts[2] == 2
    assert {counts[0], counts[1]} == {4, 5}
    assert len(set(chosen)) == 11


def test_of_many_classes_each_gives_one_clip() -> None:
    labels = np.arange(500) % 101
    chosen = choose_samples(labels, clips=12, per_class=None, seed=0)
    assert len(set(labels[chosen].tolist())) == 12
    assert labels[chosen].tolist() == sorted(labels[chosen].tolist())


def test_a_number_for_each_class_limits_the_clips() -> None:
    labels = np.array([0, 1, 0, 1, 0, 2])
    assert Counter(labels[choose_samples(labels, clips=None, per_class=2, seed=0)].tolist()) == {
        0: 2,
        1: 2,
        2: 1,
    }
    assert len(choose_samples(labels, clips=4, per_class=2, seed=0)) == 4
    assert choose_samples(labels, clips=None, per_class=None, seed=0) == [0, 2, 4, 1, 3, 5]


def test_the_seed_decides_which_clips_are_shown() -> None:
    labels = np.zeros(1000, np.int64)
    first = choose_samples(labels, clips=10, per_class=None, seed=1)
    assert first == choose_samples(labels, clips=10, per_class=None, seed=1)
    assert first != choose_samples(labels, clips=10, per_class=None, seed=2)


@pytest.mark.parametrize("option", ["clips", "per_class"])
def test_a_number_below_one_is_refused(option: str) -> None:
    numbers = {"clips": None, "per_class": None, option: 0}
    with pytest.raises(UsageError, match="must be at least 1, got 0"):
        choose_samples(np.zeros(3, np.int64), seed=0, **numbers)


def find_frame(sheet: Image.Image, sample: Sample, number: int) -> np.ndarray:
    """Where a frame, scaled as it should be, lies best in the sheet: the least difference."""
    with Image.open(io.BytesIO(sample.frames[number])) as picture:
        size = round(picture.width * FRAME_HEIGHT / picture.height), FRAME_HEIGHT
        wanted = np.asarray(picture.resize(size, Image.Resampling.LANCZOS)).astype(int)
    pixels = np.asarray(sheet).astype(int)
    matches = np.all(np.abs(pixels - wanted[0, 0]) <= 1, axis=-1)
    return np.array(
        [
            np.abs(pixels[y : y + wanted.shape[0], x : x + wanted.shape[1]] - wanted).max()
            for y, x in zip(*np.nonzero(matches), strict=True)
            if y + wanted.shape[0] <= sheet.height and x + wanted.shape[1] <= sheet.width
        ]
    )


def test_every_real_frame_is_in_the_sheet_and_padded_ones_are_dimmed(
    make_data_set: MakeDataSet,
) -> None:
    data_set = open_data_set(make_data_set(samples={"train": [4]}, sizes=((32, 24), (24, 32))))
    samples = samples_of(data_set)
    assert {sample.record.num_valid for sample in samples} != {4}
    sheet = contact_sheet(samples, SheetText(title="shards"))
    for sample in samples:
        for number in range(4):
            found = find_frame(sheet, sample, number).min(initial=255) <= 1
            assert found == (number < sample.record.num_valid)


def test_sheets_of_long_clips_are_no_wider_than_sixteen_frames(make_data_set: MakeDataSet) -> None:
    long = open_data_set(make_data_set("long", samples={"train": [1]}, seq_len=40))
    sixteen = open_data_set(make_data_set("s", samples={"train": [1]}, seq_len=MOST_FRAMES))
    text = SheetText(title="x")
    assert (
        contact_sheet(samples_of(long), text).size == contact_sheet(samples_of(sixteen), text).size
    )


def test_a_row_is_added_for_each_clip(make_data_set: MakeDataSet) -> None:
    samples = samples_of(open_data_set(make_data_set(samples={"train": [5]})))
    text = SheetText(title="x", keys=True)
    heights = [contact_sheet(samples[:count], text).height for count in range(1, 6)]
    assert len(set(np.diff(heights))) == 1
    assert np.diff(heights)[0] > FRAME_HEIGHT


def test_names_of_any_length_and_kind_leave_the_width_as_it_is(make_data_set: MakeDataSet) -> None:
    sample = samples_of(open_data_set(make_data_set(samples={"train": [1]})))[0]
    odd = dataclasses.replace(
        sample.record, class_name="x" * 900, video="folder/\udce9 跳 \n.avi", key="k" * 80
    )
    text = SheetText(title="t" * 999, subtitle="s" * 999, keys=True)
    plain = contact_sheet([sample], SheetText(title="shards"))
    assert contact_sheet([dataclasses.replace(sample, record=odd)], text).size == plain.size


def test_letters_that_no_font_has_are_noted(make_data_set: MakeDataSet) -> None:
    sample = samples_of(open_data_set(make_data_set(samples={"train": [1]})))[0]
    odd = dataclasses.replace(sample.record, class_name="ж \U00016a0d", video="é.avi")
    fonts = Fonts()
    contact_sheet([dataclasses.replace(sample, record=odd)], SheetText(title="x"), fonts)
    assert set(fonts.missing) <= {"\U00016a0d"}


def test_a_frame_that_is_no_picture_is_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(change_jpegs=lambda jpegs: [jpeg[:200] for jpeg in jpegs])
    with pytest.raises(ShardError, match="sample train-000-00000: frame 0 is no picture"):
        contact_sheet(samples_of(open_data_set(folder)), SheetText(title="x"))


def test_the_subtitle_says_what_is_shown() -> None:
    assert subtitle(Fraction(25, 2), 8, 6, 1160) == (
        "6 of 1,160 clips, 8 frames each, from 12.5 frames a second"
    )
    assert subtitle(Fraction(5), 32, 1, 1).startswith("1 of 1 clips, 16 of 32 frames each, from 5 ")
    for seq_len, shown in ((8, "up to 8"), (32, "16 of up to 32")):
        said = subtitle(Fraction(5), seq_len, 1, 1, variable_length=True)
        assert said.startswith(f"1 of 1 clips, {shown} frames each, from 5 ")


def test_clips_of_several_lengths_stand_in_one_sheet(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set(samples={"train": [6]}, seq_len=5, variable_length=True))
    samples = samples_of(data_set)
    lengths = [len(sample.frames) for sample in samples]
    assert len(set(lengths)) > 1
    sheet = contact_sheet(samples, SheetText(title="x"))
    longest = contact_sheet([samples[lengths.index(max(lengths))]], SheetText(title="x"))
    assert sheet.width == longest.width
