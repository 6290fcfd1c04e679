"""`lrcn-data shard --append`: new lines in new shards, and nothing that was there changes."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_data.errors import LrcnError, ShardError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.preview import draw_preview
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.stats import compute_stats
from lrcn_data.inspecting.verify import verify
from lrcn_data.making import run_plan, shard_job
from tests.lrcn_data.making.append_videos import FIRST, LATER, VIDEOS, Videos, samples_of


def test_new_lines_go_into_new_shards_and_no_old_byte_changes(videos: Videos) -> None:
    before, old = videos.tree(), videos.manifest()
    result = videos.append()
    assert (result.appended, result.videos, result.videos_done, result.shards_done) == (4, 12, 4, 3)
    after = videos.tree()
    rewritten = {"dataset.json", "README.md", ".meta/train.npy", ".meta/test.npy"}
    rewritten |= {".meta/pixel_sum.npz"}
    assert {name for name in before if after.get(name) != before[name]} == rewritten
    assert {name for name in after if name.endswith(".tar") and name not in before} == {
        *("train-003.tar", "train-004.tar", "test-001.tar")
    }
    shards = videos.manifest().shards
    assert [entry.file for entry in shards] == [
        *(f"train-00{number}.tar" for number in range(5)),
        *("test-000.tar", "test-001.tar"),
    ]
    assert [entry for entry in shards if entry in old.shards] == old.shards
    assert videos.faults() == []


def test_a_new_clip_is_the_one_that_it_would_be_in_a_data_set_made_in_one_go(
    videos: Videos,
) -> None:
    videos.append()
    videos.make("whole")
    appended = samples_of(open_data_set(videos.root / "shards"))
    whole = samples_of(open_data_set(videos.root / "whole"))
    assert appended.keys() == whole.keys()
    for place, sample in appended.items():
        assert sample.frames == whole[place].frames
        assert replace(sample.record, key="") == replace(whole[place].record, key="")
    assert len({sample.record.key for sample in appended.values()}) == len(appended)


def test_the_mean_is_that_of_a_data_set_made_in_one_go(videos: Videos) -> None:
    videos.append()
    videos.make("whole")
    sums = [
        open_data_set(videos.root / out, split="train").pixel_sums()[32, 24]
        for out in ("shards", "whole")
    ]
    assert sums[0][1] == sums[1][1] == 8 * 4
    np.testing.assert_array_equal(sums[0][0], sums[1][0])
    assert not list((videos.root / "shards/.meta").glob("t*.npz"))


def test_one_and_two_workers_append_the_same(videos: Videos) -> None:
    shutil.copytree(videos.root / "shards", videos.root / "two")
    videos.append(workers=1)
    videos.append("two", workers=2)
    assert videos.tree() == videos.tree("two")


def test_each_append_is_recorded_and_what_was_recorded_stays(videos: Videos) -> None:
    old = videos.manifest()
    videos.append(videos_per_shard=3)
    new = videos.manifest()
    (append,) = new.appends
    assert (new.fingerprint, new.lists, new.tools) == (old.fingerprint, old.lists, old.tools)
    assert append.fingerprint not in (old.fingerprint, "")
    assert append.options == {"videos_per_shard": 3}
    assert (append.shards, append.videos) == ({"train": 1, "test": 1}, {"train": 3, "test": 1})
    assert append.tools == old.tools
    assert set(append.lists) == {"train", "test"}
    assert append.lists != old.lists
    assert new.requires == []
    record = DataSetFolder(videos.root / "shards").read_record("train-003")
    assert record is not None
    assert record.fingerprint == append.fingerprint
    assert "3 train, 1 test videos" in (videos.root / "shards/README.md").read_text()


def test_a_second_append_follows_on_the_first(videos: Videos) -> None:
    videos.append()
    middle = videos.tree()
    videos.list({**LATER, "train": [*LATER["train"], VIDEOS[11]], "val": ["class2/new.mp4"]})
    assert videos.append().appended == 2
    manifest = videos.manifest()
    assert [append.videos for append in manifest.appends] == [
        {"train": 3, "test": 1},
        {"train": 1, "val": 1},
    ]
    assert manifest.classes == ["class0", "class1", "class2"]
    tars = {name: found for name, found in middle.items() if name.endswith(".tar")}
    assert tars.items() <= videos.tree().items()
    assert [entry.file for entry in manifest.of_split("train")][-1] == "train-005.tar"
    assert [entry.file for entry in manifest.of_split("val")] == ["val-000.tar"]
    assert videos.faults() == []
    assert videos.make().videos_done == 0


def test_an_append_of_nothing_says_so_and_changes_nothing(videos: Videos) -> None:
    videos.list(FIRST)
    before = videos.tree()
    assert videos.append().appended == 0
    assert videos.tree() == before
    videos.list(LATER)
    videos.append()
    after = videos.tree()
    assert videos.append().appended == 0
    assert videos.tree() == after


def test_the_same_command_without_append_finds_all_done(videos: Videos) -> None:
    videos.append()
    after = videos.tree()
    assert videos.make().videos_done == 0
    assert videos.tree() == after


def test_without_append_new_lines_are_another_data_set(videos: Videos) -> None:
    with pytest.raises(LrcnError, match=r"holds another data set: the train list has other.*--app"):
        videos.make()


def test_numbers_go_on_past_three_digits_and_old_names_stay() -> None:
    from lrcn_data.lists.entry import Entry
    from lrcn_data.making.plan import SplitSoFar, plan_shards

    def name(so_far: SplitSoFar) -> list[str]:
        entries = [Entry(path=f"{n}.avi", label=0, split="train", line=n + 1) for n in range(2)]
        return [
            shard.name
            for shard in plan_shards(entries, seed=0, videos_per_shard=1, so_far={"train": so_far})
        ]

    assert name(SplitSoFar(first_count=1000, shards=1000, videos=1)) == ["train-1000", "train-1001"]
    assert name(SplitSoFar(first_count=998, shards=999, videos=1)) == ["train-999", "train-1000"]
    assert name(SplitSoFar(first_count=1001, shards=1001, videos=1))[0] == "train-1001"
    assert name(SplitSoFar(first_count=10_001, shards=10_001, videos=1))[0] == "train-10001"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"fps": 4}, "--fps was 5, is 4"),
        ({"seq_len": 3}, "--seq-len was 4, is 3"),
        ({"sampling": "center"}, "--sampling was blocks, is center"),
        ({"quality": 80}, "--quality was 90, is 80"),
        ({"seed": 1}, "--seed was 0, is 1"),
        ({"size": (32, 24)}, "--size was not given, is 32x24"),
        ({"mean_size": (64, 48)}, "the canvas of the pixel sums was 32x24, is 64x48"),
        ({"short": "pad"}, "--short was skip, is pad"),
        ({"check": "full"}, "--check was auto, is full"),
    ],
    ids=str,
)
def test_options_that_change_samples_must_be_those_of_before(
    videos: Videos, option: dict[str, Any], said: str
) -> None:
    before = videos.tree()
    with pytest.raises(LrcnError, match=re.escape(f"samples that were made otherwise: {said};")):
        videos.append(**option)
    assert videos.tree() == before


def test_options_that_only_deal_samples_out_may_differ(videos: Videos) -> None:
    videos.append(videos_per_shard=None, shard_bytes=30_000)
    files = [entry.file for entry in videos.manifest().of_split("train")]
    assert files[3:5] == ["train-003.tar", "train-003-1.tar"]
    assert videos.manifest().requires == ["parts"]
    assert videos.manifest().appends[0].options == {
        "videos_per_shard": None,
        "shard_bytes": 30_000,
    }
    assert videos.faults() == []
    assert videos.make().videos_done == 0


def test_a_line_that_has_gone_is_named(videos: Videos) -> None:
    videos.list({**LATER, "train": LATER["train"][1:]})
    with pytest.raises(LrcnError, match=r"stand in no list any more: class0/v0\.mp4 of train; put"):
        videos.append()


def test_a_line_that_has_moved_to_another_split_is_named(videos: Videos) -> None:
    videos.list({"train": LATER["train"][1:], "test": [*LATER["test"], VIDEOS[0]]})
    with pytest.raises(LrcnError, match=r"stand in no list any more: class0/v0\.mp4 of train; put"):
        videos.append()


def test_a_list_that_is_not_given_is_asked_for(videos: Videos) -> None:
    videos.list({"train": LATER["train"]})
    with pytest.raises(LrcnError, match="has a test split, and no list of it is given; name it"):
        videos.append()


def test_a_label_that_has_changed_is_named(videos: Videos) -> None:
    videos.list(LATER, {VIDEOS[0]: "class1"})
    with pytest.raises(LrcnError, match=r"class0/v0\.mp4 of train was class0, is class1; put"):
        videos.append()
    videos.list(LATER, {"class0/short.mp4": "class1"})
    with pytest.raises(LrcnError, match="other labels of videos that gave no clip; put them back"):
        videos.append()


def test_new_classes_come_after_the_old_ones_whatever_their_names(videos: Videos) -> None:
    videos.list({**LATER, "train": [*LATER["train"], "class2/new.mp4", "a/new.mp4"]})
    videos.append()
    manifest = videos.manifest()
    assert manifest.classes == ["class0", "class1", "a", "class2"]
    assert manifest.first_classes == ["class0", "class1"]
    assert manifest.appends[0].classes == ["a", "class2"]
    samples = samples_of(open_data_set(videos.root / "shards"))
    assert samples["train", "a/new.mp4", 0].label == 2
    assert videos.faults() == []
    assert videos.make().videos_done == 0


def test_a_class_file_may_have_new_classes_at_its_end_only(videos: Videos) -> None:
    file = videos.root / "names.txt"
    file.write_text("class0\nnew\nclass1\n")
    with pytest.raises(UsageError, match=r"class 1 of .* is class1, and now is new; keep"):
        videos.append(classes=file)
    file.write_text("class0\nclass1\nnew\n")
    videos.append(classes=file)
    assert videos.manifest().classes == ["class0", "class1", "new"]


def test_numbers_of_new_classes_go_on(videos: Videos, tmp_path: Path) -> None:
    labels = {name: str(number % 2) for number, name in enumerate(VIDEOS)}
    labels |= {"class0/short.mp4": "0", "class2/new.mp4": "2"}
    videos.list(FIRST, labels)
    videos.make("numbered")
    videos.list({**LATER, "train": [*LATER["train"], "class2/new.mp4"]}, labels)
    videos.append("numbered")
    assert videos.manifest("numbered").classes == ["class0", "class1", "class2"]
    assert videos.faults("numbered") == []


def test_there_must_be_a_finished_data_set(videos: Videos) -> None:
    with pytest.raises(LrcnError, match="nowhere holds no data set to append to; leave out --app"):
        videos.append("nowhere")
    assert not (videos.root / "nowhere").exists()
    path = videos.root / "shards/dataset.json"
    path.write_bytes(replace(videos.manifest(), complete=False).to_json())
    with pytest.raises(LrcnError, match="isn't finished; finish it with the same command without"):
        videos.append()


@pytest.mark.parametrize("name", ["train-001.tar", ".meta/train-001.json", ".meta/test-000.idx"])
def test_a_data_set_that_lacks_something_is_made_whole_first(videos: Videos, name: str) -> None:
    expected = videos.tree()
    (videos.root / "shards" / name).unlink()
    with pytest.raises(LrcnError, match="with the same command without --append, and with the lis"):
        videos.append()
    videos.list(FIRST)
    videos.make()
    assert videos.tree() == expected


def test_new_videos_are_checked_for_leakage_against_the_old_ones(videos: Videos) -> None:
    before = videos.tree()
    shutil.copy(videos.root / VIDEOS[0], videos.root / "class0/copy.mp4")
    videos.list({**LATER, "test": [*LATER["test"], "class0/copy.mp4"]})
    with pytest.raises(LrcnError, match=r"copy\.mp4 of test has the same content as class0/v0\.mp"):
        videos.append()
    assert {k: v for k, v in videos.tree().items() if not k.startswith(".append/")} == before
    videos.append(allow_leakage=True)
    assert videos.faults() == []


def test_failed_new_videos_are_judged_among_the_new_ones(videos: Videos) -> None:
    (videos.root / VIDEOS[6]).write_bytes(b"no video")
    with pytest.raises(LrcnError, match=r"1 of 4 new videos failed \(25\.0%\), above --max-bad"):
        videos.append()
    assert len(videos.manifest().appends) == 1
    assert videos.append().appended == 0  # what failed isn't tried again


@pytest.mark.parametrize("which", [0, 6])
def test_failed_videos_of_any_run_are_tried_again_by_retry_failed(
    videos: Videos, which: int
) -> None:
    shutil.rmtree(videos.root / "shards")
    video = videos.root / VIDEOS[which]
    good = video.read_bytes()
    for out in ("shards", "good"):
        if out == "shards":
            video.write_bytes(b"no video")
        videos.list(FIRST)
        videos.make(out, max_bad_fraction=1)
        videos.list(LATER)
        videos.append(out, max_bad_fraction=1)
        video.write_bytes(good)
    result = videos.make(retry_failed=True)
    assert (result.videos_done, result.failed) == (1, 0)
    assert videos.tree() == videos.tree("good")


def test_append_and_retry_failed_are_two_runs(videos: Videos) -> None:
    with pytest.raises(UsageError, match="give --retry-failed to another run"):
        videos.append(retry_failed=True)


def test_a_shard_of_any_run_that_was_lost_is_made_again(videos: Videos) -> None:
    videos.append()
    expected = videos.tree()
    for name in ("train-000", "train-004", "test-001"):
        for file in (f"{name}.tar", f".meta/{name}.json"):
            (videos.root / "shards" / file).unlink()
    assert videos.make().shards_done == 3
    assert videos.tree() == expected


def test_each_append_may_have_tools_of_its_own_but_a_lost_shard_needs_those_of_then(
    videos: Videos, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        now = videos.manifest().tools
        for module in (run_plan, shard_job):
            later.setattr(module, "tool_versions", lambda options: {**now, "av": "99"})
        videos.append()
    assert videos.manifest().tools["av"] != "99"
    assert videos.manifest().appends[0].tools["av"] == "99"
    assert videos.faults() == []
    assert videos.make().videos_done == 0
    (videos.root / "shards/train-000.tar").unlink()
    videos.make()
    (videos.root / "shards/train-004.tar").unlink()
    with pytest.raises(LrcnError, match=r"train-004\.tar was made by other tools: av was 99, is"):
        videos.make()


def test_what_is_asked_of_a_data_set_takes_in_what_was_appended(videos: Videos) -> None:
    videos.append()
    stats, _ = compute_stats(videos.root / "shards", workers=1)
    assert {split: found.videos for split, found in stats.splits.items()} == {
        "train": 9,
        "test": 3,
    }
    assert (stats.splits["train"].clips, stats.rejects) == (8, {"short": {"train": 1}})
    draw_preview(videos.root / "shards", clips=20)
    expected = videos.tree()
    shutil.rmtree(videos.root / "shards/.meta")
    list(rebuild_index(videos.root / "shards"))
    assert list(verify(videos.root / "shards")) == []
    rebuilt = videos.tree()
    assert rebuilt[".meta/train-004.idx"] == expected[".meta/train-004.idx"]


def test_verify_finds_a_shard_that_an_append_did_not_make(videos: Videos) -> None:
    videos.append()
    path = videos.root / "shards/.meta/train-003.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "fingerprint": videos.manifest().fingerprint}))
    assert videos.faults() == [
        ".meta/train-003.json: is of a run with another fingerprint than dataset.json"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"shards": {"train": 9}},
        {"shards": {"train": -1}},
        {"shards": 3},
        {"videos": {"train": "4"}},
        {"classes": ["other"]},
        {"classes": "class1"},
        {"fingerprint": 3},
    ],
    ids=str,
)
def test_a_manifest_whose_appends_cannot_be_is_refused(
    videos: Videos, change: dict[str, Any]
) -> None:
    videos.append()
    path = videos.root / "shards/dataset.json"
    manifest = json.loads(path.read_bytes())
    manifest["appends"][0] |= change
    path.write_text(json.dumps(manifest))
    with pytest.raises(ShardError, match="copy it again from where it was made"):
        open_data_set(videos.root / "shards")


def test_a_mean_of_the_train_split_takes_the_place_of_that_of_all_splits(videos: Videos) -> None:
    videos.list({"test": FIRST["test"]})
    videos.make("shards2")
    assert open_data_set(videos.root / "shards2").pixel_sums()[32, 24][1] == 2 * 4
    videos.list({"test": FIRST["test"], "train": FIRST["train"]})
    videos.append("shards2")
    sums = open_data_set(videos.root / "shards2").pixel_sums()[32, 24]
    expected = open_data_set(videos.root / "shards", split="train").pixel_sums()[32, 24]
    assert sums[1] == expected[1]
    np.testing.assert_array_equal(sums[0], expected[0])
    assert videos.faults("shards2") == []
