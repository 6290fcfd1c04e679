"""50 Salads' own activity annotation: times of a recording device's clock, which are refused.

`53704269 268768513 cut_and_mix_ingredients`: the clock doesn't start with the video. In 01-1 the
first activity begins at 53.7 million, and at frame 604 of the labels a frame, which is 20.1 s.
https://cvip.computing.dundee.ac.uk/datasets/foodpreparation/50salads/
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lrcn_data.lists.annotations.annotation import Annotation, ReadOptions
from lrcn_data.lists.annotations.source import Source

_LINE = re.compile(r"[0-9]{6,}[ \t]+[0-9]{6,}[ \t]+\S+")


def recognises(source: Source) -> bool:
    """Whether the first line has two large numbers and a label."""
    return source.is_text and bool(source.lines) and bool(_LINE.fullmatch(source.lines[0][1]))


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Refuse them.

    Raises:
        UsageError: Always.
    """
    raise sources[0].wrong(
        1,
        "these times are of the recording device's clock, which starts before the video, and"
        " phases and steps overlap; use the labels a frame of 50 Salads, or take the clock's time"
        " of the video's first frame off and write video,start,end,label",
    )
