"""The frames of clips that were scored, read from their shards, one sample at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.pictures import as_rgb
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.storage.locations import is_url
from lrcn_model.reporting.shown_clip import (
    MOST_PICTURES,
    ClipPlace,
    SegmentPlace,
    ShownClip,
    spread,
)
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.evaluation import ScoredShard


class ClipFrames(NamedTuple):
    """The frames of a clip.

    Attributes:
        pictures: Those that are shown, in mode RGB.
        times: When each of all its frames is shown, in seconds.
    """

    pictures: list[Image.Image]
    times: list[float]


class FrameReader:
    """Reads the frames of clips that were scored.

    Args:
        data_set: The shards that were scored.
    """

    def __init__(self, data_set: DataSet) -> None:
        self.data_set = data_set

    def read(self, clip: ShownClip) -> ClipFrames:
        """Read the frames of a clip that are shown, of a long one those that are evenly spread.

        Raises:
            ShardError: A shard has changed or is damaged, or has no such clip.
        """
        numbers = spread(len(clip.labels_T), MOST_PICTURES)
        if isinstance(clip.place, ClipPlace):
            return self._of_sample(clip.place, numbers)
        times = [] if clip.times_T is None else clip.times_T.tolist()
        return ClipFrames(self._of_windows(clip.place, numbers), times)

    def _of_sample(self, place: ClipPlace, numbers: Sequence[int]) -> ClipFrames:
        sample = self.data_set.read_sample(place.number)
        if sample.record.key != place.key:
            raise ShardError(f"{sample} lies where {place.key} was scored; evaluate the run again")
        pictures = _decoded(sample, [place.frames[number] for number in numbers])
        times = sample.record.frame_times
        return ClipFrames(pictures, [times[number] for number in place.frames])

    def _of_windows(self, place: SegmentPlace, numbers: Sequence[int]) -> list[Image.Image]:
        """The pictures of frames that lie in any windows of their video."""
        wanted = {place.positions[number] for number in numbers}
        found: dict[int, Image.Image] = {}
        starts = self.data_set.positions
        if starts is None:
            raise ShardError("the shards have no labels in time; evaluate the run again")
        near = self.data_set.sources == place.source
        near &= starts <= max(wanted)
        near &= starts > min(wanted) - self.data_set.seq_len
        for number in np.flatnonzero(near).tolist():
            behind = int(starts[number]) + int(self.data_set.num_valid[number])
            here = sorted(p for p in wanted - found.keys() if starts[number] <= p < behind)
            if not here:
                continue
            sample = self.data_set.read_sample(number)
            if sample.record.video == place.video:
                pictures = _decoded(sample, [position - int(starts[number]) for position in here])
                found |= zip(here, pictures, strict=True)
        if found.keys() != wanted:
            raise ShardError(f"{place.video} has other frames than were scored; evaluate again")
        return [found[place.positions[number]] for number in numbers]


def open_scored(
    shards: Sequence[ScoredShard],
    folder: RunFolder,
    record: Mapping[str, Any],
    plugins: Collection[str],
) -> FrameReader:
    """Open the shards that were scored.

    Args:
        shards: The shards.
        folder: The run's folder.
        record: What the .json of the evaluation says.
        plugins: Names of the plug-ins that may be imported, in case one has made the frames.

    Raises:
        LrcnError: A shard is not there any more, or is another one now.
    """
    base = _scored_in(folder, record)
    files = [shard.file for shard in shards]
    if base is not None and not all(is_url(file) or Path(file).exists() for file in files):
        files = [file if is_url(file) else str(base / file) for file in files]
    data_set = open_data_set(files, plugins=plugins)
    if [shard.entry.sha256 for shard in data_set.shards] != [shard.sha256 for shard in shards]:
        raise LrcnError(
            f"{files[0]} or another shard has changed since it was scored; evaluate the run again"
        )
    return FrameReader(data_set)


def _scored_in(folder: RunFolder, record: Mapping[str, Any]) -> Path | None:
    """The folder that the run was evaluated in, to which paths in the record are relative.

    It is told by the run's path, then and now; None where that doesn't tell.
    """
    then = Path(str(record.get("run", ""))).parts
    now = folder.path.absolute().parts
    if then and now[-len(then) :] == then:
        return Path(*now[: -len(then)])
    return None


def _decoded(sample: Sample, numbers: Sequence[int]) -> list[Image.Image]:
    buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
    frames = decode_frames(sample, buffer)
    return [Image.fromarray(as_rgb(frames[number])) for number in numbers]
