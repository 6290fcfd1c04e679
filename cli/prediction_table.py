"""The table of `lrcn-predict`, whose rows appear as videos are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .predict_progress import clock

if TYPE_CHECKING:
    from rich.table import Table

    from lrcn_model.predicting.prediction import Prediction

_BORDER = str.maketrans("┌┬┐", "├┼┤")

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

        table = self._empty(header=not self._last)
        name = escape(prediction.video)
        for row in self._rows(prediction):
            table.add_row(name, *row)
            name = ""
        with self._console.capture() as captured:
            self._console.print(table)
        lines = captured.get().splitlines()
        if self._last:
            lines[0] = lines[0].translate(_BORDER)
        # the lower border stands below the last video only
        *shown, self._last = lines
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

    def _rows(self, prediction: Prediction) -> Iterator[tuple[str, ...]]:
        from rich.markup import escape

        times = ("", "") if self._timeline else ()
        if prediction.error is not None:
            yield (*times, f"[red]{escape(prediction.error)}[/]", "")
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
