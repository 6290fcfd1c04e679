"""Times ways of doing the same thing: CPU time, interleaved, medians, ratios to the first."""

from __future__ import annotations

import gc
import os
import resource
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

Work = Callable[[], object]
_CPU_FACTS = Path("/proc/cpuinfo")


def processor_name() -> str:
    """The CPU's model and how many cores of it there are; Linux only."""
    facts = _CPU_FACTS.read_text() if _CPU_FACTS.exists() else ""
    names = [
        line.partition(": ")[2] for line in facts.splitlines() if line.startswith("model name")
    ]
    return f"{names[0] if names else 'a CPU'}, {os.cpu_count()} cores"


def bf16_units() -> str:
    """The CPU's instructions for bf16, as Linux names them, or none."""
    facts = set(_CPU_FACTS.read_text().split()) if _CPU_FACTS.exists() else set()
    return ", ".join(sorted(facts & {"amx_bf16", "avx512_bf16"})) or "none"


def cpu_seconds() -> float:
    """User and system time of this process and its ended children."""
    spent = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        spent += usage.ru_utime + usage.ru_stime
    return spent


@dataclass(frozen=True)
class Measured:
    """CPU seconds of each counted run."""

    runs: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)


def compare(ways: Mapping[str, Work], *, runs: int) -> dict[str, Measured]:
    """Run every way once to warm up, then all of them in turn, `runs` times."""
    for work in ways.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, work in ways.items():
            gc.collect()
            before = cpu_seconds()
            work()
            times[name].append(cpu_seconds() - before)
    return {name: Measured(spent) for name, spent in times.items()}


def show(title: str, measured: Mapping[str, Measured], *, items: int, unit: str) -> None:
    """Print a table: milliseconds an item, spread, and the ratio to the first way, run by run."""
    base = next(iter(measured.values()))
    rows = []
    for name, spent in measured.items():
        ratio = statistics.median(a / b for a, b in zip(spent.runs, base.runs, strict=True))
        least, most = min(spent.runs) / items * 1000, max(spent.runs) / items * 1000
        middle = spent.median / items * 1000
        rows.append([name, f"{middle:.2f}", f"{least:.2f} to {most:.2f}", f"{ratio:.2f}"])
    print_table(title, ["way", f"ms CPU a {unit}", "min to max", "times the first"], rows)


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first column to the left, the others to the right."""
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)
