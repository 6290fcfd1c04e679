"""From lists of videos to a data set, by values as `lrcn-data shard` has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import REJECTED
from lrcn_data.format.frame_classes import MOST_CLASSES
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.format.shard_writer import DEFAULT_SHARD_BYTES
from lrcn_data.lists.problems import ListFile, located
from lrcn_data.lists.read_lists import Lists, read_lists
from lrcn_data.making.estimate import Estimate, estimate
from lrcn_data.making.executors import LOCAL
from lrcn_data.making.part import read_part
from lrcn_data.making.run import RunResult, write_data_set
from lrcn_data.making.run_options import RunOptions
from lrcn_data.making.run_plan import RunPlan, manifest_to_append_to, plan_run, read_manifest
from lrcn_data.making.shard_job import VideoReport
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.one_class import refuse_one_class
from lrcn_data.sampling.clip_options import ClipValues, clip_options
from lrcn_data.sampling.samplings import name_of
from lrcn_data.size import Size
from lrcn_data.splits import SPLITS
from lrcn_data.storage import locations

AnyPath = str | os.PathLike[str]

_LIST_ENDINGS = (".txt", ".csv")

_SPARSE = ("blocks", "center")
"""The samplings that take few of a long video's frames."""

_CLASS_FILES = ("classes.txt", "classInd.txt")


class ShardValues(ClipValues, total=False):
    """The values by which a data set is made; see `ClipValues` for those of the clips.

    Attributes:
        train: The list of training videos. Where no list is named, those of train.txt, val.txt and
            test.txt that are in the current folder are taken.
        val: The list of validation videos.
        test: The list of test videos.
        classes: The file with the class names; None for the classes.txt or classInd.txt beside the
            lists, if there is one.
        root: The folder or URL that the paths in the lists are relative to; the current folder by
            default.
        label_base: The number that the lists give to the first class, 0 or 1; None to find it out.
        multi_label: Whether a video has a set of classes: a line of a list names several, separated
            by commas, and a video may stand in several lines.
        allow_leakage: Whether a video, or videos of one recording, may be in two splits.
        allow_one_class: Whether all videos may be of a single class.
        check_content: Whether lists are refused that name two files of the same content.
        size: The (width, height) of the stored frames in pixels; None for each video's own.
        mean_size: The (width, height) in pixels on which frames are summed up for the mean image;
            None for `size`, or for 320x240.
        quality: The JPEG quality from 1 to 100; 90 by default.
        frame_kind: What is stored of each frame: "rgb" by default, or "package.module:Class".
        videos_per_shard: The largest number of videos in a shard; None for a hundredth of the
            split, from 8 to 1,000.
        shard_bytes: The size of a tar in bytes; 256 MiB by default.
        workers: The number of processes that make shards: None for the cores allowed, or for as
            many as the executor finds room for, 0 for none but this one.
        executor: What has the shards made: "local" by default, "slurm", "ray", "ray:ADDRESS", or
            "package.module:name".
        max_bad_fraction: The share of the videos that may fail; 0.1 by default.
        retry_failed: Whether videos that failed before are tried again.
        append: Whether the videos that stand in the lists and not yet in the data set are added to
            it, in new shards; the lists have the old lines too.
        overwrite: Whether a data set of other values or lists is replaced; with `append`, only an
            append of other lists that isn't finished.
        part: The part of the shards that is made, as "I/N", beside jobs that make the others; by
            default all are.
        finish: Whether only the files of the whole are written, of shards that parts have made.
    """

    train: AnyPath | None
    val: AnyPath | None
    test: AnyPath | None
    classes: AnyPath | None
    root: AnyPath
    label_base: int | None
    multi_label: bool
    allow_leakage: bool
    allow_one_class: bool
    check_content: bool
    size: Size | None
    mean_size: Size | None
    quality: int
    frame_kind: str
    videos_per_shard: int | None
    shard_bytes: int
    workers: int | None
    executor: str
    max_bad_fraction: float
    retry_failed: bool
    append: bool
    overwrite: bool
    part: str | None
    finish: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardMaking:
    """A data set that can be made: its lists are read, and all values are sound.

    Attributes:
        folder: The data set's folder.
        root: The folder or URL that the paths in the lists are relative to.
        lists: The lists of videos.
        options: The options that decide the data set's bytes.
        run: How the run goes about its work.
    """

    folder: DataSetFolder
    root: str
    lists: Lists
    options: ShardOptions
    run: RunOptions

    @property
    def warnings(self) -> list[str]:
        """What is unusual about the lists, or unwise for them, but allowed, each as a sentence."""
        clip = self.options.clip
        sampling = name_of(clip.sampling)
        if not self.options.labels_in_time or sampling not in _SPARSE:
            return self.lists.warnings
        return [
            *self.lists.warnings,
            f"--sampling {sampling} takes few of a video's frames, so most of the labels in time go"
            f" unused; --sampling windows --stride {clip.seq_len} takes all frames",
        ]

    def plan(self) -> RunPlan:
        """Compare what is wanted with what the folder holds, without changing anything.

        Raises:
            LrcnError: The folder holds another data set.
        """
        return plan_run(self.lists, self.options, self.run, self.folder)

    def estimate(self, plan: RunPlan) -> Estimate:
        """Estimate, from a few of the videos, what it takes to write the shards that are left."""
        return estimate(plan.left, self.options, self.root)

    def write(
        self,
        *,
        on_start: Callable[[int, int], None] = lambda videos, left: None,
        on_video: Callable[[VideoReport], None] = lambda report: None,
    ) -> RunResult:
        """Write all shards that are not there yet, then the files of the whole data set.

        Args:
            on_start: Called once with the number of videos in all shards, and with the number that
                is still to be read.
            on_video: Called with the report of every video that is read.

        Raises:
            LrcnError: The folder holds another data set, another run is writing there, a split got
                no clip, or a video's file is in two splits.
        """
        return write_data_set(
            self.lists,
            self.options,
            self.run,
            root=self.root,
            folder=self.folder,
            on_start=on_start,
            on_video=on_video,
        )

    def refuse_many_failures(self, result: RunResult) -> None:
        """Refuse a result in which more videos failed than may.

        Raises:
            LrcnError: There are that many.
        """
        most = self.run.max_bad_fraction
        if result.bad_fraction > most:
            of = f"{result.appended} new" if result.appended else str(result.videos)
            raise LrcnError(
                f"{result.bad} of {of} videos failed"
                f" ({result.bad_fraction:.1%}), above --max-bad-fraction {most:g};"
                f" {self.folder.at(REJECTED)} says why; all shards were kept"
            )


