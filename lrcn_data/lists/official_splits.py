"""Reads the official splits of UCF-101 and HMDB51 as their authors publish them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lrcn_data.errors import UsageError
from lrcn_data.lists.labels import folder_of
from lrcn_data.lists.lines import decode_lines, parse_classes, parse_list
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.video_groups import group_of
from lrcn_data.storage import locations
from lrcn_data.storage.folder import Folder

_UCF101_CLASSES = "classInd.txt"
_HMDB51_FILE = "{class_name}_test_split{split}.txt"
_HMDB51_NAME = re.compile(r"(.+)_test_split([0-9]+)\.txt")
_HMDB51_SPLITS = {"1": "train", "2": "test"}
_HMDB51_UNUSED = "0"


def read_official(location: str, split: int) -> MadeLists | None:
    """Read an official split.

    Args:
        location: The path or URL of the folder with UCF-101's classInd.txt, trainlist0N.txt and
            testlist0N.txt, or with HMDB51's CLASS_test_splitN.txt.
        split: Which of the official splits to read: 1, 2 or 3.

    Returns:
        The lists, or None if the folder holds no files of an official split.

    Raises:
        UsageError: A file of the split is missing, or its content is not what it should be.
    """
    if not locations.is_folder(location):
        raise UsageError(f"{location} can't be read (there is no such folder); name a folder")
    folder = Folder(location)
    names = folder.names()
    if _UCF101_CLASSES in names:
        return _read_ucf101(folder, split)
    matches = [match for name in names if (match := _HMDB51_NAME.fullmatch(name))]
    if not matches:
        return None
    classes = [match[1] for match in matches if match[2] == str(split)]
    if not classes:
        raise UsageError(f"{folder} has no files of split {split}; give another --split")
    return _read_hmdb51(folder, classes, split)


def _read_ucf101(folder: Folder, split: int) -> MadeLists:
    known = parse_classes(_read(folder, _UCF101_CLASSES))
    names = set(known.names)
    videos = []
    for kind in ("train", "test"):
        name = f"{kind}list{split:02d}.txt"
        for line in parse_list(_read(folder, name)):
            class_name = folder_of(line.path)
            if class_name not in names:
                raise UsageError(
                    f"{folder.at(name)}:{line.line}: {class_name!r} is no class of"
                    f" {_UCF101_CLASSES}"
                )
            videos.append(
                ListedVideo(
                    path=line.path,
                    class_name=class_name,
                    split=kind,
                    depth=line.path.count("/"),
                )
            )
    return MadeLists(classes=known.names, videos=videos)


def _read_hmdb51(folder: Folder, classes: Sequence[str], split: int) -> MadeLists:
    videos = []
    for class_name in classes:
        file = _HMDB51_FILE.format(class_name=class_name, split=split)
        for number, text in decode_lines(_read(folder, file)):
            name, _, use = text.rpartition(" ")
            if use in _HMDB51_SPLITS and name:
                videos.append(
                    ListedVideo(
                        path=f"{class_name}/{name.strip()}",
                        class_name=class_name,
                        split=_HMDB51_SPLITS[use],
                    )
                )
            elif use != _HMDB51_UNUSED:
                raise UsageError(f"{folder.at(file)}:{number}: {use!r} must be 0, 1 or 2")
    return MadeLists(classes=list(classes), videos=videos)


def _read(folder: Folder, name: str) -> bytes:
    try:
        return folder.read(name)
    except OSError as error:
        why = f"can't be read ({error.strerror}); is the split whole?"
        raise UsageError(f"{folder.at(name)} {why}") from error


def recording_of(video: ListedVideo) -> str | None:
    """The recording that a video was cut from, told by its name, or None if the name doesn't say.

    UCF-101 numbers its groups (`gNN`); HMDB51 has the film before `_CLASS_`, of which the videos
    of one class stay together.
    """
    film, is_hmdb51, _ = video.path.rpartition(f"_{video.class_name}_")
    return group_of(video.path) or (film if is_hmdb51 else None)


def group_across_classes(video: ListedVideo) -> str | None:
    """The group that a video belongs to whatever its class, or None if its name doesn't say.

    Of UCF-101 it is the number of the recording (`g08`). Each class has recordings of its own, but
    the data set is divided by their numbers: official test list 1 has g01 to g07 of all classes. Of
    HMDB51 it is the film, of which several classes may have clips.
    """
    recording = recording_of(video)
    if recording is None:
        return None
    separator = "_" if group_of(video.path) else "/"
    return recording.rpartition(separator)[2]
