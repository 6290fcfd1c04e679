"""Makes lists of videos: from class folders, or from official splits, and writes them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.group_split import Clip, MadeLists, group_function, move_groups
from lrcn_data.lists.lines import VIDEO_ENDINGS, format_line, parse_classes
from lrcn_data.lists.official_splits import read_official, recording_of
from lrcn_data.splits import SPLITS
from lrcn_data.storage.atomic_file import write_atomically

CLASS_FILE = "classes.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOptions:
    """How lists are made.

    Attributes:
        source: Class folders with videos, or the files of an official split.
        official_split: Which official split: 1, 2 or 3; None for the first.
        videos: Where the videos of an official split are; None for not looking.
        present: Leave out the videos that are not there.
        test_fraction: Of each class, to be tested on; None for none.
        val_fraction: Of each class, or of each class's official training videos, to be validated
            on; None for none.
        group_pattern: Regular expression of what names the clips of a group have in common.
        seed: Of what goes where.
    """

    source: Path
    official_split: int | None = None
    videos: Path | None = None
    present: bool = False
    test_fraction: float | None = None
    val_fraction: float | None = None
    group_pattern: str | None = None
    seed: int = 0


def make_lists(options: ListOptions) -> MadeLists:
    """Make the lists of a data set.

    Raises:
        UsageError: The source holds none, or an option has no meaning for it.
    """
    group = group_function(options.group_pattern) if options.group_pattern else recording_of
    made = read_official(options.source, options.official_split or 1)
    if made:
        if options.test_fraction is not None:
            raise UsageError(
                f"{options.source} is an official split, with a test list of its own; leave"
                " --test-fraction out"
            )
        if options.present and not options.videos:
            raise UsageError("--present needs --videos FOLDER, to see which videos are there")
        if options.present and options.videos:
            made = keep_present(made, options.videos)
    else:
        if options.official_split or options.videos or options.present:
            raise UsageError(
                f"{options.source} is no official split; leave --split, --videos and --present out"
            )
        if options.test_fraction is None and options.val_fraction is None:
            raise UsageError(
                "class folders don't say what to test on; give --test-fraction 0.2 (or 0 to train"
                " on all), and --val-fraction if wanted"
            )
        made = read_class_folders(options.source)
    whole = Counter(clip.class_name for clip in made.clips if clip.split == "train")
    for split, fraction in (("test", options.test_fraction), ("val", options.val_fraction)):
        made = move_groups(
            made, split, fraction or 0, group=group, seed=options.seed, wanted_of=whole
        )
    return made


def read_class_folders(root: Path) -> MadeLists:
    """All videos of ROOT/Class/..., by the endings of their names; all of them for training.

    Raises:
        UsageError: There are none, or some lie in no class folder.
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
    clips, ignored = [], 0
    for folder in found:
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        for path in _files_below(root, folder.name):
            if _is_video(path):
                clips.append(Clip(path=path, class_name=folder.name))
            else:
                ignored += 1
    if not clips:
        raise UsageError(f"{root} has no class folders with videos: ROOT/Class/clip.avi")
    return MadeLists(
        classes=sorted({clip.class_name for clip in clips}),
        clips=clips,
        ignored=ignored,
        from_folders=True,
    )


def _files_below(root: Path, folder: str) -> Iterator[str]:
    """Paths of all files in a folder and below, relative to the root, sorted; no hidden ones."""
    for place, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = os.path.relpath(place, root)
        for name in sorted(names):
            if not name.startswith("."):
                yield f"{below}/{name}"


def _is_video(name: str) -> bool:
    return name.rpartition(".")[2].lower() in VIDEO_ENDINGS


def keep_present(made: MadeLists, videos: Path) -> MadeLists:
    """Leave out clips that are not there, and classes that have none left.

    Raises:
        UsageError: None is there.
    """
    clips = [clip for clip in made.clips if (videos / clip.path).is_file()]
    if not clips:
        raise UsageError(
            f"{videos} has none of the {len(made.clips)} videos, such as {made.clips[0].path};"
            " give the folder that holds the class folders as --videos"
        )
    used = {clip.class_name for clip in clips}
    return MadeLists(
        classes=[name for name in made.classes if name in used],
        clips=clips,
        absent=len(made.clips) - len(clips),
    )


def count_absent(made: MadeLists, videos: Path) -> int:
    """How many of the clips are not under a folder."""
    return sum(not (videos / clip.path).is_file() for clip in made.clips)


def write_lists(made: MadeLists, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write train.txt, val.txt and test.txt, those that have clips, and classes.txt.

    Args:
        made: The lists.
        folder: Where they go.
        overwrite: Replace lists that are there, and remove those that the new ones don't have.

    Returns:
        The files written.

    Raises:
        UsageError: There are lists already, or a name can't stand in a list.
    """
    texts = {f"{split}.txt": _list_text(made.clips, split) for split in SPLITS}
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


def _list_text(clips: Iterable[Clip], split: str) -> str:
    try:
        lines = [format_line(clip.path, clip.class_name) for clip in clips if clip.split == split]
    except ValueError as error:
        raise UsageError(f"{error}; rename the file or its folder") from error
    return "".join(f"{line}\n" for line in lines)


def _class_text(names: Collection[str]) -> str:
    text = "".join(f"{name}\n" for name in names)
    if parse_classes(text.encode("utf-8", "surrogateescape")).names != list(names):
        raise UsageError("the class names can't stand in a class file as they are; rename folders")
    return text