def make_shards(
    out: AnyPath = "shards",
    *,
    on_video: Callable[[VideoReport], None] = lambda report: None,
    **values: Unpack[ShardValues],
) -> RunResult:
    """Make a data set: sample clips from the videos of lists, and write them as shards.

    If a run was stopped, the same call goes on from there. `prepare_shards` does it step by step.

    Args:
        out: The folder or URL to write the data set into.
        on_video: Called with the report of every video that is read.
        **values: What is given of `ShardValues`: `train="train.txt", fps=5` and so on.

    Returns:
        What the run came to.

    Raises:
        UsageError: A value is out of its range, or a list can't be meant as it is.
        LrcnError: The folder holds another data set, another run is writing there, a split got no
            clip, a video's file is in two splits, or too many videos failed.
    """
    making = prepare_shards(out, **values)
    result = making.write(on_video=on_video)
    making.refuse_many_failures(result)
    return result


def prepare_shards(out: AnyPath = "shards", **values: Unpack[ShardValues]) -> ShardMaking:
    """Read the lists of a data set and check all values, before anything is written.

    Args:
        out: The folder or URL to write the data set into.
        **values: What is given of `ShardValues`.

    Raises:
        UsageError: A value is out of its range, or a list can't be meant as it is.
    """
    return _prepare(DataSetFolder(out), **values)


