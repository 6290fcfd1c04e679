"""Kinds of frames by name, and the samples of a data set whose frames a plug-in has made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.frame_kinds import load_frame_kind, recorded_frame_kind
from lrcn_data.format.rgb_jpeg import RgbJpeg
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.pixels import RGB, Picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw(FrameKind):
    """The red channel as it is."""

    version: ClassVar[str] = "1"
    channels: ClassVar[int] = 1
    ending: ClassVar[str] = "raw"
    coding: ClassVar[str] = "raw picture"

    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        return rgb[:, :, :1]

    def encode(self, picture: Picture, quality: int) -> bytes:
        return picture.tobytes()

    def decode(self, data: memoryview, into: Picture) -> None:
        into[:] = np.frombuffer(data, np.uint8).reshape(into.shape)


class LongEnding(Raw):
    ending = "JPEG2000.j2k"


class NoChannels(Raw):
    channels = 0


NAME = f"{__name__}:Raw"


def test_rgb_is_built_in() -> None:
    assert load_frame_kind("rgb") == RgbJpeg()
    assert recorded_frame_kind("rgb", "shards", (), {}) == RgbJpeg()


def test_a_plugin_is_made_with_the_name_by_which_it_was_chosen() -> None:
    assert load_frame_kind(NAME) == Raw(name=NAME)


def test_a_recorded_plugin_is_imported_only_where_the_caller_names_it() -> None:
    with pytest.raises(UsageError, match=f"shards has the frame kind '{NAME}', a plug-in, which"):
        recorded_frame_kind(NAME, "shards", ["other.module:Kind"], {NAME: "1"})
    assert recorded_frame_kind(NAME, "shards", [NAME], {NAME: "1"}) == Raw(name=NAME)


def test_a_kind_of_a_later_version_is_refused() -> None:
    with pytest.raises(ShardError, match="frame kind 'depth', which this lrcn doesn't know"):
        recorded_frame_kind("depth", "shards", ["depth"], {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "grey",
            "--frame-kind must be one of rgb, flow, or package.module:name of your own, got 'grey'",
        ),
        ("fractions:Fraction", "--frame-kind fractions:Fraction is no kind of frames"),
        (f"{__name__}:LongEnding", "the ending 'JPEG2000.j2k'; it needs"),
        (f"{__name__}:NoChannels", "has 0 channels"),
        (f"{__name__}:Nothing", "has no Nothing; correct the name"),
    ],
)
def test_what_is_no_kind_of_frames_is_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_frame_kind(name)


@pytest.mark.parametrize(
    ("seq_len", "first", "last"),
    [(1, "000", "000"), (8, "000", "007"), (1000, "000", "999"), (1001, "0000", "1000")],
)
def test_members_are_numbered_and_end_as_their_kind_says(
    seq_len: int, first: str, last: str
) -> None:
    endings = SampleLayout(seq_len=seq_len, frame_kind=Raw(name=NAME)).endings
    assert endings[0] == f"{first}.raw"
    assert endings[-3:] == (f"{last}.raw", "cls", "json")
    assert len(endings) == seq_len + 2
    assert SampleLayout(seq_len=seq_len).endings[-3] == f"{last}.jpg"
