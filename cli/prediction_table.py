"""The table of `lrcn-predict`, whose rows appear as videos are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .predict_progress import clock

if TYPE_CHECKING:
    from rich.table import Table

    from lrcn_model.predicting.prediction import Prediction

_JOINED = {"└┌": "├", "┘┐": "┤", "┴┬": "┼", "┴─": "┴", "─┬": "┬"}
"""What stands between two videos, by the lower border of one and the upper border of the next;
else one of both."""

_TIME, _PROBABILITY = 9, 11
"""The widths of columns with times and with probabilities."""

_BORDERS = 3
"""What a column takes beside its text."""

_LEAST = 12
"""How wide the column of videos is at least where names are longer."""


class PredictionTable:
    """Makes the lines of a table, a video at a time.

    Args:
        videos: The paths of all videos, which decide how wide their column is.
        classes: The class names.
        timeline: Whether a video's rows are its segments, instead of its likeliest classes.
    """

    def __init__(self, videos: Sequence[str], classes: Sequence[str], *, timeline: bool) -> None:
        from rich.cells import cell_len

        from .fitted_table import new_console

        self._console = new_console()
        self._class = max(map(cell_len, (*classes, "class")))
        columns = [self._class, _PROBABILITY, *([_TIME, _TIME] if timeline else [])]
        room = self._console.width - sum(columns) - _BORDERS * (len(columns) + 1) - 1
        longest = max(map(cell_len, (*videos, "video")))
        self._across_all = sum(columns) + _BORDERS * (len(columns) - 1)
        self._video = min(longest, max(room, _LEAST))
        self._fits = room >= min(longest, _LEAST)
        self._timeline = timeline
        self._last = ""

    def lines(self, prediction: Prediction) -> Iterator[str]:
        """The lines of a video, those above the first one included."""
        from rich.markup import escape

        if not self._fits:
            yield from self._plain_lines(prediction)
            return

        if not self._last:
            *names, _ = self._captured(self._empty(header=True))
            yield from names
        table = self._empty(header=False) if prediction.error is None else self._across()
        name = escape(prediction.video)
        for row in self._rows(prediction):
            table.add_row(name, *row)
            name = ""
        upper, *shown, lower = self._captured(table)
        if self._last:
            both = zip(self._last, upper, strict=True)
            yield "".join(_JOINED.get(above + below, max(above, below)) for above, below in both)
        # the lower border stands below the last video only
        self._last = lower
        yield from shown

    def end(self) -> Iterator[str]:
        """The lines below the last video."""
        if self._last:
            yield self._last

    def _plain_lines(self, prediction: Prediction) -> Iterator[str]:
        """The same without columns, for terminals that are too narrow for them."""
        from rich.text import Text

        yield prediction.video
        for row in self._rows(prediction):
            yield "  " + "  ".join(Text.from_markup(cell).plain for cell in row if cell)

    def _empty(self, *, header: bool) -> Table:
        from rich.table import Table

        table = Table(show_header=header)
        table.add_column("video", width=self._video, overflow="fold")
        if self._timeline:
            table.add_column("from", width=_TIME, justify="right")
            table.add_column("to", width=_TIME, justify="right")
        table.add_column("class", width=self._class, overflow="fold")
        table.add_column("probability", width=_PROBABILITY, justify="right")
        return table

    def _across(self) -> Table:
        """A table whose second column is as wide as all but the first of the others."""
        from rich.table import Table

        table = Table(show_header=False)
        table.add_column(width=self._video, overflow="fold")
        table.add_column(width=self._across_all, overflow="fold")
        return table

    def _captured(self, table: Table) -> list[str]:
        with self._console.capture() as captured:
            self._console.print(table)
        return captured.get().splitlines()

    def _rows(self, prediction: Prediction) -> Iterator[tuple[str, ...]]:
        from rich.markup import escape

        times = ("", "") if self._timeline else ()
        if prediction.error is not None:
            yield (f"[red]{escape(prediction.error)}[/]",)
        elif self._timeline:
            for segment in prediction.segments:
                ends = (tenths(segment.start), tenths(segment.end))
                yield (*ends, escape(segment.name), f"{segment.score:.1%}")
            if not prediction.segments:
                yield (*times, "[bold]none[/]", "")
        else:
            if prediction.class_name is None:
                yield ("[bold]none[/]", "")
            for guess in prediction.guesses:
                yield (escape(guess.name), f"{guess.probability:.1%}")


def tenths(seconds: float) -> str:
    """A time to a tenth of a second, such as 1:02:03.4."""
    whole, tenth = divmod(round(seconds * 10), 10)
    return f"{clock(whole)}.{tenth}"
