"""`lrcn-predict --live`: what a source shows while it goes on, and a summary at its end."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from lrcn_data.errors import LrcnError
from lrcn_data.printable import show

from .log_file import add_to_log
from .options import PLACE, refuse_others
from .output import print_result, say
from .predict_outputs import CsvOutput
from .predict_sources import STDIN
from .prediction_table import tenths
from .prepare_torch import prepare_torch
from .terminated import TERMINATED, Terminated, sigterm_interrupts

if TYPE_CHECKING:
    from rich.console import Group

    from lrcn_model.predicting.live_events import LiveFrame, LiveSummary, Seen
    from lrcn_model.predicting.prediction import Guess
    from lrcn_model.predicting.segments import Segment
    from lrcn_model.predicting.watch import Watch

_WATCHING = ("top", "min_length", "enter", "leave", "patience", "reconnects", "plugins")
"""The options that say how a source is watched."""

_OTHERS = ("run_path", "live", "as_json", "csv_path", "device", "cnn", "head")
"""The other options that have a meaning with `--live`."""

_ROWS = 10
"""The segments that the table has above what is seen now."""

_SILENT = 2.0
"""Seconds without anything from the source after which that is said."""


def live_options(function: Any) -> Any:
    """Add `--live` and the options that go with it."""
    for option in reversed(
        [
            click.option(
                "--live",
                metavar="SOURCE",
                type=PLACE,
                help="Watch a source while it goes on, in place of predicting SOURCEs: a file at"
                " its own speed, - for a pipe, a camera such as /dev/video0, or an address that"
                " begins with http://, https://, rtsp:// or rtsps://. Ctrl-C ends it.",
            ),
            click.option(
                "--patience",
                type=click.FloatRange(0, min_open=True),
                metavar="SECONDS",
                default=30.0,
                show_default=True,
                help="The time after which a live source that sends nothing is taken for lost.",
            ),
            click.option(
                "--reconnects",
                type=click.IntRange(0),
                metavar="N",
                default=10,
                show_default=True,
                help="How many times in a row it is tried to open an address or a camera again that"
                " was lost, after 1, 2, 4 and at most 30 seconds.",
            ),
        ]
    ):
        function = option(function)
    return function


def watch_source(context: click.Context, plugins: Sequence[str]) -> None:
    """Show what a source shows until it ends, or until Ctrl-C; a summary follows in any case.

    Args:
        context: That of the command, with its values.
        plugins: Names of plug-ins of the run's net.

    Raises:
        UsageError: An option is given that has no meaning with `--live`, there is no such run, or
            its net can't score frames as they come.
        LrcnError: The source can't be opened or is lost, or the run's weights are damaged.
        click.exceptions.Exit: It was interrupted.
    """
    refuse_others(context, "--live", (*_WATCHING, *_OTHERS))
    prepare_torch()
    from lrcn_model.predicting.exported_run import load_to_predict
    from lrcn_model.predicting.watch import watch

    values, source = context.params, context.params["live"]
    run = load_to_predict(values["run_path"], plugins, device=values["device"])
    # without a buffer, whose lock a thread that waits for bytes would hold when Python ends
    pipe = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    given = {name: values[name] for name in _WATCHING}
    watching = watch(run, pipe if source == STDIN else source, **given)
    with CsvOutput(values["csv_path"]) as csv_file, sigterm_interrupts():
        code, lost = 0, None
        with _output(watching, as_json=values["as_json"]) as output:
            try:
                for seen in watching:
                    _show(seen, output, csv_file, watching)
            except KeyboardInterrupt as error:
                code = TERMINATED if isinstance(error, Terminated) else 130
            except LrcnError as error:
                lost = error
            for seen in watching.finish():
                _show(seen, output, csv_file, watching)
        if watching.summary.frames:
            output.end(watching.summary)
    if lost is not None:
        raise lost
    if code:
        raise click.exceptions.Exit(code)


def _output(watching: Watch, *, as_json: bool) -> LiveOutput:
    if as_json:
        return _Json()
    return _Table(watching) if sys.stdout.isatty() else _Lines()


def _show(seen: Seen, output: LiveOutput, csv_file: CsvOutput, watching: Watch) -> None:
    from lrcn_model.predicting.prediction import Prediction
    from lrcn_model.predicting.segments import Segment

    output.add(seen)
    if isinstance(seen, Segment):
        csv_file.add(Prediction(video=watching.summary.source, segments=[seen]))


class LiveOutput(ABC):
    """A context manager that shows what is seen, as it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 - only a table has something to end
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    @abstractmethod
    def add(self, seen: Seen) -> None:
        """Show what was just seen."""

    @abstractmethod
    def end(self, summary: LiveSummary) -> None:
        """Show what there was in all."""


