"""Lists that were made from folders or from an official split, before they are written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedVideo:
    """A video that will stand in a list.

    Attributes:
        path: Path of the video, relative to the folder that holds all videos.
        class_name: Name of its class.
        split: `train`, `val` or `test`.
    """

    path: str
    class_name: str
    split: str = "train"


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeLists:
    """The lists of a data set, not yet written.

    Attributes:
        classes: Class names in the order of their numbers.
        videos: The videos of all splits.
        absent: How many videos of the official lists were left out because they are not on disk.
        ignored: How many files were left out because their names are not those of videos.
        from_folders: Whether the lists were made from class folders, not from an official split.
    """

    classes: list[str]
    videos: list[ListedVideo]
    absent: int = 0
    ignored: int = 0
    from_folders: bool = False

    def count(self, split: str) -> int:
        """The number of videos in a split."""
        return sum(video.split == split for video in self.videos)
