"""Moves whole groups of videos from the training split to another one.

Videos that belong together, such as those of one person or one recording, form a group, and a group
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
from dataclasses import replace

from lrcn_data.errors import UsageError
from lrcn_data.lists.made_lists import GroupCounts, ListedVideo, MadeLists
from lrcn_data.printable import show

GroupOf = Callable[[ListedVideo], str | None]
"""Gives the group of a video, or None for a video that belongs to no group."""

_Group = tuple[str, Mapping[str, int]]
"""A group's name, and how many videos of each class it has."""


def group_function(pattern: str) -> GroupOf:
    """Make the function that finds a video's group by a regular expression.

    Args:
        pattern: A regular expression that is searched for in the video's path below the folder of
            its class, without the ending. The group is what its first parenthesis matches, or the
            whole match if it has none; an empty text is no match.

    Raises:
        UsageError: The pattern is not a regular expression.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"--group-pattern '{show(pattern)}' is no regular expression: {error}"
        ) from error

    def group(video: ListedVideo) -> str | None:
        match = compiled.search(os.path.splitext(video.path_in_class)[0])  # noqa: PTH122
        return (match[compiled.groups and 1] or None) if match else None

    return group


def count_groups(videos: Sequence[ListedVideo], group: GroupOf, *, pattern: str) -> GroupCounts:
    """Count the videos that belong to a group.

    Args:
        videos: The videos of all splits.
        group: Gives the group of a video.
        pattern: The regular expression that the groups are found by, for the message.

    Raises:
        UsageError: No video belongs to a group.
    """
    found = [name for video in videos if (name := group(video)) is not None]
    if not found:
        example = f", such as {show(videos[0].path_in_class)}" if videos else ""
        raise UsageError(
            f"--group-pattern '{show(pattern)}' matches none of the {len(videos)} names{example};"
            " it is searched for in the path below the class, without the ending"
        )
    return GroupCounts(names=len(videos), matched=len(found), groups=len(set(found)))


def shared_groups(videos: Sequence[ListedVideo], group: GroupOf) -> list[str]:
    """The groups that have videos in several splits, sorted."""
    splits: dict[str, set[str]] = defaultdict(set)
    for video in videos:
        if (name := group(video)) is not None:
            splits[name].add(video.split)
    return sorted(name for name, found in splits.items() if len(found) > 1)


def move_groups(
    made: MadeLists,
    split: str,
    fraction: float,
    *,
    group: GroupOf,
    seed: int,
    class_counts: Mapping[str, int],
) -> MadeLists:
    """Move whole groups of training videos to another split.

    Args:
        made: The lists.
        split: The split that the groups move to.
        fraction: The share of each class's videos that should move, from 0 to below 1. It is met
            as nearly as whole groups allow, and no class loses all of its training videos.
        group: Gives the group of a video; a video without a group is a group of its own.
        seed: Seed of the choice of groups.
        class_counts: The number of videos of each class that the fraction refers to.

    Raises:
        UsageError: The fraction is out of range, or no group can be spared.
    """
    option = f"--{split}-fraction"
    if not 0 <= fraction < 1:
        raise UsageError(f"{option} must be from 0 to below 1, got {fraction}")
    if fraction == 0:
        return made
    training = [video for video in made.videos if video.split == "train"]
    group_names = {video.path: group(video) or video.path for video in training}
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for video in training:
        groups[group_names[video.path]].update(video.classes)
    chosen = _choose(
        sorted(groups.items(), key=lambda item: seeded_hash(seed, split, item[0])),
        available=Counter(name for video in training for name in video.classes),
        wanted={name: fraction * count for name, count in class_counts.items()},
    )
    if not chosen:
        raise UsageError(
            f"{option} {fraction:g} takes nothing: the {len(groups)} groups can't be divided so"
            " that every class keeps one for training; give a larger fraction or more videos"
        )
    moved = [
        replace(video, split=split) if group_names.get(video.path) in chosen else video
        for video in made.videos
    ]
    return replace(made, videos=moved)


def _choose(
    groups: Sequence[_Group], *, available: Mapping[str, int], wanted: Mapping[str, float]
) -> set[str]:
    """Names of groups that together come near the wanted number of videos of each class.

    First those that bring the classes nearer to their numbers, in the given order. Where the
    classes are too small for that, the total may still be short: then those that cost them least.

    Args:
        groups: All groups, in the order in which they are tried.
        available: How many videos of each class there are to take from.
        wanted: How many videos of each class should be taken.
    """
    choice = _Choice(available, wanted)
    for name, members in groups:
        if choice.cost(members) < 0:
            choice.take(name, members)
    queue = [(choice.cost(members), position) for position, (_, members) in enumerate(groups)]
    heapq.heapify(queue)
    while queue:
        cost_before, position = heapq.heappop(queue)
        name, members = groups[position]
        if sum(members.values()) / 2 > choice.still_wanted:
            continue
        if choice.cost(members) > cost_before:  # its classes have given more since
            heapq.heappush(queue, (choice.cost(members), position))
        else:
            choice.take(name, members)
    return choice.names


class _Choice:
    """The groups taken so far, and what taking another one would cost."""

    def __init__(self, available: Mapping[str, int], wanted: Mapping[str, float]) -> None:
        self.names: set[str] = set()
        self.still_wanted = sum(wanted.values())
        self._available = available
        self._wanted = wanted
        self._taken: Counter[str] = Counter()

    def cost(self, members: Mapping[str, int]) -> float:
        """By how much taking a group would add to the sum of squared distances."""
        return added_distance(members, self._taken, self._wanted)

    def take(self, name: str, members: Mapping[str, int]) -> None:
        """Take a group, unless it is taken already or a class would have no video left."""
        leaves_some = all(
            self._taken[class_name] + count < self._available[class_name]
            for class_name, count in members.items()
        )
        if name not in self.names and leaves_some:
            self.names.add(name)
            self._taken.update(members)
            self.still_wanted -= sum(members.values())


def added_distance(
    members: Mapping[str, int], taken: Mapping[str, int], wanted: Mapping[str, float]
) -> float:
    """By how much taking a group would add to the squared distances from the wanted numbers.

    Args:
        members: How many videos of each class the group has.
        taken: How many of each class are taken already.
        wanted: How many of each class should be taken.

    Returns:
        The sum over all classes; below 0 where the group brings them nearer.
    """
    # the square of d + count is larger than that of d by 2 d count + count²
    return sum(
        count * (2 * (taken[name] - wanted[name]) + count) for name, count in members.items()
    )


def seeded_hash(seed: int, purpose: str, name: str) -> bytes:
    """A hash of a group's name by which groups are put into a random order.

    Args:
        seed: The seed of the order.
        purpose: What the order is for: another purpose has another order.
        name: The name of the group.
    """
    return hashlib.sha256(os.fsencode(f"{seed}\0{purpose}\0{name}")).digest()
