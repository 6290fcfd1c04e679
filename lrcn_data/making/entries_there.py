"""Which entries of lists a data set has already, and which run has added them.

What an append adds is written down in a file of its own. What the first run has added is all else
that the lists of a finished data set name; where they may name new videos too, the records of its
shards tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import added_entries
from lrcn_data.format.json_text import dump_json_line
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.sources import source_number
from lrcn_data.format.split_index import SplitIndex
from lrcn_data.lists.entry import Entry
from lrcn_data.printable import first_few, show
from lrcn_data.splits import SPLITS

_SHOWN = 3

Place = tuple[str, str]
"""The split of an entry, and the path of its video in the list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntriesThere:
    """The entries of lists, divided by the run that has added them to a data set.

    Attributes:
        by_run: Those of the first run, and of each append.
        new: Those that the data set doesn't have.
    """

    by_run: list[list[Entry]]
    new: list[Entry]


def find_entries(
    entries: Sequence[Entry], manifest: Manifest, folder: DataSetFolder, *, may_be_new: bool
) -> EntriesThere:
    """Divide the entries of lists by the run that has added them.

    Args:
        entries: The entries of all lists.
        manifest: The data set's manifest.
        folder: The data set's folder.
        may_be_new: Whether the lists may have entries that the data set doesn't have.

    Raises:
        LrcnError: Entries of the data set stand in no list any more, or a file that tells of them
            is lost.
    """
    run_of: dict[Place, int] = {}
    if may_be_new:
        run_of = dict.fromkeys(_recorded(manifest, folder), 0)
    for number in range(len(manifest.appends)):
        run_of |= dict.fromkeys(_added(number, folder), number + 1)
    found = EntriesThere(by_run=[[] for _ in range(len(manifest.appends) + 1)], new=[])
    listed = set()
    for entry in entries:
        place = (entry.split, entry.path)
        listed.add(place)
        run = run_of.get(place, None if may_be_new else 0)
        (found.new if run is None else found.by_run[run]).append(entry)
    vanished = [place for place in run_of if place not in listed]
    if vanished:
        raise _vanished(vanished, {entry.split for entry in entries}, folder)
    return found


def write_added(number: int, entries: Iterable[Entry], folder: DataSetFolder) -> None:
    """Write down which entries an append adds.

    Args:
        number: The number of the append, counted from 0.
        entries: The entries.
        folder: The folder to write into.

    Raises:
        OSError: The file can't be written.
    """
    places = sorted((SPLITS.index(entry.split), entry.path) for entry in entries)
    lines = [dump_json_line({"split": SPLITS[split], "path": path}) for split, path in places]
    folder.write(added_entries(number), b"".join(lines))


def _added(number: int, folder: DataSetFolder) -> list[Place]:
    """The entries that an append has added."""
    name = added_entries(number)
    try:
        lines = [json.loads(line) for line in folder.read(name).splitlines()]
        return [(str(line["split"]), str(line["path"])) for line in lines]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise LrcnError(
            f"{folder.at(name)}, which says what an append has added, can't be read ({error});"
            " copy it again from where the data set was made"
        ) from error


def _recorded(manifest: Manifest, folder: DataSetFolder) -> list[Place]:
    """The entries that the first run has added, by the records of its shards."""
    places = []
    for name, fingerprint in manifest.fingerprint_of().items():
        if fingerprint != manifest.fingerprint:
            continue
        try:
            record = folder.read_record(name)
        except ShardError:
            record = None
        if record is None or record.fingerprint != fingerprint:
            raise LrcnError(
                f"{folder} has no record of {name} in .meta, which says what is in it; copy .meta"
                " too, or make the shard again with the same command without --append, and with the"
                " lists of before"
            )
        paths = [source.path for source in record.sources]
        paths += [line.path for line in record.rejected]
        places += [(record.entry.split, path) for path in dict.fromkeys(paths)]
    return places


def _vanished(places: Sequence[Place], given: Iterable[str], folder: DataSetFolder) -> LrcnError:
    lost = sorted({split for split, _ in places}, key=SPLITS.index)
    without = [split for split in lost if split not in given]
    if without:
        return LrcnError(
            f"{folder} has a {without[0]} split, and no list of it is given; name it with"
            f" --{without[0]} FILE: lists have the old lines as well as the new ones"
        )
    names = first_few([f"{show(path)} of {split}" for split, path in places], _SHOWN)
    return LrcnError(
        f"{folder} has videos that stand in no list any more: {names}; put their lines back, or"
        " make the data set anew with another --out: its shards are never changed"
    )


def changed_labels(
    entries: Iterable[Entry], classes: Sequence[str], manifest: Manifest, folder: DataSetFolder
) -> list[str]:
    """Say of videos that had another label when their clips were made which one they had.

    Of videos that gave no clip that isn't known, nor where labels are in time.

    Args:
        entries: The entries of the data set, by the lists.
        classes: The class names by class number.
        manifest: The data set's manifest.
        folder: The data set's folder.

    Returns:
        A phrase for each such video.
    """
    labels = {} if manifest.labels_in_time else _labels(manifest, folder)
    found = []
    for entry in entries:
        before = labels.get((entry.split, entry.path), entry.classes)
        if before != entry.classes:
            found.append(
                f"{show(entry.path)} of {entry.split} was {_names(before, classes)}, is"
                f" {_names(entry.classes, classes)}"
            )
    return found


def _names(numbers: Iterable[int], classes: Sequence[str]) -> str:
    return ",".join(show(classes[number]) for number in numbers) or "none of the classes"


def _labels(manifest: Manifest, folder: DataSetFolder) -> Mapping[Place, tuple[int, ...]]:
    """The classes of each video that gave clips, as far as they can be found out."""
    labels: dict[Place, tuple[int, ...]] = {}
    for split in SPLITS:
        try:
            indices = SplitIndex(folder, split, manifest.index_form).shards(
                manifest.of_split(split)
            )
            of_source = {
                number: tuple(index.classes_at(position))
                for index in indices
                for position, number in enumerate(index.source.tolist())
            }
            for name, _ in manifest.made_by(split):
                record = folder.read_record(name)
                for source in record.sources if record else ():
                    number = source_number(source.sha256)
                    if number in of_source:
                        labels[split, source.path] = of_source[number]
        except ShardError:
            continue
    return labels
