"""ActivityNet's JSON: segments in seconds, with the subset of each video.

The official file has them below "database" (http://activity-net.org/download.html); others, such as
BMN's `anet_anno_action.json`, have the videos on top, with "duration_second" and "duration_frame"
(https://github.com/JJBOY/BMN-Boundary-Matching-Network), or an "fps" and other names of subsets, as
ActionFormer's THUMOS14 (https://github.com/happyharrycn/actionformer_release). A video's file may
begin with `v_`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source
from lrcn_data.printable import show

_SUBSETS = {
    "training": "train",
    "train": "train",
    "validation": "val",
    "val": "val",
    "testing": "test",
    "test": "test",
}


def recognises(source: Source) -> bool:
    """Whether the first video has annotations, and each of these a segment."""
    videos = _videos(source)
    first = next((video for video in videos.values() if _annotations(video)), None)
    if first is None:
        return bool(videos) and all(_annotations(video) == [] for video in videos.values())
    annotations = _annotations(first) or []
    return all(isinstance(one, dict) and "segment" in one for one in annotations)


def _videos(source: Source) -> Mapping[str, Any]:
    content = source.json
    if isinstance(content, dict) and isinstance(content.get("database"), dict):
        content = content["database"]
    return content if isinstance(content, dict) else {}


def _annotations(video: Any) -> list[Any] | None:
    found = video.get("annotations") if isinstance(video, dict) else None
    return found if isinstance(found, list) else None


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read the videos of all subsets.

    Raises:
        UsageError: A segment or a subset is not what it should be.
    """
    return Annotation(
        videos=[
            _video(source, name, video)
            for source in sources
            for name, video in _videos(source).items()
        ]
    )


def _video(source: Source, name: str, video: Any) -> AnnotatedVideo:
    if _annotations(video) is None:
        raise source.wrong(0, f"{show(name)} has no list of annotations")
    subset = video.get("subset")
    split = _SUBSETS.get(str(subset).casefold())
    if subset is not None and split is None:
        known = ", ".join(_SUBSETS)
        raise source.wrong(0, f"the subset {show(str(subset))} of {show(name)} is none of {known}")
    return AnnotatedVideo(
        name=name,
        other_names=() if name.startswith("v_") else (f"v_{name}",),
        spans=list(_spans(source, name, video["annotations"])),
        unit="seconds",
        split=split,
        fps=_rate(video),
    )


def _rate(video: Mapping[str, Any]) -> float | None:
    fps = video.get("fps")
    if not isinstance(fps, int | float):
        seconds, frames = video.get("duration_second"), video.get("duration_frame")
        if not isinstance(seconds, int | float) or not isinstance(frames, int | float):
            return None
        fps = round(frames / seconds, 2) if seconds > 0 else 0
    return float(fps) if fps > 0 else None


def _spans(source: Source, name: str, annotations: Sequence[Any]) -> Iterator[LabelledSpan]:
    for one in annotations:
        try:
            start, end = map(float, one["segment"])
            label = one["label"]
        except (KeyError, TypeError, ValueError) as error:
            why = f'{show(name)} has no "segment": [start, end] with a "label" in {one!r}'
            raise source.wrong(0, why) from error
        yield LabelledSpan(start, end, str(label))
