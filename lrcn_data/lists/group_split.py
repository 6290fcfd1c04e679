"""Moves whole groups of clips from the training split to another one.

Clips that belong together, such as those of one person or one recording, form a group, and a group
goes into one split as a whole. Which ones go where is decided by a hash of the seed and the group's
name, so that the same videos give the same lists on every machine.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lrcn_data.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """A video that will stand in a list.

    Attributes:
        path: Relative to the folder of the videos.
        class_name: Its class.
        split: train, val or test.
    """

    path: str
    class_name: str
    split: str = "train"


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeLists:
    """Lists that are not written yet.

    Attributes:
        classes: Class names in the order of their numbers.
        clips: Of all splits.
        absent: Clips that the official lists have and the folder of the videos has not.
        ignored: Files that are no videos by their names.
        from_folders: Whether they were made from the videos' own folder.
    """

    classes: list[str]
    clips: list[Clip]
    absent: int = 0
    ignored: int = 0
    from_folders: bool = False

    def count(self, split: str) -> int:
        """How many clips a split has."""
        return sum(clip.split == split for clip in self.clips)


def group_function(pattern: str) -> Callable[[Clip], str | None]:
    """What tells a clip's group from its name.

    Args:
        pattern: A regular expression that is searched for in the file's name without its ending.
            The group is what its first parenthesis matches, else what all of it does.

    Raises:
        UsageError: It is no regular expression.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"--group-pattern {pattern!r} is no regular expression: {error}"
        ) from error

    def group(clip: Clip) -> str | None:
        name = clip.path.rpartition("/")[2].rpartition(".")[0]
        match = compiled.search(name)
        return match[compiled.groups and 1] if match else None

    return group


def move_groups(
    made: MadeLists,
    split: str,
    fraction: float,
    *,
    group: Callable[[Clip], str | None],
    seed: int,
    wanted_of: Mapping[str, int],
) -> MadeLists:
    """Move whole groups of training clips to another split.

    Args:
        made: The lists.
        split: Where they go.
        fraction: Of each class's clips, from 0 to 1, that should go there: as nearly as groups
            allow, and never all that a class has.
        group: A clip's group; a clip that has none is one of its own.
        seed: Of the choice.
        wanted_of: How many clips of each class the fraction refers to.

    Raises:
        UsageError: The fraction is out of range, or no group can be spared.
    """
    option = f"--{split}-fraction"
    if not 0 <= fraction < 1:
        raise UsageError(f"{option} must be from 0 to below 1, got {fraction}")
    if fraction == 0:
        return made
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    names = {}
    for clip in made.clips:
        if clip.split == "train":
            names[clip.path] = group(clip) or clip.path
            groups[names[clip.path]][clip.class_name] += 1
    have = Counter(clip.class_name for clip in made.clips if clip.split == "train")
    wanted = {name: fraction * count for name, count in wanted_of.items()}
    order = sorted(groups, key=lambda name: _hash(seed, split, name))
    chosen = _choose([(name, groups[name]) for name in order], have, wanted)
    if not chosen:
        raise UsageError(
            f"{option} {fraction:g} takes nothing: the {len(groups)} groups can't be divided so"
            " that every class keeps one for training; give a larger fraction or more videos"
        )
    moved = [
        replace(clip, split=split) if names.get(clip.path) in chosen else clip
        for clip in made.clips
    ]
    return replace(made, clips=moved)


def _choose(
    groups: Sequence[tuple[str, Mapping[str, int]]],
    have: Mapping[str, int],
    wanted: Mapping[str, float],
) -> set[str]:
    """Groups that come near the wanted number of clips of each class.

    First those that bring the classes nearer to their numbers, in the given order. Where the
    classes are too small for that, the total may still be short: then those that cost them least.
    """
    taken: Counter[str] = Counter()
    chosen: set[str] = set()
    left = sum(wanted.values())

    def cost(members: Mapping[str, int]) -> float:
        """By how much taking a group would add to the sum of squared distances."""
        return sum(
            count * (2 * (taken[name] - wanted[name]) + count) for name, count in members.items()
        )

    def take(name: str, members: Mapping[str, int]) -> None:
        nonlocal left
        if name not in chosen and all(taken[c] + n < have[c] for c, n in members.items()):
            chosen.add(name)
            taken.update(members)
            left -= sum(members.values())

    for name, members in groups:
        if cost(members) < 0:
            take(name, members)
    queue = [(cost(members), place) for place, (_, members) in enumerate(groups)]
    heapq.heapify(queue)
    while queue:
        before, place = heapq.heappop(queue)
        name, members = groups[place]
        if sum(members.values()) / 2 > left:
            continue
        if cost(members) > before:  # its classes have given more since
            heapq.heappush(queue, (cost(members), place))
        else:
            take(name, members)
    return chosen


def _hash(seed: int, split: str, name: str) -> bytes:
    return hashlib.sha256(os.fsencode(f"{seed}\0{split}\0{name}")).digest()
