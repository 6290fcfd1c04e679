"""ELAN's files (.eaf): annotations of a tier, between time slots in milliseconds.

Described in https://tla.mpi.nl/tla-news/documentation-of-eaf-elan-annotation-format/ (EAF 2.8 and
3.0). Only annotations that are aligned to time themselves are read, not those that refer to others.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source, one_of

_ROOT = "<ANNOTATION_DOCUMENT"


def recognises(source: Source) -> bool:
    """Whether its root is that of ELAN's documents."""
    return source.is_text and _ROOT in source.text[:4096]


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read documents, each of one video.

    Raises:
        UsageError: A document is no XML or declares entities; has several tiers and none is chosen;
            counts in another unit; or its video doesn't start where its times do.
    """
    left_out = Counter[str]()
    videos = []
    for source in sources:
        root = _parsed(source)
        name = _media(source, root)
        videos.append(
            AnnotatedVideo(
                name=name or source.path.stem,
                other_names=[source.path.stem],
                spans=list(_spans(source, root, options, left_out)),
                unit="seconds",
            )
        )
    return Annotation(videos=videos, left_out=left_out)


def _parsed(source: Source) -> ET.Element:
    # ELAN writes none; an entity may expand to gigabytes
    if "<!DOCTYPE" in source.text or "<!ENTITY" in source.text:
        raise source.wrong(0, "it declares a document type, which files of ELAN don't")
    try:
        root = ET.fromstring(source.text)
    except ET.ParseError as error:
        raise source.wrong(0, f"no XML: {error}") from error
    header = root.find("HEADER")
    unit = header.get("TIME_UNITS", "milliseconds") if header is not None else "milliseconds"
    if unit != "milliseconds":
        raise source.wrong(0, f"TIME_UNITS is {unit}, and must be milliseconds")
    return root


def _media(source: Source, root: ET.Element) -> str | None:
    """The name of the first video that a document is linked to."""
    for media in root.iterfind("HEADER/MEDIA_DESCRIPTOR"):
        if not media.get("MIME_TYPE", "video").startswith("video"):
            continue
        if int(media.get("TIME_ORIGIN") or 0):
            raise source.wrong(
                0,
                f"its video has an offset of {media.get('TIME_ORIGIN')} ms to the times; set it to"
                " 0 in ELAN (Edit, Linked Files), or give the times of the video itself",
            )
        return media.get("MEDIA_URL") or media.get("RELATIVE_MEDIA_URL") or None
    return None


def _spans(
    source: Source, root: ET.Element, options: ReadOptions, left_out: Counter[str]
) -> Iterator[LabelledSpan]:
    times = {
        slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE")
        for slot in root.iterfind("TIME_ORDER/TIME_SLOT")
    }
    tiers = {
        tier.get("TIER_ID", ""): tier
        for tier in root.iterfind("TIER")
        if tier.find("ANNOTATION/ALIGNABLE_ANNOTATION") is not None
    }
    if not tiers:
        return
    chosen = one_of(list(tiers), options.labels_from, what="tiers", where=source)
    left_out["annotations of other tiers"] += sum(
        len(tier.findall("ANNOTATION")) for name, tier in tiers.items() if name != chosen
    )
    for one in tiers[chosen].iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
        start, end = (times.get(one.get(f"TIME_SLOT_REF{side}")) for side in (1, 2))
        label = (one.findtext("ANNOTATION_VALUE") or "").strip()
        if start is None or end is None:
            left_out["annotations without a time"] += 1
        elif not label:
            left_out["annotations without a label"] += 1
        else:
            yield LabelledSpan(int(start) / 1000, int(end) / 1000, label)
