"""The clips of a page, and their pictures, which several runs may share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from lrcn_data.errors import ShardError
from lrcn_data.printable import first_few
from lrcn_model.reporting.chosen_clips import choose_clips
from lrcn_model.reporting.clip_frames import FrameReader
from lrcn_model.reporting.run_section import RunSection
from lrcn_model.reporting.shown_clip import ShownClip
from lrcn_model.reporting.strips import clip_strip

_SHOWN = 3
"""How many of the clips that can't be read are named."""


class PageClips:
    """The clips of a page.

    Args:
        sections: The runs of the page.
        most: The largest number of different clips.

    Attributes:
        identities: By what the clips are known, in the order in which they were chosen.
        strips: The addresses of their pictures, once they were read.
        notes: What can't be shown, and why; a sentence for each.
    """

    def __init__(self, sections: Sequence[RunSection], most: int) -> None:
        self._sections = sections
        self.identities = choose_clips([s.clips for s in sections if s.clips is not None], most)
        self._numbers = [_numbers_by_identity(section) for section in sections]
        self._pictures: dict[Hashable, _Pictures] = {}
        self.strips: list[str] = []
        self.notes = [section.run.without for section in sections if section.run.without]
        self.notes += [
            f"{section.run.name} without pictures: {section.without_frames}"
            for section in sections
            if section.without_frames
        ]

    def wanted(self) -> dict[Hashable, tuple[FrameReader, ShownClip]]:
        """The clips whose frames there may be, each once, by the keys of their pictures."""
        found: dict[Hashable, tuple[FrameReader, ShownClip]] = {}
        for identity in self.identities:
            for section, numbers in zip(self._sections, self._numbers, strict=True):
                if section.frames and section.clips and identity in numbers:
                    clip = section.clips.clip(numbers[identity])
                    found.setdefault(_picture_key(section, clip), (section.frames, clip))
        return found

    def read_pictures(
        self, on_start: Callable[[int, int], None], on_clips: Callable[[int], None]
    ) -> None:
        """Read the frames of all clips, one after the other.

        Args:
            on_start: Called once with the number of clips, twice.
            on_clips: Called with 1 after each clip.
        """
        wanted, damaged = self.wanted(), []
        on_start(len(wanted), len(wanted))
        for key, (frames, clip) in wanted.items():
            try:
                pictures, times = frames.read(clip)
                self._pictures[key] = _Pictures(len(self.strips), times)
                self.strips.append(clip_strip(pictures, len(wanted)))
            except ShardError as error:
                damaged.append(str(error))
            on_clips(1)
        if damaged:
            self.notes.append(f"{len(damaged)} clips can't be read: {first_few(damaged, _SHOWN)}")

    def of_run(self, number: int) -> list[dict[str, Any]]:
        """The clips of a run as the page's script shows them.

        Args:
            number: The number of the run on the page.
        """
        section, numbers = self._sections[number], self._numbers[number]
        if section.clips is None:
            return []
        disagreement, certainty = section.clips.disagreement, section.clips.certainty
        found = []
        for place, identity in enumerate(self.identities):
            if identity not in numbers:
                continue
            one = numbers[identity]
            clip = section.clips.clip(one)
            without = _Pictures(None, [] if clip.times_T is None else clip.times_T.tolist())
            strip, times = self._pictures.get(_picture_key(section, clip), without)
            order = {"d": float(disagreement[one]), "c": float(certainty[one])}
            ordered = {name: round(value, 3) for name, value in order.items()}
            found.append({"i": place, **clip.to_json(strip, times), **ordered})
        return found


class _Pictures(NamedTuple):
    """The frames of a clip on the page: the number of their strip, or None, and their times."""

    strip: int | None
    times: list[float]


def _numbers_by_identity(section: RunSection) -> dict[Hashable, int]:
    if section.clips is None:
        return {}
    return {identity: number for number, identity in enumerate(section.clips.identities)}


def _picture_key(section: RunSection, clip: ShownClip) -> Hashable:
    evaluation = section.run.evaluation
    shards = tuple(shard.sha256 for shard in evaluation.shards) if evaluation else ()
    return (shards, clip.place)
