"""Data sets whose clips have all frames of their videos, up to a bound (--seq-len max)."""

from __future__ import annotations

import json
import shutil

import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.stats import Lengths, compute_stats
from lrcn_data.sampling.clips import read_clips
from tests.lrcn_data.making.append_videos import FIRST, LATER, VIDEOS, Videos, samples_of

BOUND = 7
LENGTHS = {"class0/short.mp4": 2, **{name: (11 + n) // 2 for n, name in enumerate(VIDEOS)}}
"""How many frames at 5 a second each video of 10 a second has."""


@pytest.fixture
def made(videos: Videos) -> Videos:
    """Videos of 2 to 10 frames, of which a data set has clips of up to 7."""
    videos.values |= {"seq_len": f"max:{BOUND}", "sampling": "center"}
    videos.list(FIRST)
    videos.make("max")
    return videos


def test_a_clip_has_the_frames_of_its_video_up_to_the_bound(made: Videos) -> None:
    found = samples_of(open_data_set(made.root / "max"))
    lengths = {video: len(sample.frames) for (_, video, _), sample in found.items()}
    names = [name for names in FIRST.values() for name in names]
    assert lengths == {name: min(LENGTHS[name], BOUND) for name in names}
    assert made.manifest("max").requires == ["variable-length"]
    assert made.faults("max") == []


def test_the_frames_are_the_real_ones_of_padded_clips(made: Videos) -> None:
    made.make("padded", seq_len=BOUND, short="pad")
    padded = samples_of(open_data_set(made.root / "padded"))
    for what, sample in samples_of(open_data_set(made.root / "max")).items():
        other = padded[what]
        real = other.record.num_valid
        assert sample.record.num_valid == real
        assert sample.frames == other.frames[:real]
        assert sample.record.frame_times == other.record.frame_times[:real]
        assert sample.record.labels == other.record.labels[:real]


@pytest.mark.parametrize("sampling", ["blocks", "windows"])
def test_longer_videos_give_what_the_bound_alone_gives(made: Videos, sampling: str) -> None:
    for name in VIDEOS[8:]:
        path = made.root / name
        [fixed, bounded] = [
            read_clips(path, seq_len=length, sampling=sampling).clips for length in (4, "max:4")
        ]
        assert [clip.frame_times for clip in fixed] == [clip.frame_times for clip in bounded]
        assert all(len(clip.frames) == 4 for clip in bounded)


def test_any_number_of_workers_writes_the_same(made: Videos) -> None:
    made.make("two", workers=2)
    assert made.tree("two") == made.tree("max")


def test_tars_of_a_shard_count_their_own_frames(made: Videos) -> None:
    made.make("parts", shard_bytes=20_000)
    manifest = made.manifest("parts")
    assert manifest.requires == ["parts", "variable-length"]
    assert [shard.frames for shard in manifest.shards] != [
        shard.samples * BOUND for shard in manifest.shards
    ]
    assert made.faults("parts") == []


def test_videos_are_appended_and_tried_again_as_with_one_length(made: Videos) -> None:
    made.list(LATER)
    made.append("max")
    appended = samples_of(open_data_set(made.root / "max"))
    made.make("at_once")
    at_once = samples_of(open_data_set(made.root / "at_once"))
    assert {what: s.frames for what, s in appended.items()} == {
        what: s.frames for what, s in at_once.items()
    }
    assert made.faults("max") == []
    video = made.root / VIDEOS[0]
    good = video.read_bytes()
    video.write_bytes(b"no video")
    made.make("mended", max_bad_fraction=1.0)
    video.write_bytes(good)
    made.make("mended", retry_failed=True)
    assert made.tree("mended") == made.tree("at_once")


def test_other_lengths_are_refused_as_they_are_given(made: Videos) -> None:
    with pytest.raises(LrcnError, match="--seq-len was max:7, is 7; --short was skip, is pad;"):
        made.make("max", seq_len=BOUND, short="pad")
    with pytest.raises(LrcnError, match="--seq-len was max:7, is max:64; use another --out"):
        made.make("max", seq_len="max")


def test_the_lengths_are_described(made: Videos) -> None:
    stats, _ = compute_stats(made.root / "max", workers=1)
    assert stats.lengths == {
        "train": Lengths(least=2, median=6.0, largest=7),
        "test": Lengths(least=7, median=7.0, largest=7),
    }
    assert (stats.splits["train"].frames, stats.splits["train"].valid_frames) == (33, 33)
    made.make("fixed", seq_len=2)
    stats, _ = compute_stats(made.root / "fixed", workers=1)
    assert "lengths" not in stats.as_record()


def test_an_index_that_is_lost_is_made_again(made: Videos) -> None:
    meta = made.root / "max/.meta"
    before = {path.name: path.read_bytes() for path in meta.glob("*.idx")}
    for path in meta.glob("*.idx"):
        path.unlink()
    (meta / "train.npy").unlink()
    list(rebuild_index(made.root / "max"))
    assert {path.name: path.read_bytes() for path in meta.glob("*.idx")} == before
    assert made.faults("max") == []


def test_the_card_says_how_long_clips_are_and_which_members_there_may_be(made: Videos) -> None:
    yaml = pytest.importorskip("yaml")
    card = (made.root / "max/README.md").read_text()
    assert (
        "A clip has all frames of its video, or of a longer one 7 frames: the middle frame of each"
        " of 7 consecutive blocks of the video, taken at 5 frames a second." in card
    )
    features = yaml.safe_load(card.split("---\n")[1])["dataset_info"]["features"]
    names = [feature["name"] for feature in features]
    assert names[:BOUND] == [f"{frame:03d}.jpg" for frame in range(BOUND)]
    assert names[BOUND:] == ["cls", "json", "__key__", "__url__"]
    sample = open_data_set(made.root / "max").read_sample(0)
    struct = next(feature for feature in features if feature["name"] == "json")["struct"]
    assert [field["name"] for field in struct] == list(json.loads(sample.record.to_json()))
    made.make("fixed", seq_len=2)
    assert "dataset_info" not in (made.root / "fixed/README.md").read_text()


@pytest.mark.parametrize(("key", "value"), [("frames", 1), ("frames", 1000), ("samples", 400)])
def test_counts_that_can_not_be_are_refused(made: Videos, key: str, value: int) -> None:
    path = made.root / "max/dataset.json"
    manifest = json.loads(path.read_bytes())
    manifest["shards"][0][key] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(LrcnError, match=r"says \d+ (frames|samples) in the"):
        open_data_set(made.root / "max")


def test_data_sets_of_one_and_of_several_lengths_do_not_go_together(made: Videos) -> None:
    made.make("padded", seq_len=BOUND, short="pad")
    with pytest.raises(LrcnError, match=r"differ in lengths \(each clip its own and all clips"):
        open_data_set([str(made.root / "max"), str(made.root / "padded")])
    shutil.copytree(made.root / "max", made.root / "copy")
    assert len(open_data_set([str(made.root / "max"), str(made.root / "copy")])) == 16
