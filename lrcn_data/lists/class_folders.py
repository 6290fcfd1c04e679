"""Lists the videos of ROOT/Class/..., or of ROOT/train/Class/..., ROOT/test/Class/... and so on."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from lrcn_data.errors import UsageError
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.similar_names import composed, tell_similar
from lrcn_data.lists.video_tree import LISTED, VideoTree
from lrcn_data.printable import first_few, show
from lrcn_data.storage.locations import join

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""The split that a folder of a name holds, in small letters."""

_NAMES_SHOWN = 5


def read_class_folders(
    root: str, *, pictures: bool = False, allow_one_class: bool = False
) -> MadeLists:
    """List all videos of ROOT/Class/..., known by the endings of their names.

    Where all folders of the root that hold videos are named after splits, and hold class folders,
    they become the splits. Otherwise all videos are listed for training.

    Args:
        root: The path or URL of the folder of the class folders, or of the splits' folders.
        pictures: Whether folders of numbered pictures are videos.
        allow_one_class: Whether a single class folder that holds only folders is meant as a class.

    Raises:
        UsageError: There are no videos, some lie outside of a class folder, the root is one folder
            too high, or one folder is in two classes by links.
    """
    tree = VideoTree(root, pictures=pictures)
    if tree.loose:
        raise _outside(root, tree.loose[0])
    found = {top: paths for top, paths in tree.videos.items() if paths}
    if not found:
        raise UsageError(f"{root} has no class folders with videos: ROOT/Class/clip.avi")
    for top, paths in found.items():
        if top in paths:
            raise UsageError(
                f"{join(root, top)} holds numbered pictures itself; put those of each video into a"
                " folder of its own, in the folder of its class"
            )
    splits = _splits(root, found)
    _settle_links(tree, depth=2 if splits else 1)
    videos = [_listed(path, splits.get(top)) for top, paths in found.items() for path in paths]
    if not allow_one_class:
        _refuse_too_high(root, videos)
    videos, merged = _one_class_a_name(videos)
    return MadeLists(
        classes=sorted({video.class_name for video in videos}),
        videos=videos,
        left_out={reason: dict(counts.most_common()) for reason, counts in tree.left_out.items()},
        warnings=[*_odd_folders(tree.videos, splits), *merged],
        from_folders=True,
    )


def _listed(path: str, split: str | None) -> ListedVideo:
    """A video of a class folder, which lies in the folder of a split if there is one."""
    depth = 2 if split else 1
    class_name = path.split("/")[depth - 1]
    return ListedVideo(path=path, class_name=class_name, split=split or "train", depth=depth)


def _outside(folder: str, name: str) -> UsageError:
    return UsageError(
        f"{folder} holds videos outside of class folders ({show(name)}); put each into a folder"
        " named after its class"
    )


def _splits(root: str, found: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The split of each folder of the root, or an empty dict if the folders are classes.

    Args:
        root: The folder that was named.
        found: The videos in each of its folders, at least one.

    Raises:
        UsageError: The folders can't all be splits, nor all be classes.
    """
    splits = {
        top: split for top in found if (split := SPLIT_FOLDERS.get(top.casefold())) is not None
    }
    loose = {top: path for top, paths in found.items() for path in paths if path.count("/") == 1}
    others = [top for top in found if top not in splits]
    if len(splits) == 1 and (others or loose):
        return {}  # `train` may be a class
    if splits and others:
        raise UsageError(
            f"{root} holds {_names(splits)}, named after splits, and {_names(others)}, which"
            " are none; name all folders train, val or test, or move the others away"
        )
    for top in splits:
        if top in loose:
            raise _outside(join(root, top), loose[top].partition("/")[2])
    for split in set(splits.values()):
        same = [top for top in splits if splits[top] == split]
        if len(same) > 1:
            raise UsageError(f"{root} has the {split} split twice, in {_names(same)}; join them")
    return splits


def _settle_links(tree: VideoTree, *, depth: int) -> None:
    """Leave out what is listed already in the same class; refuse a folder that is in two classes.

    Args:
        tree: What was found.
        depth: The number of the first parts of a path that tell its split and class.

    Raises:
        UsageError: A folder is in two classes, or in two splits.
    """
    for link, place in tree.twice:
        is_loop = link.startswith(f"{place}/")
        if not is_loop and link.split("/")[:depth] != place.split("/")[:depth]:
            raise UsageError(
                f"{show(link)} and {show(place)} are one folder, by links; its videos can't be in"
                " two classes or splits, remove one of the two"
            )
        tree.leave_out(LISTED, link)


def _refuse_too_high(root: str, videos: Sequence[ListedVideo]) -> None:
    """Refuse a single class whose folders hold only folders: these may be the classes.

    Raises:
        UsageError: That is so.
    """
    names = {video.class_name for video in videos}
    if len(names) > 1 or not all("/" in video.path_in_class for video in videos):
        return
    folders = {video.path.rpartition("/")[0] for video in videos}
    below = os.path.commonpath(folders)
    if below in folders:  # it holds videos itself, so that the folder above it has the classes
        below = below.rpartition("/")[0]
    inside = sorted({folder[len(below) :].strip("/").partition("/")[0] for folder in folders})
    where = join(root, below) if below else f"the {show(next(iter(names)))} of each split"
    raise UsageError(
        f"{root} has a single class, {show(next(iter(names)))}, whose folder holds only folders;"
        f" if the classes are those in {where} ({_names(inside)}), "
        + ("name that folder" if below else "move them one folder up")
        + ", else give --allow-one-class"
    )


def _one_class_a_name(videos: Sequence[ListedVideo]) -> tuple[list[ListedVideo], list[str]]:
    """Give one name to classes whose names differ only by Unicode form, and say so."""
    forms: dict[str, set[str]] = defaultdict(set)
    for video in videos:
        forms[composed(video.class_name)].add(video.class_name)
    several = {name: sorted(found) for name, found in forms.items() if len(found) > 1}
    merged = [
        video.of_class(name) if (name := composed(video.class_name)) in several else video
        for video in videos
    ]
    warnings = [
        f"{tell_similar('the folders', found)}; they are taken for one class"
        for found in several.values()
    ]
    return merged, warnings


def _odd_folders(found: Mapping[str, Collection[str]], splits: Collection[str]) -> list[str]:
    """What is unusual about the folders of the root, each as a sentence."""
    warnings = []
    empty = [top for top, paths in found.items() if not paths]
    if empty:
        warnings.append(f"no videos are in {_names(empty)}: no classes")
    classes = [top for top, paths in found.items() if paths]
    like_splits = [top for top in classes if top.casefold() in SPLIT_FOLDERS]
    if like_splits and not splits:
        warnings.append(
            f"{_names(like_splits)} is taken for a class, beside folders of other names"
        )
    return warnings


def _names(names: Iterable[str]) -> str:
    """Names of folders for a message, the first few of them."""
    return first_few([f"{show(name)}/" for name in names], _NAMES_SHOWN)
