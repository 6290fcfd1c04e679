"""Makes lists of videos: from class folders, or from official splits, and writes them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.group_split import group_function, move_groups
from lrcn_data.lists.lines import VIDEO_ENDINGS, format_line, parse_classes
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.official_splits import read_official, recording_of
from lrcn_data.splits import SPLITS
from lrcn_data.storage.atomic_file import write_atomically

CLASS_FILE = "classes.txt"


def make_lists(
    source: str | os.PathLike[str],
    *,
    official_split: int | None = None,
    videos: str | os.PathLike[str] | None = None,
    present: bool = False,
    test_fraction: float | None = None,
    val_fraction: float | None = None,
    group_pattern: str | None = None,
    seed: int = 0,
) -> MadeLists:
    """Make the lists of a data set; `write_lists` writes them.

    Args:
        source: A folder of class folders with videos, or the folder of an official split: that of
            UCF-101 or HMDB51.
        official_split: Which official split to read: 1, 2 or 3. None stands for the first.
        videos: The folder that holds the videos of an official split. None if it is not looked at.
        present: Whether videos that are not in that folder are left out.
        test_fraction: The share of each class's videos that goes into the test list. None stands
            for no test list of our own; class folders need this or `val_fraction`.
        val_fraction: The share of each class's videos, or of each class's official training
            videos, that goes into the validation list. None stands for no validation list.
        group_pattern: Regular expression that finds the part of a file's name that the videos of
            one group share. None stands for the naming of UCF-101 and HMDB51.
        seed: Seed of the random choice of groups.

    Raises:
        UsageError: The source holds no videos, or a value has no meaning for it.
    """
    source, folder = Path(source), Path(videos) if videos is not None else None
    group = group_function(group_pattern) if group_pattern else recording_of
    official = read_official(source, official_split or 1)
    if official:
        _refuse_own_test_list(source, test_fraction)
        made = _present_ones(official, folder) if present else official
    else:
        if official_split or videos or present:
            raise UsageError(
                f"{source} is no official split; leave --split, --videos and --present out"
            )
        _refuse_no_fraction(test_fraction, val_fraction)
        made = read_class_folders(source)
    counts = Counter(video.class_name for video in made.videos if video.split == "train")
    for split, fraction in (("test", test_fraction), ("val", val_fraction)):
        made = move_groups(made, split, fraction or 0, group=group, seed=seed, class_counts=counts)
    return made


def _refuse_own_test_list(source: Path, test_fraction: float | None) -> None:
    if test_fraction is not None:
        raise UsageError(
            f"{source} is an official split, with a test list of its own; leave --test-fraction out"
        )


def _refuse_no_fraction(test_fraction: float | None, val_fraction: float | None) -> None:
    if test_fraction is None and val_fraction is None:
        raise UsageError(
            "class folders don't say what to test on; give --test-fraction 0.2 (or 0 to train"
            " on all), and --val-fraction if wanted"
        )


def _present_ones(official: MadeLists, videos: Path | None) -> MadeLists:
    if videos is None:
        raise UsageError("--present needs --videos FOLDER, to see which videos are there")
    return keep_present(official, videos)


def read_class_folders(root: Path) -> MadeLists:
    """List all videos of ROOT/Class/..., known by the endings of their names, for training.

    Raises:
        UsageError: There are no videos, or some lie outside of a class folder.
    """
    try:
        with os.scandir(root) as scan:
            found = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{root} can't be read ({error.strerror}); name a folder") from error
    loose = [entry.name for entry in found if not entry.is_dir() and _is_video(entry.name)]
    if loose:
        raise UsageError(
            f"{root} holds videos outside of class folders ({loose[0]}); put each into a folder"
            " named after its class"
        )
    videos, ignored = [], 0
    for folder in found:
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        for path in _files_below(root, folder.name):
            if _is_video(path):
                videos.append(ListedVideo(path=path, class_name=folder.name))
            else:
                ignored += 1
    if not videos:
        raise UsageError(f"{root} has no class folders with videos: ROOT/Class/clip.avi")
    return MadeLists(
        classes=sorted({video.class_name for video in videos}),
        videos=videos,
        ignored=ignored,
        from_folders=True,
    )


def _files_below(root: Path, folder: str) -> Iterator[str]:
    """Sorted paths, relative to the root, of all files in and below a folder but hidden ones."""
    for current, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(current, root)
        for name in sorted(names):
            if not name.startswith("."):
                yield f"{below}/{name}"


def _is_video(name: str) -> bool:
    return name.rpartition(".")[2].lower() in VIDEO_ENDINGS


def keep_present(made: MadeLists, videos: Path) -> MadeLists:
    """Leave out videos that are not on disk, and classes that have no video left.

    Args:
        made: The lists.
        videos: The folder that the paths in the lists are relative to.

    Raises:
        UsageError: None of the videos is there.
    """
    present = [video for video in made.videos if (videos / video.path).is_file()]
    if not present:
        raise UsageError(
            f"{videos} has none of the {len(made.videos)} videos, such as {made.videos[0].path};"
            " give the folder that holds the class folders as --videos"
        )
    used = {video.class_name for video in present}
    return MadeLists(
        classes=[name for name in made.classes if name in used],
        videos=present,
        absent=len(made.videos) - len(present),
    )


def count_absent(made: MadeLists, videos: Path) -> int:
    """The number of listed videos that are not in the folder `videos`."""
    return sum(not (videos / video.path).is_file() for video in made.videos)


def write_lists(
    made: MadeLists, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> list[Path]:
    """Write classes.txt, and those of train.txt, val.txt and test.txt that have videos.

    Args:
        made: The lists.
        folder: The folder to write them into; it is made if it doesn't exist.
        overwrite: Whether lists that are there already are replaced. A list that the new ones
            don't have is then removed.

    Returns:
        The files written.

    Raises:
        UsageError: The folder has lists already, or a name can't stand in a list.
    """
    folder = Path(folder)
    texts = {f"{split}.txt": _list_text(made.videos, split) for split in SPLITS}
    texts[CLASS_FILE] = _class_text(made.classes)
    there = [name for name in texts if (folder / name).exists()]
    if there and not overwrite:
        raise UsageError(
            f"{folder} has {', '.join(there)} already; name another folder with --out, or give"
            " --overwrite"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in there:
        (folder / name).unlink()
    written = [folder / name for name, text in texts.items() if text]
    for path in written:
        write_atomically(path, texts[path.name].encode("utf-8", "surrogateescape"))
    return written


def _list_text(videos: Iterable[ListedVideo], split: str) -> str:
    try:
        lines = [
            format_line(video.path, video.class_name) for video in videos if video.split == split
        ]
    except ValueError as error:
        raise UsageError(f"{error}; rename the file or its folder") from error
    return "".join(f"{line}\n" for line in lines)


def _class_text(names: Collection[str]) -> str:
    text = "".join(f"{name}\n" for name in names)
    if parse_classes(text.encode("utf-8", "surrogateescape")).names != list(names):
        raise UsageError("the class names can't stand in a class file as they are; rename folders")
    return text
