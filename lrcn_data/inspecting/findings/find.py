"""Looks for findings of all kinds in the samples of a data set.

What is seen of each sample is gathered while the data set is read (`look_at_sample`), by whoever
reads it, and judged at the end (`judge_all`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lrcn_data.errors import UsageError
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.findings.finding_kind import ClipView, Hit, Luma
from lrcn_data.inspecting.findings.finding_kinds import FINDING_KINDS

MOST_EXAMPLES = 12
"""The largest number of clips that a finding names."""

_MOST_READ = 5 * MOST_EXAMPLES
"""How many clips are read to find some of different videos."""

SeenByKind = dict[str, dict[int, Any]]
"""What each kind of finding has seen of samples, by its name and the samples' numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A clip that a finding names.

    Attributes:
        sample: The number of the sample over all shards, counted from 0.
        key: Its key.
        video: The path of its video.
        split: `train`, `val` or `test`.
        detail: What was found, in a few words.
        like: The number of the sample that the clip is like; None where it is about one clip.
        like_key: The key of that one.
        like_video: The path of its video.
    """

    sample: int
    key: str
    video: str
    split: str
    detail: str
    like: int | None = None
    like_key: str | None = None
    like_video: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something unusual about the clips of a data set, counted.

    Attributes:
        name: The name of its kind; see `finding_kinds.FINDING_KINDS`.
        clips: The number of clips of which it was found.
        looked_at: The number of clips that were looked at for it.
        examples: The clips of which it is most true, at most 12, the worst first; each of another
            video, where there are as many.
    """

    name: str
    clips: int
    looked_at: int
    examples: list[Example]


def can_look(layout: SampleLayout) -> bool:
    """Whether the pictures of a data set are looked at: those that have colours, as people see."""
    return layout.frame_kind.has_colours


def choose_clips_to_look_at(data_set: DataSet, most: int, seed: int) -> frozenset[int]:
    """Draw the samples whose pictures are looked at: all of them, or as many as wanted.

    Args:
        data_set: The data set.
        most: The largest number of samples; 0 for none.
        seed: The seed of the draw.

    Raises:
        UsageError: The number is below 0.
    """
    if most < 0:
        raise UsageError(f"--look-at must be at least 0, got {most}")
    if not can_look(data_set.layout):
        return frozenset()
    if most >= len(data_set):
        return frozenset(range(len(data_set)))
    drawn = np.random.default_rng(abs(seed)).choice(len(data_set), most, replace=False)
    return frozenset(drawn.tolist())


def look_at_sample(
    seen: SeenByKind,
    number: int,
    sample: Sample,
    fps: Fraction,
    frames: npt.NDArray[np.uint8] | None,
) -> None:
    """Let all kinds of findings look at a sample.

    Args:
        seen: Where what they see is added.
        number: The number of the sample.
        sample: The sample.
        fps: The number of frames per second that clips were sampled from.
        frames: Its decoded frames, uint8 (frames, height, width, 3); None where its pictures are
            not looked at.
    """
    luma = None if frames is None else _luma(frames[: sample.record.num_valid])
    clip = ClipView(record=sample.record, fps=fps, luma=luma)
    for name, kind in FINDING_KINDS.items():
        if kind.of_pictures and luma is None:
            continue
        found = kind.look(clip)
        if found is not None:
            seen.setdefault(name, {})[number] = found


def judge_all(data_set: DataSet, seen: SeenByKind, looked_at: Collection[int]) -> list[Finding]:
    """Say what was found, given what was seen of all samples.

    Args:
        data_set: The data set.
        seen: What the kinds of findings have seen.
        looked_at: The numbers of the samples whose pictures were looked at.

    Returns:
        The findings that are true of any clip.
    """
    splits = [
        shard.entry.split
        for shard, index in zip(data_set.shards, data_set.indices, strict=True)
        for _ in range(len(index))
    ]
    findings = []
    for name, kind in FINDING_KINDS.items():
        # in the order of the samples, whichever thread has read them first
        ordered = dict(sorted(seen.get(name, {}).items()))
        hits = kind.judge(ordered, splits) if ordered else []
        if hits:
            findings.append(
                Finding(
                    name=name,
                    clips=len(hits),
                    looked_at=len(looked_at) if kind.of_pictures else len(data_set),
                    examples=_examples(data_set, hits),
                )
            )
    return findings


def merge_seen(seen: SeenByKind, other: Mapping[str, Mapping[int, Any]]) -> None:
    """Add to what was seen of some samples what was seen of others."""
    for name, of_kind in other.items():
        seen.setdefault(name, {}).update(of_kind)


def _luma(frames: npt.NDArray[np.uint8]) -> Luma:
    """The brightness of frames, uint8 (frames, height, width), by the weights of ITU-R BT.601."""
    return np.stack([np.asarray(Image.fromarray(frame).convert("L")) for frame in frames])


def _examples(data_set: DataSet, hits: Sequence[Hit]) -> list[Example]:
    """The worst clips, each of another video as far as can be."""
    worst = sorted(hits, key=lambda hit: (-hit.weight, hit.sample))[:_MOST_READ]
    of_video: dict[str, Example] = {}
    others: list[Example] = []
    for hit in worst:
        example = _example(data_set, hit)
        if of_video.setdefault(example.video, example) is not example:
            others.append(example)
        if len(of_video) == MOST_EXAMPLES:
            break
    return [*of_video.values(), *others][:MOST_EXAMPLES]


def _example(data_set: DataSet, hit: Hit) -> Example:
    record = data_set.read_sample(hit.sample).record
    like = None if hit.like is None else data_set.read_sample(hit.like).record
    return Example(
        sample=hit.sample,
        key=record.key,
        video=record.video,
        split=record.split,
        detail=hit.detail,
        like=hit.like,
        like_key=like.key if like else None,
        like_video=like.video if like else None,
    )
