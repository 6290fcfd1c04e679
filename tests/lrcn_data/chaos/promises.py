"""A pytest plugin that writes docs/reliability.md from the tests marked `promise(row, what)`.

`make chaos-data` loads it. A test without a `tally` counts as one trial.
"""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

REPORT = Path(os.environ.get("LRCN_CHAOS", "reliability.md"))
LIMITS = Path(__file__).with_name("limits.md")


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
    """Write what has been found."""
    lines = [
        "# Reliability of stage 1: what was tried, and what survived",
        "",
        "Written by `make chaos-data`, from one run of it; every figure was measured in that run.",
        "",
        f"- date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, after"
        f" {(time.monotonic() - began) / 60:.0f} minutes on {len(os.sched_getaffinity(0))} cores",
        f"- command: `LRCN_CHAOS={REPORT} python -m pytest -p promises -m promise tests`",
        *(f"- {line}" for line in versions()),
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
    lines += ["", "## Seen in this run", "", *(notes or ["- nothing else"]), ""]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n" + LIMITS.read_text(encoding="utf-8"))


@cache
def versions() -> list[str]:
    """Versions of all that takes part."""
    import av

    libraries = ", ".join(
        f"{name} {'.'.join(map(str, number))}" for name, number in av.library_versions.items()
    )
    tools = []
    for name in ("av", "webdataset", "numpy", "simplejpeg", "imageio-ffmpeg"):
        try:
            tools.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            tools.append(f"{name} not installed")
    program = shutil.which("ffmpeg")
    said = "none on the PATH"
    if program:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True
        ).stdout.splitlines()[0]
    return [
        f"python {sys.version.split()[0]}, {', '.join(tools)}",
        f"libraries within av: {libraries}",
        f"ffmpeg program: {said}",
    ]
