"""Clips that several data sets have: of the same file, with the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.joining.stored_videos import StoredClip, StoredSet, StoredVideo
from lrcn_data.printable import first_few, show

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Distinct:
    """The videos of data sets, each clip once.

    Attributes:
        videos: By data set its videos, without the clips that one before it has too; one of which
            no clip is left is not among them.
        left_out: By data set the number of clips that were left out.
        entries: By data set the entries that gave no clip and whose file one before it has in the
            same split, also without a clip: the shard's name and the path.
        examples: Names of videos of which clips were left out, with both data sets.
    """

    videos: list[list[StoredVideo]] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    entries: list[set[tuple[str, str]]] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def leave_out_duplicates(stored: Sequence[StoredSet]) -> Distinct:
    """Leave out of each data set the clips that one before it has in the same split.

    Raises:
        LrcnError: The same clip has other classes in two data sets.
        ShardError: Of a video with labels in time, whose samples belong together, only some are
            in both.
    """
    first: dict[tuple[str, str, bytes], tuple[StoredSet, StoredVideo]] = {}
    found, conflicts = Distinct(), []
    without_clips: set[tuple[str, str]] = set()
    for one in stored:
        entries = _without_clips(one)
        found.entries.append({place for place, file in entries.items() if file in without_clips})
        without_clips.update(entries.values())
        kept: list[StoredVideo] = []
        there = dict(first)
        for video in one.videos:
            own = [clip for clip in video.clips if _identity(video, clip) not in there]
            for clip in own:
                first.setdefault(_identity(video, clip), (one, video))
            if own:
                kept.append(replace(video, clips=tuple(own)))
            doubles = [clip for clip in video.clips if _identity(video, clip) in there]
            if not doubles:
                continue
            other, same = there[_identity(video, doubles[0])]
            _refuse_part(one, other, video, own)
            where = f"{show(video.source.path)} of {video.split}"
            found.examples.append(f"{where} is in {other} and {one}")
            if _names(one, video) != _names(other, same):
                conflicts.append(
                    f"{where} is {_shown(other, same)} in {other} and {_shown(one, video)} in {one}"
                )
        found.left_out.append(
            sum(len(video.clips) for video in one.videos) - sum(len(v.clips) for v in kept)
        )
        found.videos.append(kept)
    if conflicts:
        raise LrcnError(
            f"the same clips have other classes: {first_few(conflicts, _SHOWN)}; mend the lists of"
            " one of them, or leave these videos out of it with `lrcn-data subset`"
        )
    return found


def refuse_duplicates(distinct: Distinct) -> None:
    """Refuse data sets that have the same clips.

    Raises:
        LrcnError: There are such clips.
    """
    count = sum(distinct.left_out)
    if count:
        raise LrcnError(
            f"{count:,} clips are in several data sets: {first_few(distinct.examples, _SHOWN)};"
            " --skip-duplicates takes each once"
        )


def _without_clips(one: StoredSet) -> dict[tuple[str, str], tuple[str, str]]:
    """Entries that gave no clip though their file could be read: its split and SHA-256 of each.

    They are told by their shard's name and their path.
    """
    with_clips = {(video.shard, video.source.path) for video in one.videos}
    return {
        (name, source.path): (record.entry.split, source.sha256)
        for name, record in one.records.items()
        for source in record.sources
        if (name, source.path) not in with_clips
    }


def _identity(video: StoredVideo, clip: StoredClip) -> tuple[str, str, bytes]:
    return video.split, video.source.sha256, clip.frames


def _refuse_part(
    one: StoredSet, other: StoredSet, video: StoredVideo, own: Sequence[StoredClip]
) -> None:
    if own and one.data.labels_in_time:
        raise ShardError(
            f"{one} has other windows of {show(video.source.path)} of {video.split} than {other},"
            " and windows with labels in time belong together; leave the video out of one of them"
            " with `lrcn-data subset`"
        )


def _names(one: StoredSet, video: StoredVideo) -> set[str]:
    return {one.data.classes[number] for number in video.classes}


def _shown(one: StoredSet, video: StoredVideo) -> str:
    return ",".join(show(name) for name in sorted(_names(one, video))) or "of no class"
