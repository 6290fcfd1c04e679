"""Runs to a page: everything is read, the clips are chosen, and the page is written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.pages.page import render_page
from lrcn_data.storage.atomic_file import write_atomically, write_failure
from lrcn_model.pictures.class_colours import class_hex
from lrcn_model.reporting.compared_runs import compared_pairs, side_by_side
from lrcn_model.reporting.curves import curves
from lrcn_model.reporting.page_clips import PageClips
from lrcn_model.reporting.run_contents import read_run
from lrcn_model.reporting.run_facts import run_facts
from lrcn_model.reporting.run_section import RunSection, run_section
from lrcn_model.reporting.timelines import shown_classes
from lrcn_model.scoring.find_evaluation import run_with_evaluations

_PACKAGE = "lrcn_model.reporting"

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A page that was written.

    Attributes:
        path: Its path or, in a store, its URL.
        bytes: Its size.
        runs: The paths or URLs of the runs that it shows.
        evaluated: The number of those that were evaluated.
        clips: The number of different clips that it shows.
        pictures: The number of these whose frames it has; of several runs there may be more, as
            each shows that clip of a video whose frames disagree most.
        notes: What it could not show, and why; a sentence for each.
    """

    path: Path | str
    bytes: int
    runs: list[str]
    evaluated: int
    clips: int
    pictures: int
    notes: list[str]


def write_report(
    runs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    clips: int = 200,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> Report:
    """Write a page that shows runs: what they have learnt, and the clips behind their figures.

    Nothing is scored: an evaluation is shown where one is kept, the newest of those of the run's
    weights. The page can be made while a training runs.

    Args:
        runs: The folders of the runs, or their URLs; of one with several evaluations, the .json of
            one may be named in its place.
        out: The path of the page; None for report.html in the folder of the first run.
        clips: The largest number of different clips that are shown.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        on_start: Called once with the number of clips whose frames are read, and with the number
            still to be read, which is the same.
        on_clips: Called with 1 after each clip.

    Raises:
        UsageError: There is no run, or a number is out of range.
        LrcnError: A file of a run is damaged, or the page can't be written.
    """
    if not 1 <= len(runs) <= len(_LETTERS):
        raise UsageError(f"a page shows 1 to {len(_LETTERS)} runs, got {len(runs)}; name fewer")
    if clips < 0:
        raise UsageError(f"--clips must be at least 0, got {clips}")
    with ExitStack() as held:
        sections = [
            run_section(letter, read_run(*held.enter_context(run_with_evaluations(run))), plugins)
            for letter, run in zip(_LETTERS, runs, strict=False)
        ]
        chosen = PageClips(sections, clips)
        chosen.read_pictures(on_start, on_clips)
        data = _page(sections, chosen).encode("utf-8", "replace")
        folder = sections[0].run.folder
        path = Path(out) if out is not None else folder.report
        try:
            write_atomically(path, data)
        except OSError as error:
            raise write_failure(str(path), error) from error
    return Report(
        path=path if out is not None else folder.place(path),
        bytes=len(data),
        runs=[section.run.name for section in sections],
        evaluated=sum(not section.run.without for section in sections),
        clips=len(chosen.identities),
        pictures=len(chosen.strips),
        notes=chosen.notes,
    )


def _page(sections: Sequence[RunSection], chosen: PageClips) -> str:
    many = len(sections) > 1
    plots = curves([(section.letter if many else "", section.run) for section in sections])
    shown = [chosen.of_run(number) for number in range(len(sections))]
    data = {
        "strips": chosen.strips,
        "plots": plots,
        "runs": [
            {
                "letter": section.letter,
                "classes": list(section.classes),
                "clips": clips,
                "matrices": {m.kind: m.cells for m in section.matrices if not m.rows},
                "inTime": section.in_time,
            }
            for section, clips in zip(sections, shown, strict=True)
        ],
    }
    return render_page(
        _PACKAGE,
        "report.html",
        {
            "sections": sections,
            "shown": shown,
            "facts": [run_facts(section) for section in sections],
            "table": side_by_side(sections) if many else [],
            "pairs": compared_pairs(sections) if many and _evaluated(sections) > 1 else [],
            "plots": plots,
            "notes": chosen.notes,
            "colour": class_hex,
            "line_classes": shown_classes,
            "uplot": _uplot() if plots else {},
            "version": version("lrcn"),
            "data": data,
        },
    )


def _evaluated(sections: Sequence[RunSection]) -> int:
    return sum(section.run.evaluation is not None for section in sections)


def _uplot() -> dict[str, str]:
    """The library that draws curves, with its licence, which goes where it goes."""
    read = partial(_read, files(_PACKAGE) / "uplot")
    # its first line is the address of its home; a page names none
    script = read("uPlot.iife.min.js").partition("\n")[2]
    return {"script": script, "style": read("uPlot.min.css"), "licence": read("LICENSE")}


def _read(folder: Any, name: str) -> str:
    text: str = (folder / name).read_text(encoding="utf-8")
    return text