class _Json(LiveOutput):
    """Lines of JSON, whose `event` says what each is of."""

    def add(self, seen: Seen) -> None:
        from lrcn_model.predicting.live_events import LiveFrame, SourceLost

        event = "segment"
        if isinstance(seen, LiveFrame):
            event = "frame"
        elif isinstance(seen, SourceLost):
            event = "lost"
        self._print(event, seen)

    def end(self, summary: LiveSummary) -> None:
        self._print("summary", summary)

    def _print(self, event: str, what: Any) -> None:
        line = json.dumps({"event": event, **asdict(what)}, ensure_ascii=False)
        click.echo(line)
        add_to_log(line)


class _Lines(LiveOutput):
    """A line each time that another class is the most probable one."""

    def __init__(self) -> None:
        self._label: int | None = None

    def add(self, seen: Seen) -> None:
        from lrcn_model.predicting.live_events import LiveFrame, SourceLost

        if isinstance(seen, SourceLost):
            self._label = None
            say(_lost(seen.reason, seen.again_in))
        elif isinstance(seen, LiveFrame) and seen.guesses[0].label != self._label:
            self._label = seen.guesses[0].label
            print_result(f"{tenths(seen.seconds):>9}  {_guess(seen.guesses[0])}")

    def end(self, summary: LiveSummary) -> None:
        for line in describe(summary):
            say(line)


class _Table(LiveOutput):
    """A table that stays on the terminal: the last segments, what is seen now, and some figures.

    Args:
        watching: What is watched, of which it has the figures.
    """

    def __init__(self, watching: Watch) -> None:
        from rich.live import Live

        from .fitted_table import new_console

        self._watching = watching
        self._segments: deque[Segment] = deque(maxlen=_ROWS)
        self._now: LiveFrame | None = None
        self._lost = ""
        self._live = Live(
            get_renderable=self._rendered, console=new_console(), refresh_per_second=8
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def add(self, seen: Seen) -> None:
        from lrcn_model.predicting.live_events import LiveFrame, SourceLost

        if isinstance(seen, LiveFrame):
            self._now, self._lost = seen, ""
        elif isinstance(seen, SourceLost):
            self._lost = _lost(seen.reason, seen.again_in)
            add_to_log(self._lost)
        else:
            self._segments.append(seen)
            times = f"{tenths(seen.start)} to {tenths(seen.end)}"
            add_to_log(f"{times}  {show(seen.name)}  {seen.score:.1%}")

    def end(self, summary: LiveSummary) -> None:
        for line in describe(summary):
            print_result(line)

    def _rendered(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("from", "to", "class", "probability")
        for column in table.columns:
            column.overflow = "fold"
        for place in (0, 1, 3):
            table.columns[place].justify = "right"
            # on narrow terminals the class gives way
            table.columns[place].min_width = len("0:00.0")
        for segment in self._segments:
            times = tenths(segment.start), tenths(segment.end)
            table.add_row(*times, Text(show(segment.name)), f"{segment.score:.1%}", style="dim")
        if self._now is not None:
            for row, guess in enumerate(self._now.guesses):
                at = "" if row else tenths(self._now.seconds)
                name = Text(show(guess.name), style="" if row else "bold")
                table.add_row(at, "" if row else "now", name, f"{guess.probability:.1%}")
        return Group(table, Text(self._figures()))

    def _figures(self) -> str:
        summary = self._watching.summary
        parts = [f"{summary.frames:,} frames"]
        if self._now is not None:
            parts.append(f"{_milliseconds(self._now.latency)} from frame to score")
        parts += [f"{self._watching.waiting} waiting", f"{summary.dropped:,} dropped"]
        if summary.damaged:
            parts.append(f"{summary.damaged:,} damaged")
        if summary.reconnects:
            parts.append(f"opened again {_times(summary.reconnects)}")
        if self._lost:
            parts.append(self._lost)
        elif self._watching.silence > _SILENT:
            parts.append(f"nothing has come for {self._watching.silence:.0f} s")
        return ", ".join(parts)


def describe(summary: LiveSummary) -> list[str]:
    """A summary in words, a line each."""
    parts = [
        f"{show(summary.source)}: {tenths(summary.seconds)} watched",
        f"{summary.frames:,} frames scored",
        f"{summary.dropped:,} dropped" + (", as the net is slower" if summary.dropped else ""),
    ]
    if summary.damaged:
        parts.append(f"{summary.damaged:,} damaged")
    if summary.reconnects:
        parts.append(f"opened again {_times(summary.reconnects)}")
    lines = [", ".join(parts)]
    if summary.latency is not None:
        assert summary.latency_95 is not None
        assert summary.longest_latency is not None
        lines.append(
            f"from frame to score: {_milliseconds(summary.latency)} in the median, 95 % within"
            f" {_milliseconds(summary.latency_95)}, {_milliseconds(summary.longest_latency)} at"
            " most"
        )
    return lines


def _guess(guess: Guess) -> str:
    return f"{show(guess.name)}  {guess.probability:.1%}"


def _lost(reason: str, again_in: float) -> str:
    return f"lost: {show(reason)}; opened again in {again_in:g} s"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
