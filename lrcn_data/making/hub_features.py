"""What Hugging Face datasets must be told of samples that differ in their members.

Its reader takes the members from the first samples, and refuses a data set where these differ.
Where the card says which members there may be, those that a sample lacks are None.
"""

from __future__ import annotations

from collections.abc import Iterator

from lrcn_data.format.frame_kind import NEXT_IN_SOURCE
from lrcn_data.format.frame_kinds import load_frame_kind
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.sample_layout import SampleLayout

_ONE_CLASS = {"label": "dtype: int64", "class": "dtype: string"}
_CLASS_SET = {"classes": "sequence: int64", "class_names": "sequence: string"}

_BEFORE = {"key": "dtype: string", "video": "dtype: string"}
_BEHIND = {
    "split": "dtype: string",
    "clip": "dtype: int64",
    "fps": "dtype: float64",
    "source_fps": "dtype: float64",
    "width": "dtype: int64",
    "height": "dtype: int64",
    "frame_times": "sequence: float64",
    "num_valid": "dtype: int64",
    "labels": "sequence: int64",
    "segment": "sequence: float64",
    "salvaged": "dtype: bool",
}
_IN_TIME = {"position": "dtype: int64"}
_WITH_NEIGHBOURS = {"neighbour_times": "sequence: float64"}


def hub_features(manifest: Manifest) -> Iterator[str]:
    """Write the part of a card's front matter that says which members samples have.

    Args:
        manifest: The data set's manifest; its frames are of a built-in kind.
    """
    kind = load_frame_kind(manifest.frame_kind)
    layout = SampleLayout(seq_len=manifest.seq_len, frame_kind=kind, sets_of=manifest.sets_of)
    *frames, label, record = layout.endings
    yield "dataset_info:"
    yield "  features:"
    for name in frames:
        yield from _feature(name, "dtype: image")
    yield from _feature(label, "sequence: int64" if manifest.multi_label else "dtype: int64")
    yield from _feature(record, "struct:")
    of_classes = _CLASS_SET if manifest.multi_label else _ONE_CLASS
    in_time = _IN_TIME if manifest.labels_in_time else {}
    near = _WITH_NEIGHBOURS if kind.neighbour == NEXT_IN_SOURCE else {}
    for name, value in (_BEFORE | of_classes | _BEHIND | in_time | near).items():
        yield from _feature(name, value, indent=4)
    for name in ("__key__", "__url__"):
        yield from _feature(name, "dtype: string")


def _feature(name: str, value: str, indent: int = 2) -> Iterator[str]:
    yield f"{'':{indent}}- name: {name}"
    yield f"{'':{indent}}  {value}"
