"""The key of a sample: the name that its members share in a tar, and that readers tell it by."""

from __future__ import annotations

import os
import re

LONGEST_KEY = 80
"""The largest number of characters in a key."""

_LONGEST_STEM = 50
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_-]")
_KEY = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_KEY}}}")


def sample_key(split: str, position: int, video: str, clip: int) -> str:
    """The key of a clip, unique over a data set: split, position, the file's name, clip.

    Args:
        split: train, val or test.
        position: The video's position among all of its split.
        video: The path of the video; of its name, what no key may have becomes `_`.
        clip: The number of the clip in its video, from 0.
    """
    stem = os.path.splitext(os.path.basename(video))[0]  # noqa: PTH119, PTH122
    return f"{split}-{position:07d}-{_NOT_IN_KEYS.sub('_', stem)[:_LONGEST_STEM]}-{clip}"


def is_key(text: str) -> bool:
    """Whether a text can be a sample's key: without dots, at which readers split names."""
    return _KEY.fullmatch(text) is not None
