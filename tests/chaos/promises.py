"""A pytest plugin that writes docs/reliability.md from the tests marked `promise(row, what)`.

`make chaos-data`, `make chaos-cluster` and `make chaos-train` load it; each runs the rows of one
section of the page and rewrites that. A test without a `tally` counts as one trial.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

REPORT = Path(os.environ.get("LRCN_CHAOS", "reliability.md"))
HEAD = """# Reliability: what was tried, and what survived

The rows are those of the promises that tests marked `promise` prove. `make chaos-data` rewrites the
section of stage 1, `make chaos-cluster` that of stage 1 on many machines, and `make chaos-train`
that of stage 2.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A part of the product, and what its section of the page says.

    Attributes:
        title: Of the section.
        make: The target that writes it.
        rows: Of the promises.
        packages: Whose versions it names.
        video: Whether it names the versions of what decodes videos.
    """

    title: str
    make: str
    rows: Sequence[int]
    packages: tuple[str, ...]
    video: bool


STAGES = {
    "1": Stage(
        title="Stage 1: from videos to shards",
        make="chaos-data",
        rows=range(1, 17),
        packages=("av", "webdataset", "numpy", "simplejpeg", "imageio-ffmpeg"),
        video=True,
    ),
    "cluster": Stage(
        title="Stage 1 on many machines",
        make="chaos-cluster",
        rows=range(25, 26),
        packages=("ray", "submitit", "av", "numpy", "simplejpeg"),
        video=False,
    ),
    "2": Stage(
        title="Stage 2: from shards to a trained net",
        make="chaos-train",
        rows=(*range(17, 25), 27),
        packages=("torch", "webdataset", "numpy", "simplejpeg", "safetensors", "pillow"),
        video=False,
    ),
}


@dataclass(slots=True)
class Trials:
    """What was found for one kind of fault of one row."""

    tried: int = 0
    survived: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)


found: dict[tuple[int, str], Trials] = {}
began = time.monotonic()
running = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --stage."""
    parser.addoption("--stage", choices=list(STAGES), default="1", help="Whose rows to run")


def pytest_configure(config: pytest.Config) -> None:
    """Note which stage is run."""
    global running
    running = config.getoption("--stage")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the rows of the other stage."""
    rows = STAGES[running].rows
    left_out = [
        item
        for item in items
        if (marker := item.get_closest_marker("promise")) and marker.args[0] not in rows
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a test's trials to its row."""
    report = yield
    marker = item.get_closest_marker("promise")
    if marker is None:
        return report
    row, what = marker.args
    trials = found.setdefault((row, what), Trials())
    trials.seconds += report.duration
    if report.skipped:
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        trials.not_run.append(reason.removeprefix("Skipped: "))
    elif report.when == "call" or report.failed:
        tally: Any = getattr(item, "funcargs", {}).get("tally")
        if tally is not None and tally.tried:
            trials.tried += tally.tried
            trials.survived += tally.survived
            trials.notes += tally.notes
        else:
            trials.tried += 1
            trials.survived += report.passed
        if report.failed:
            trials.notes.append(f"the test failed: {item.nodeid.rpartition('/')[2]}")
    return report


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Write the report so far, so that a run that is broken off leaves its figures."""
    write_report()


def write_report() -> None:
    """Write what has been found into the stage's section; the others stay as they are."""
    page = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    parts = re.split(r"(?m)^## ", page)[1:]
    sections = {part.partition("\n")[0]: f"## {part}" for part in parts}
    sections[STAGES[running].title] = section(running)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    titles = [stage.title for stage in STAGES.values() if stage.title in sections]
    whole = "\n".join([HEAD, *(sections[title] for title in titles)])
    REPORT.write_text(re.sub(r"\n{3,}", "\n\n", whole).rstrip() + "\n", encoding="utf-8")


def section(name: str) -> str:
    """A stage's section of the page."""
    stage = STAGES[name]
    limits = Path(__file__).with_name(f"limits_of_stage_{name}.md")
    lines = [
        f"## {stage.title}",
        "",
        f"Written by `make {stage.make}`, from one run of it.",
        "",
        f"- date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, after"
        f" {(time.monotonic() - began) / 60:.0f} minutes on {len(os.sched_getaffinity(0))} cores",
        f"- command: `PYTHONPATH=tests/chaos LRCN_CHAOS={REPORT} python -m pytest -p promises"
        f" --stage {name} -m promise`",
        *(f"- {line}" for line in versions(stage)),
        "",
        "| row | what was tried | how many | how many survived | seconds |",
        "|---|---|---|---|---|",
    ]
    notes = []
    for (row, what), trials in sorted(found.items()):
        tried, survived = str(trials.tried), str(trials.survived)
        if not trials.tried:
            tried, survived = "not run", f"({'; '.join(sorted(set(trials.not_run)))})"
        lines.append(f"| {row} | {what} | {tried} | {survived} | {trials.seconds:.0f} |")
        notes += [f"- {row}, {what}: {note}" for note in dict.fromkeys(trials.notes)]
        if trials.tried and trials.not_run:
            reasons = "; ".join(sorted(set(trials.not_run)))
            notes.append(f"- {row}, {what}: {len(trials.not_run)} more not run ({reasons})")
    lines += ["", "### Seen in this run", "", *(notes or ["- nothing else"]), ""]
    return "\n".join([*lines, limits.read_text(encoding="utf-8")])


@cache
def versions(stage: Stage) -> list[str]:
    """Versions of all that takes part."""
    tools = []
    for name in stage.packages:
        try:
            tools.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            tools.append(f"{name} not installed")
    lines = [f"python {sys.version.split()[0]}, {', '.join(tools)}"]
    return [*lines, *video_versions()] if stage.video else lines


def video_versions() -> list[str]:
    """Versions of what decodes videos."""
    import av

    libraries = ", ".join(
        f"{name} {'.'.join(map(str, number))}" for name, number in av.library_versions.items()
    )
    program = shutil.which("ffmpeg")
    said = "none on the PATH"
    if program:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True
        ).stdout.splitlines()[0]
    return [f"libraries within av: {libraries}", f"ffmpeg program: {said}"]