def _prepare(
    folder: DataSetFolder,
    *,
    train: AnyPath | None = None,
    val: AnyPath | None = None,
    test: AnyPath | None = None,
    classes: AnyPath | None = None,
    root: AnyPath = ".",
    label_base: int | None = None,
    multi_label: bool = False,
    allow_leakage: bool = False,
    allow_one_class: bool = False,
    check_content: bool = False,
    size: Size | None = None,
    mean_size: Size | None = None,
    quality: int = 90,
    frame_kind: str = RGB_FRAMES,
    videos_per_shard: int | None = None,
    shard_bytes: int = DEFAULT_SHARD_BYTES,
    workers: int | None = None,
    executor: str = LOCAL,
    max_bad_fraction: float = 0.1,
    retry_failed: bool = False,
    append: bool = False,
    overwrite: bool = False,
    part: str | None = None,
    finish: bool = False,
    **clip: Any,
) -> ShardMaking:
    # bad values are told before bad lists; lists decide what some are by default
    options = ShardOptions(
        clip=clip_options(**clip),
        size=size,
        mean_size=mean_size,
        quality=quality,
        frame_kind=frame_kind,
        videos_per_shard=videos_per_shard,
        shard_bytes=shard_bytes,
        multi_label=multi_label,
    )
    run = RunOptions(
        executor=executor,
        workers=workers,
        max_bad_fraction=max_bad_fraction,
        retry_failed=retry_failed,
        append=append,
        overwrite=overwrite,
        allow_leakage=allow_leakage,
        part=None if part is None else read_part(part),
        finish=finish,
    )
    paths = _list_paths({"train": train, "val": val, "test": test})
    at = locations.normal_location(root)
    lists = read_lists(
        paths,
        root=at,
        classes=located(classes) if classes else _class_file(paths.values()),
        label_base=label_base,
        classes_before=_classes_before(folder, run),
        multi_label=multi_label,
        pictures=options.clip.decode.picture_rate is not None,
        allow_leakage=allow_leakage,
        check_content=check_content,
    )
    # of videos without any class as well, a single one is a question
    has_none = multi_label and any(not entry.classes for entry in lists.entries)
    refuse_one_class(
        lists.classes,
        source=" and ".join(map(str, paths.values())),
        allowed=allow_one_class or has_none,
    )
    in_time = any(entry.times is not None for entry in lists.entries)
    if in_time and len(lists.classes) > MOST_CLASSES:
        raise UsageError(
            f"the lists have {len(lists.classes):,} classes, and with labels in time there may be"
            f" {MOST_CLASSES:,}; join some of them"
        )
    if in_time:
        in_time_clip = clip_options(**clip, in_time=True)
        options = replace(options, clip=in_time_clip, labels_in_time=True)
    return ShardMaking(folder=folder, root=at, lists=lists, options=options, run=run)


def _classes_before(folder: DataSetFolder, run: RunOptions) -> list[str]:
    """The class names whose numbers lists can't change, as samples have them already."""
    if run.append:
        return manifest_to_append_to(folder).classes
    manifest = None if run.overwrite else read_manifest(folder)
    return manifest.classes if manifest and manifest.appends else []


def _list_paths(given: Mapping[str, AnyPath | None]) -> dict[str, ListFile]:
    paths = {split: located(path) for split, path in given.items() if path is not None}
    if paths:
        return paths
    here: dict[str, dict[str, ListFile]] = {
        ending: {split: path for split in SPLITS if (path := Path(split + ending)).exists()}
        for ending in _LIST_ENDINGS
    }
    found = [lists for lists in here.values() if lists]
    if len(found) > 1:
        names = " and ".join(str(next(iter(lists.values()))) for lists in found)
        raise UsageError(f"there are lists of two kinds here, such as {names}; name them (--train)")
    if not found:
        raise UsageError(
            "no list of videos: there is no train.txt, val.txt or test.txt here, and none that ends"
            " in .csv; make them with `lrcn-data lists FOLDER`, or name one with --train FILE"
        )
    return found[0]


def _class_file(lists: Iterable[ListFile]) -> ListFile | None:
    """The class file beside the lists, or None if there is none or they lie in several folders."""
    folders = {locations.split_location(os.fspath(path))[0] for path in lists}
    if len(folders) > 1:
        return None
    [folder] = folders
    there = {name for name in locations.list_names(folder) if name in _CLASS_FILES}
    return next((located(locations.join(folder, n)) for n in _CLASS_FILES if n in there), None)
