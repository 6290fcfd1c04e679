"""What all plots have in common: how they look, how they are lettered, and how they are written.

matplotlib draws them, and is imported only when a plot is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lrcn_data.errors import LrcnError
from lrcn_data.fonts import Fonts, Typeface
from lrcn_data.storage.atomic_file import atomic_file

BLUE, RED, GREEN, INK, FAINT = "#2f6db5", "#c8452f", "#3c8d5a", "#1c1c1a", "#77756f"
"""The colours of what has no class."""

_PIXELS_AN_INCH = 100

_STYLE: Any = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "white",
    "grid.color": "#e6e4de",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


class Plot:
    """A picture of one plot or several; it is drawn while this is used as a context manager.

    Args:
        width: The width in inches, of 100 pixels each.
        height: The height in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """

    def __init__(self, width: float, height: float) -> None:
        import matplotlib

        self._size = width, height
        self._styled = matplotlib.rc_context(_STYLE)
        self._fonts = Fonts()

    def __enter__(self) -> Self:
        from matplotlib.figure import Figure

        self._styled.__enter__()
        self._figure = Figure(figsize=self._size, dpi=_PIXELS_AN_INCH, layout="constrained")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._styled.__exit__(kind, error, traceback)

    def add(self, rows: int = 1, columns: int = 1, number: int = 1) -> Any:
        """Add a plot, whose matplotlib `Axes` is returned.

        Args:
            rows: The rows of plots in the picture.
            columns: The columns.
            number: The place of this one, from 1, row by row.
        """
        return self._figure.add_subplot(rows, columns, number)

    def lettering(self, names: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
        """Names from outside as they can be drawn, in any script.

        Returns:
            The names, with the codes of letters that no font has, and the arguments that
            matplotlib's texts need for them.
        """
        letters = [self._fonts.letters(name) for name in names]
        typefaces = (piece.typeface for name in letters for piece in self._fonts.pieces(name))
        look = {"fontfamily": _families(typefaces), "parse_math": False}
        return ["".join(name) for name in letters], look

    def write(self, path: Path) -> str | None:
        """Write the picture as a PNG, whole or not at all.

        Returns:
            A sentence about letters that no font has, and what helps; None where all could be
            written.

        Raises:
            LrcnError: The file can't be written.
        """
        try:
            with atomic_file(path) as file:
                self._figure.savefig(file, format="png", dpi=_PIXELS_AN_INCH)
        except OSError as error:
            raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
        return self._fonts.remedy()


def shortened(name: str, most: int = 40) -> str:
    """A name of at most so many letters, of which the beginning and the end are kept."""
    if len(name) <= most:
        return name
    head = most // 2
    return f"{name[:head]}…{name[len(name) - (most - head - 1) :]}"


def percent(axis: Any) -> None:
    """Label an axis of fractions in percent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def _families(typefaces: Iterable[Typeface]) -> list[str]:
    """Make fonts known to matplotlib, and name them after its own, which comes first."""
    from matplotlib.font_manager import FontProperties, fontManager

    families = dict.fromkeys(["DejaVu Sans"])
    for typeface in dict.fromkeys(typefaces):
        # that of Pillow has nothing that matplotlib's own lacks
        if typeface.path is not None:
            fontManager.addfont(typeface.path)
            families[FontProperties(fname=typeface.path).get_name()] = None
    return list(families)
