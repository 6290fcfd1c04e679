"""Timelines of videos: what they show when, over what was predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lrcn_model.pictures.class_colours import class_hex
from lrcn_model.pictures.plot import FAINT, Plot, shortened

_WIDTH, _INCHES_A_VIDEO = 11.0, 0.85

_MOST_IN_LEGEND = 40


class Stretch(NamedTuple):
    """A part of a video that has one class.

    Attributes:
        start: When it starts, in seconds.
        end: When it ends.
        label: The class's number.
    """

    start: float
    end: float
    label: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """What a video shows, and what was predicted of it.

    Attributes:
        video: What the video is called.
        accuracy: The share of its labelled frames that are right, from 0 to 1.
        truth: The stretches as they are labelled.
        predicted: Those that were predicted.
    """

    video: str
    accuracy: float
    truth: Sequence[Stretch]
    predicted: Sequence[Stretch]


def draw_timelines(path: Path, timelines: Sequence[Timeline], classes: Sequence[str]) -> str | None:
    """Draw videos below one another: the upper band is the truth, the lower one the prediction.

    Args:
        path: The PNG to write.
        timelines: The videos, from top to bottom; one at least.
        classes: The class names.

    Returns:
        A sentence about letters that no font has, and what helps; None where all could be written.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    with Plot(_WIDTH, 1.0 + _INCHES_A_VIDEO * len(timelines)) as plot:
        names, look = plot.lettering(shortened(one.video, 70) for one in timelines)
        axes = []
        for place, (one, name) in enumerate(zip(timelines, names, strict=True), 1):
            band = plot.add(len(timelines), 1, place)
            axes.append(band)
            for height, stretches in ((1, one.truth), (0, one.predicted)):
                band.broken_barh(
                    [(s.start, s.end - s.start) for s in stretches],
                    (height + 0.04, 0.92),
                    facecolors=[class_hex(s.label) for s in stretches],
                )
            end = max((s.end for s in (*one.truth, *one.predicted)), default=1.0)
            band.set(xlim=(0, end or 1.0), ylim=(0, 2))
            band.set_yticks([1.5, 0.5], ["truth", "predicted"])
            band.tick_params(axis="y", length=0)
            title = f"{name}: {one.accuracy:.0%} of the frames right"
            band.set_title(title, fontsize=8, pad=2, **look)
            for side in ("left", "bottom"):
                band.spines[side].set_color(FAINT)
        axes[-1].set_xlabel("seconds")
        _legend(plot, axes[0].figure, timelines, classes)
        return plot.write(path)


def _legend(plot: Plot, figure: Any, timelines: Sequence[Timeline], classes: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    there = sorted({s.label for one in timelines for s in (*one.truth, *one.predicted)})
    names, look = plot.lettering(shortened(classes[label], 30) for label in there)
    patches = [
        Patch(color=class_hex(label), label=name)
        for label, name in zip(there[:_MOST_IN_LEGEND], names, strict=False)
    ]
    if len(there) > len(patches):
        patches.append(Patch(color="none", label=f"and {len(there) - len(patches)} more"))
    figure.legend(
        handles=patches,
        loc="outside right upper",
        frameon=False,
        prop={"size": 8, "family": look["fontfamily"]},
    )
