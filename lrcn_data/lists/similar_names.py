"""Names that people take for one though their characters differ: by case, or by Unicode form.

macOS writes `ü` as two characters (NFD), other systems as one (NFC); both look the same.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from lrcn_data.printable import show


def composed(name: str) -> str:
    """A name in the Unicode form NFC, which is the same for names that look the same."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """What names have in common that differ only by case or Unicode form."""
    return composed(composed(name).casefold())


def similar_names(names: Iterable[str]) -> list[list[str]]:
    """Find names that differ only by case or Unicode form.

    Returns:
        The names of each group that has several, in the order in which they came.
    """
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for name in names:
        groups[folded(name)][name] = None
    return [list(group) for group in groups.values() if len(group) > 1]


def tell_similar(what: str, names: Sequence[str]) -> str:
    """Say by what names differ, so that one sees it.

    Args:
        what: What the names name, in the plural.
        names: Names that differ only by case or Unicode form.
    """
    by_form = len({composed(name) for name in names}) < len(names)
    shown = [ascii(name) if by_form else show(name) for name in names]
    difference = "Unicode form" if len({composed(name) for name in names}) == 1 else "case"
    if by_form and difference == "case":
        difference = "case and Unicode form"
    return f"{what} {', '.join(shown[:-1])} and {shown[-1]} differ only by {difference}"


def tell_all_similar(classes: Iterable[str], paths: Iterable[str]) -> Iterator[str]:
    """Say which classes and which videos have similar names, each as a sentence.

    Args:
        classes: The names of the classes.
        paths: The paths of the videos.
    """
    for names in similar_names(classes):
        yield tell_similar("the classes", names)
    found = similar_names(paths)
    if found:
        what = "the videos" if len(found) == 1 else f"of {len(found)} sets of videos, such as"
        yield tell_similar(what, found[0])
