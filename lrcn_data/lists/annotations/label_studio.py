"""Label Studio's JSON export of timeline labels: ranges of frames from 1, the last one inside.

https://labelstud.io/tags/timelinelabels and https://labelstud.io/guide/export (JSON, not JSON-MIN).
Frames are counted at the rate of the configuration's `<Video frameRate>`, which is 24 unless it is
set (https://labelstud.io/tags/video), whatever the file has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source
from lrcn_data.lists.lines import is_video_name
from lrcn_data.printable import show

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")
_DEFAULT_RATE = 24


def recognises(source: Source) -> bool:
    """Whether it is a list of tasks with their data and annotations."""
    tasks = source.json
    return isinstance(tasks, list) and bool(tasks) and all(map(_is_task, tasks))


def _is_task(task: Any) -> bool:
    is_whole = isinstance(task, dict) and isinstance(task.get("data"), dict)
    return is_whole and isinstance(task.get("annotations"), list)


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read the tasks, each of which is a video.

    Raises:
        UsageError: A task names no video, or has several annotations; or a range is wrong.
    """
    left_out = Counter[str]()
    videos = []
    for source in sources:
        for task in source.json:
            videos.append(_video(source, task, left_out))
    notes = []
    if any(video.fps is None and video.spans for video in videos):
        notes.append(
            "Label Studio counts frames at the frameRate of its <Video> tag,"
            f" {_DEFAULT_RATE} unless it is set; --annotation-fps {_DEFAULT_RATE} says so where the"
            " videos have another one"
        )
    return Annotation(videos=videos, left_out=left_out, notes=notes)


def _video(source: Source, task: Mapping[str, Any], left_out: Counter[str]) -> AnnotatedVideo:
    name = _video_name(source, task)
    made = [one for one in task["annotations"] if not one.get("was_cancelled")]
    left_out["cancelled annotations"] += len(task["annotations"]) - len(made)
    left_out["predictions"] += len(task.get("predictions") or ())
    if len(made) > 1:
        why = f"{show(name)} has {len(made)} annotations; keep one of each task"
        raise source.wrong(0, why)
    results = made[0].get("result", []) if made else []
    spans: list[LabelledSpan] = []
    rates = set[float]()
    for result in results:
        value = result.get("value") or {}
        if "timelinelabels" not in value:
            left_out[f"results of the type {show(str(result.get('type')))}"] += 1
            continue
        spans += _spans(source, name, value)
        if value.get("framesCount") and value.get("duration"):
            rates.add(round(value["framesCount"] / value["duration"], 2))
    file_name = name.rpartition("/")[2]
    uploaded = _UPLOADED.fullmatch(file_name)
    return AnnotatedVideo(
        name=name,
        other_names=[uploaded[1]] if uploaded else (),
        spans=spans,
        unit="frames",
        fps=rates.pop() if len(rates) == 1 else None,
    )


def _video_name(source: Source, task: Mapping[str, Any]) -> str:
    texts = [text for text in task["data"].values() if isinstance(text, str)]
    found = {name for text in texts if is_video_name(name := _path_of(text))}
    if len(found) != 1:
        why = f"task {task.get('id')} has {len(found)} names of videos in its data, and needs one"
        raise source.wrong(0, why)
    return found.pop()


def _path_of(text: str) -> str:
    """The path in a text that may be a URL, such as /data/local-files/?d=folder/a.mp4."""
    query = parse_qs(urlsplit(text).query) if "?" in text else {}
    return query["d"][0] if "d" in query else text


def _spans(source: Source, name: str, value: Mapping[str, Any]) -> Iterator[LabelledSpan]:
    for frames in value.get("ranges", ()):
        start, end = frames.get("start"), frames.get("end")
        if not (isinstance(start, int) and isinstance(end, int) and start >= 1):
            raise source.wrong(0, f"{show(name)} has {frames!r}, and a range has frames from 1 on")
        for label in value["timelinelabels"]:
            yield LabelledSpan(start - 1, end, str(label))
