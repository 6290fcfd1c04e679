"""What a kind of finding is: what it looks at in each clip, and which of the clips it names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lrcn_data.format.records import SampleRecord

Seen = TypeVar("Seen")

Luma = npt.NDArray[np.uint8]
"""The brightness of a clip's real frames, uint8 (frames, height, width)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipView:
    """What can be seen of a clip.

    Attributes:
        record: The clip's record.
        fps: The number of frames per second that clips were sampled from.
        luma: The brightness of its real frames; None where its pictures are not looked at.
    """

    record: SampleRecord
    fps: Fraction
    luma: Luma | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A clip that a finding names.

    Attributes:
        sample: The number of the sample.
        detail: What was found, in a few words.
        weight: How bad it is; the worst is shown first.
        like: The number of the sample that the clip is like; None where it is about one clip.
    """

    sample: int
    detail: str
    weight: float = 0.0
    like: int | None = None


class FindingKind(ABC, Generic[Seen]):
    """Base of all kinds of findings.

    Attributes:
        name: The name by which findings are counted.
        title: What is found, as a heading.
        meaning: What exactly is counted, as a sentence.
        of_pictures: Whether it needs the clips' pictures, which are not looked at in all clips.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]
    of_pictures: ClassVar[bool] = True

    @abstractmethod
    def look(self, clip: ClipView) -> Seen | None:
        """Look at a clip, and return what `judge` is to know of it; None for nothing."""

    @abstractmethod
    def judge(self, seen: Mapping[int, Seen], splits: Sequence[str]) -> list[Hit]:
        """Say which clips the finding names.

        Args:
            seen: What `look` returned, by the number of the sample, in ascending order.
            splits: The split of every sample, by its number.
        """


def luma_of(clip: ClipView) -> Luma:
    """The brightness of a clip whose pictures are looked at."""
    assert clip.luma is not None
    return clip.luma
