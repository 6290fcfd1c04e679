"""A project of the VGG Image Annotator 3: temporal segments in seconds.

https://gitlab.com/vgg/via/-/blob/master/via-3.x.y/CodeDoc.md: "metadata" has `z`, the start and the
end, `xy`, which is empty of a segment, and `av`, the values of the attributes; of an attribute that
is a choice the value is the id of an option.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source, grouped, one_of
from lrcn_data.printable import show

_PARTS = ("project", "attribute", "file", "metadata", "view")
_VIDEO = 4
_CHECKBOX = 2
_DELETED = 1


def recognises(source: Source) -> bool:
    """Whether it has the parts of a project."""
    project = source.json
    return isinstance(project, dict) and all(isinstance(project.get(part), dict) for part in _PARTS)


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read projects.

    Raises:
        UsageError: Several attributes have labels and none is chosen; or a part is missing.
    """
    left_out = Counter[str]()
    videos = [
        AnnotatedVideo(name=name, spans=spans, unit="seconds")
        for source in sources
        for name, spans in grouped(_spans(source, options, left_out)).items()
    ]
    return Annotation(videos=videos, left_out=left_out)


def _spans(
    source: Source, options: ReadOptions, left_out: Counter[str]
) -> Iterator[tuple[str, LabelledSpan]]:
    project = source.json
    segments = [one for one in project["metadata"].values() if _is_segment(one)]
    left_out["marks that are no segments"] += len(project["metadata"]) - len(segments)
    used = {key for one in segments for key in one["av"]}
    names = {key: project["attribute"].get(key, {}).get("aname", key) for key in used}
    chosen = one_of(
        sorted(set(names.values())) if used else [],
        options.labels_from if used else None,
        what="attributes of segments",
        where=source,
    )
    for one in segments:
        file = _file(source, project, one)
        if file.get("type") != _VIDEO:
            left_out["segments of files that are no videos"] += 1
            continue
        labels = [
            label
            for key, value in one["av"].items()
            if names[key] == chosen
            for label in _labels(project["attribute"].get(key, {}), str(value))
        ]
        left_out["segments without a label"] += not labels
        for label in labels:
            yield str(file["fname"]), LabelledSpan(float(one["z"][0]), float(one["z"][1]), label)


def _is_segment(one: Mapping[str, Any]) -> bool:
    is_deleted = int(one.get("flg") or 0) & _DELETED
    return len(one.get("z") or ()) == 2 and not one.get("xy") and not is_deleted


def _file(source: Source, project: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    files = project["view"].get(str(one.get("vid")), {}).get("fid_list", [])
    if len(files) != 1 or str(files[0]) not in project["file"]:
        view = show(str(one.get("vid")))
        raise source.wrong(0, f"view {view} has {len(files)} known files, and must have one")
    found: Mapping[str, Any] = project["file"][str(files[0])]
    return found


def _labels(attribute: Mapping[str, Any], value: str) -> list[str]:
    """The labels that an attribute's value stands for."""
    texts = value.split(",") if attribute.get("type") == _CHECKBOX else [value]
    chosen = [attribute.get("options", {}).get(text, text).strip() for text in texts]
    return [text for text in chosen if text]
