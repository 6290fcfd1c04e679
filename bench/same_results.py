"""Whether a revision gives the same results as another one: shards, losses, runs that go on.

    python bench/same_results.py [--base 7b7e841] [--revision HEAD] [--work FOLDER]
        [--videos FOLDER]

Both are installed and used through their commands alone, so whatever moves inside them may. The
exit code is 1 where something differs that is not in CHANGED_ON_PURPOSE. With --work, environments
are kept for the next time, and where something differs, so is what the two wrote.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path

from revision import CommandFailed, Revision, add_arguments, build, work_folder
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from same_rows import Pair, Result, Row, Side
from same_shards import (
    check_commands,
    check_generated_shards,
    check_generated_videos,
    check_help,
    check_killed_shard,
    check_lists,
    check_real_shards,
)
from same_training import check_going_on, check_killed_training, check_scores, check_training

# ----------------------------------------------------------------------------------------------
CHANGED_ON_PURPOSE: dict[str, str] = {
    "help texts": "rewritten in plain English; options for plug-ins, --executor and --head are new",
    "*: tensors' names": "the LSTM is one of several heads: net.lstm is net.head.lstm",
    "training, through webdataset: losses and rates": "the accuracy while training is by the votes"
    " of --average, as when scoring",
    "*: the net's record": "the net is recorded as it stands in the options, with CNN and head",
}
"""Why results differ from the base's that are meant to: by check, which may have a `*`."""
# ----------------------------------------------------------------------------------------------

CHECKS: Sequence[Callable[[Pair], Iterator[Row]]] = (
    check_help,
    check_generated_videos,
    check_lists,
    check_generated_shards,
    check_real_shards,
    check_commands,
    check_killed_shard,
    check_training,
    check_killed_training,
    check_scores,
    check_going_on,
)
"""All checks; later ones use what earlier ones wrote."""

_COLOURS = {"same": "green", "differs": "red", "skipped": "yellow", "on purpose": "yellow"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    arguments = parser.parse_args()
    began = time.monotonic()
    with work_folder(arguments.work) as work:
        base, new = (build(name, work) for name in (arguments.base, arguments.revision))
        folder = work / f"results-{base.commit[:12]}-{new.commit[:12]}"
        rows = list(find_rows(make_pair(base, new, folder, arguments.videos)))
        differs = any(outcome(row) == "differs" for row in rows)
        if not differs:
            shutil.rmtree(folder)
    show(rows, f"{new} against {base}")
    print(f"{time.monotonic() - began:.0f} s")
    if differs and arguments.work:
        print(f"what both wrote is in {folder}")
    sys.exit(differs)


def make_pair(base: Revision, new: Revision, folder: Path, videos: Path | None) -> Pair:
    """The two, each with an empty folder; what was in them is thrown away."""
    shutil.rmtree(folder, ignore_errors=True)
    sides = [Side(revision=base, folder=folder / "base"), Side(revision=new, folder=folder / "new")]
    for side in sides:
        side.folder.mkdir(parents=True)
    return Pair(base=sides[0], new=sides[1], videos=videos)


def find_rows(pair: Pair) -> Iterator[Row]:
    """The rows of all checks; one that can't be done differs."""
    for check in CHECKS:
        what = check.__name__.removeprefix("check_").replace("_", " ")
        print(what, file=sys.stderr, flush=True)
        try:
            yield from check(pair)
        except (CommandFailed, OSError, ValueError, KeyError) as error:
            yield Row(what=what, result="differs", detail=f"{type(error).__name__}: {error}")


def outcome(row: Row) -> str:
    """A row's result, or `on purpose` where it is known why it differs."""
    return "on purpose" if row.result == "differs" and reason(row) else row.result


def reason(row: Row) -> str | None:
    """Why a check's results were changed on purpose; None where they were not."""
    reasons = (why for what, why in CHANGED_ON_PURPOSE.items() if fnmatchcase(row.what, what))
    return next(reasons, None)


def folded(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows, but one for all those that are the same and whose names begin alike."""
    for (beginning, result), group in groupby(rows, key=_beginning_and_result):
        members = list(group)
        if result == "same" and len(members) > 1:
            details = ", ".join(row.detail for row in members)
            yield Row(what=beginning, result=result, detail=details)
        else:
            yield from members


def _beginning_and_result(row: Row) -> tuple[str, Result]:
    return row.what.partition(": ")[0], row.result


def show(rows: Sequence[Row], title: str) -> None:
    """Print what was found, and how many checks have which result."""
    table = Table("check", "result", "detail", title=title, title_justify="left")
    for row in folded(rows):
        result = outcome(row)
        why = f"{reason(row)} ({row.detail})" if result == "on purpose" else row.detail
        table.add_row(escape(row.what), f"[{_COLOURS[result]}]{result}[/]", escape(why))
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    counts = Counter(map(outcome, rows))
    print(f"{len(rows)} checks: {', '.join(f'{n} {result}' for result, n in counts.items())}")


if __name__ == "__main__":
    main()
