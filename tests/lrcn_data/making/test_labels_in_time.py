"""Data sets of videos with labels in time: each frame has the class that it has at its own time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.records import LabelFinding, SampleRecord
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.format.shard_writer import DEFAULT_SHARD_BYTES
from lrcn_data.inspecting.verify import verify
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.read_lists import Lists
from lrcn_data.lists.time_labels import Segment, TimeLabels, Unit
from lrcn_data.making.label_findings import LabelSummary
from lrcn_data.making.make_shards import ShardMaking
from lrcn_data.making.run import RunResult, write_data_set
from lrcn_data.making.run_options import RunOptions
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.clip_options import clip_options
from tests.lrcn_data.making.append_videos import VIDEOS

CLASSES = ["walk", "sit"]
SEQ_LEN = 3


def entry(
    path: str, *segments: tuple[float, float, int], unit: Unit = "seconds", fps: float | None = None
) -> Entry:
    times = TimeLabels(tuple(Segment(*one) for one in segments), unit, fps)
    return Entry(path, times.longest, "train", 1, times)


def shard(
    root: Path,
    entries: Sequence[Entry],
    *,
    append: bool = False,
    retry: bool = False,
    shard_bytes: int = DEFAULT_SHARD_BYTES,
    **clip: Any,
) -> RunResult:
    """Make shards of videos of 10 frames a second, of which 5 a second are taken."""
    values = {"seq_len": SEQ_LEN, "sampling": "windows", "stride": SEQ_LEN, "short": "pad"}
    return write_data_set(
        Lists(classes=CLASSES, entries=list(entries), warnings=[]),
        ShardOptions(
            clip=clip_options(**(values | clip)), shard_bytes=shard_bytes, labels_in_time=True
        ),
        RunOptions(workers=0, append=append, retry_failed=retry, max_bad_fraction=1.0),
        root=root,
        folder=DataSetFolder(root / "shards"),
        on_start=lambda videos, left: None,
        on_video=lambda report: None,
    )


def records(root: Path) -> dict[str, list[SampleRecord]]:
    """The records of the samples of each video, in their order."""
    data_set = open_data_set(root / "shards")
    found: dict[str, list[SampleRecord]] = {}
    for number in range(len(data_set)):
        record = data_set.read_sample(number).record
        found.setdefault(record.video, []).append(record)
    return found


@pytest.fixture
def root(files: Path, tmp_path: Path) -> Path:
    for folder in files.iterdir():
        if folder.name.startswith("class"):
            (tmp_path / folder.name).symlink_to(folder)
    return tmp_path


@pytest.mark.parametrize("unit", ["seconds", "frames"])
def test_a_frame_has_the_class_of_its_own_time_or_number(root: Path, unit: Unit) -> None:
    # 19 frames at 10 a second
    name, scale = VIDEOS[9], 1 if unit == "seconds" else 10
    segments = [(0.2 * scale, 0.7 * scale, 0), (1.1 * scale, 9 * scale, 1)]
    shard(root, [entry(name, *segments, unit=unit), entry(VIDEOS[0], (0, 100, 1), unit=unit)])
    checked = 0
    for record in records(root)[name]:
        for time, label in zip(record.frame_times, record.labels, strict=True):
            assert label == (0 if 0.2 <= time < 0.7 else 1 if time >= 1.1 else -1)
            checked += 1
    assert checked == 12
    assert list(verify(root / "shards", inputs=root)) == []
    manifest = DataSetFolder(root / "shards").read_manifest()
    assert manifest is not None
    assert manifest.requires == ["labels-in-time"]
    assert manifest.options["labels_in_time"] is True


def test_a_clip_has_the_class_of_most_of_its_frames_and_unlabelled_ones_are_stored(
    root: Path,
) -> None:
    # frames of VIDEOS[8], 18 in all, are taken at 0, 0.2 ... 1.6 s
    shard(root, [entry(VIDEOS[8], (0.3, 0.5, 1)), entry(VIDEOS[0], (0, 1, 0))])
    found = [(one.label, one.class_name, one.clip) for one in records(root)[VIDEOS[8]]]
    assert found == [(1, "sit", 0), (-1, "", 1), (-1, "", 2)]
    assert (root / "shards/README.md").read_text().count("Labels are in time") == 1


def test_windows_cover_a_video_from_its_first_to_its_last_frame(root: Path) -> None:
    shard(root, [entry(name, (0, 9, 0)) for name in VIDEOS[:9]])
    data_set = open_data_set(root / "shards")
    assert data_set.positions is not None
    assert data_set.clip_numbers is not None
    ordered = [data_set.read_sample(number).record for number in range(len(data_set))]
    starts = [number for number, clip in enumerate(data_set.clip_numbers) if clip == 0]
    assert [ordered[start].video for start in starts] == list(
        dict.fromkeys(r.video for r in ordered)
    )
    for start, end in zip(starts, [*starts[1:], len(ordered)], strict=True):
        # VIDEOS[n] has 10 + n frames at 10 a second
        length = (11 + VIDEOS.index(ordered[start].video)) // 2
        positions = data_set.positions[start:end].tolist()
        assert positions[0] == 0
        assert positions == sorted(positions)
        covered = {position + frame for position in positions for frame in range(SEQ_LEN)}
        assert covered == set(range(length))


def test_a_video_shorter_than_a_clip_is_padded_with_frames_of_no_class(root: Path) -> None:
    shard(root, [entry("class0/short.mp4", (0, 9, 1)), entry(VIDEOS[0], (0, 9, 0))])
    (record,) = records(root)["class0/short.mp4"]
    assert (record.num_valid, record.labels, record.position) == (2, [1, 1, -1], 0)


def test_what_is_unusual_is_counted_and_kept(root: Path) -> None:
    # VIDEOS[n] has 10 + n frames at 10 a second
    entries = [
        entry(VIDEOS[0], (0, 1.04, 0)),  # by less than half a frame
        entry(VIDEOS[1], (0, 1.3, 0), (0.5, 2, 1), (1.1, 3, 0)),
        entry(VIDEOS[2], (0, 13, 0), (12, 14, 1), unit="frames", fps=10.05),
        entry(VIDEOS[3], (3, 4, 1)),
        entry(VIDEOS[4], (0, 1, 1), fps=25),
    ]
    result = shard(root, entries)
    found = result.labels_in_time
    assert found == LabelSummary(
        clipped_segments=3,
        clipped_videos=2,
        beyond_segments=3,
        beyond_videos=3,
        unlabelled_videos=1,
        other_rate_videos=1,
        first_other_rate=LabelFinding(path=VIDEOS[4], fps=25, source_fps=10.0),
    )
    said = "\n".join(found.sentences())
    assert "3 segments of 2 videos end beyond" in said
    assert f"{VIDEOS[4]}: 10 frames a second, 25 by the annotation" in said
    # a run that finds everything done knows of it as well
    assert shard(root, entries).labels_in_time == found
    stored = json.loads((root / "shards/.meta/train-000.json").read_bytes())["labelling"]
    assert {line["path"]: line["beyond"] for line in stored} == {
        VIDEOS[1]: 1,
        VIDEOS[2]: 1,
        VIDEOS[3]: 1,
        VIDEOS[4]: 0,
    }


def test_what_is_unusual_stays_known_where_failed_videos_are_read_again(root: Path) -> None:
    entries = [entry(VIDEOS[1], (0, 5, 0)), entry("class9/later.mp4", (0, 1, 1))]
    before = shard(root, entries)
    assert before.failed == 1
    (root / "class9").mkdir()
    (root / "class9/later.mp4").write_bytes((root / VIDEOS[5]).read_bytes())
    kept = records(root)[VIDEOS[1]]
    after = shard(root, entries, retry=True)
    assert (after.failed, after.videos_done) == (0, 1)
    assert after.labels_in_time == before.labels_in_time
    assert records(root)[VIDEOS[1]] == kept
    assert list(verify(root / "shards")) == []


def test_videos_are_appended(root: Path) -> None:
    entries = [entry(name, (0, 0.5, 0), (0.5, 3, 1)) for name in VIDEOS[:3]]
    shard(root, entries[:2])
    before = records(root)
    result = shard(root, entries, append=True)
    assert result.appended == 1
    after = records(root)
    assert set(after) == set(VIDEOS[:3])
    assert {name: after[name] for name in before} == before
    assert list(verify(root / "shards")) == []


@pytest.mark.parametrize(
    ("sampling", "in_time", "said"),
    [
        ("blocks", True, True),
        ("center", True, True),
        ("windows", True, False),
        ("blocks", False, False),
    ],
)
def test_samplings_that_leave_most_labels_unused_are_warned_about(
    root: Path, sampling: str, in_time: bool, said: bool
) -> None:
    clip = clip_options(sampling=sampling, seq_len=5)
    making = ShardMaking(
        folder=DataSetFolder(root / "shards"),
        root=root,
        lists=Lists(classes=CLASSES, entries=[], warnings=["first"]),
        options=ShardOptions(clip=clip, labels_in_time=in_time),
        run=RunOptions(),
    )
    first, *others = making.warnings
    assert first == "first"
    assert ["--sampling windows --stride 5 takes all frames" in one for one in others] == [
        True
    ] * said


def test_a_video_goes_on_in_the_next_tar_of_its_shard(root: Path) -> None:
    entries = [entry(name, (0, 9, 0)) for name in VIDEOS[6:9]]
    shard(root, entries)
    whole = records(root)
    shutil.rmtree(root / "shards")
    shard(root, entries, shard_bytes=12_000)
    assert records(root) == whole
    data_set = open_data_set(root / "shards")
    assert len(data_set.shards) > 3
    firsts = [index.clip[0] for index in data_set.indices if index.clip is not None]
    assert firsts[0] == 0
    assert any(first > 0 for first in firsts)
    numbers = data_set.clip_numbers
    assert numbers is not None
    assert numbers.tolist() == [n for clips in whole.values() for n in range(len(clips))]
    assert list(verify(root / "shards")) == []


@pytest.mark.parametrize(
    "values",
    [
        {"multi_label": True},
        {"clip": clip_options(salvage=True)},
        {"clip": clip_options(short="loop")},
    ],
)
def test_what_would_label_other_frames_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="leave it out"):
        ShardOptions(**{"clip": clip_options(), **values}, labels_in_time=True)
