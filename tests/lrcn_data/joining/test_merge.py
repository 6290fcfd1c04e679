"""One data set of several: its samples, classes, sums and keys, and what can't be merged."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_data import (
    LrcnError,
    ShardError,
    SubsetOptions,
    UsageError,
    merge,
    open_data_set,
    subset,
    verify,
)
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import Source
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet
from lrcn_data.inspecting.stats import compute_stats
from lrcn_data.joining.leakage import refuse_leakage
from lrcn_data.joining.stored_videos import StoredVideo

MakeDataSet = Callable[..., Path]

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def two(make_data_set: MakeDataSet) -> list[Path]:
    """Two data sets whose classes overlap and whose keys are the same."""
    return [
        make_data_set("a", class_names=["run", "walk", "jump"]),
        make_data_set("b", class_names=["swim", "jump", "run"], videos="other", seed=1),
    ]


def samples(data: DataSet) -> Iterator[Sample]:
    return map(data.read_sample, range(len(data)))


def by_content(folder: Path) -> dict[tuple[str, str, bytes], Sample]:
    """The samples of a data set by their split, video and frames."""
    found = {}
    for sample in samples(open_data_set(folder)):
        record = sample.record
        found[record.split, record.video, b"".join(map(bytes, sample.frames))] = sample
    return found


def files_of(folder: Path) -> dict[str, str]:
    """The hash of each file of a data set."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def change_manifest(folder: Path, **values: Any) -> None:
    data_set = DataSetFolder(folder)
    manifest = data_set.read_manifest()
    assert manifest is not None
    options = {**manifest.options, **values.pop("options", {})}
    data_set.write_manifest(dataclasses.replace(manifest, options=options, **values))


def manifest_of(folder: Path) -> Manifest:
    manifest = DataSetFolder(folder).read_manifest()
    assert manifest is not None
    return manifest


def test_a_merged_data_set_has_all_samples_with_their_classes_and_frames(two: list[Path]) -> None:
    out = two[0].parent / "out"
    result = merge(two, out)
    assert list(verify(out, deep=True)) == []
    merged = by_content(out)
    assert len(merged) == result.clips["train"] + result.clips["test"] == 14
    for folder in two:
        for content, sample in by_content(folder).items():
            assert merged[content].record.class_name == _name_in(folder, sample)
            kept = {"key", "label", "class_name", "labels"}
            before, after = (
                {k: v for k, v in dataclasses.asdict(one.record).items() if k not in kept}
                for one in (sample, merged[content])
            )
            assert before == after
    assert open_data_set(out).classes == ["run", "walk", "jump", "swim"]
    assert manifest_of(out).complete
    compute_stats(out, workers=1)


def _name_in(folder: Path, sample: Sample) -> str:
    return open_data_set(folder).classes[sample.label]


def test_tars_in_which_nothing_changes_stay_as_they_are(two: list[Path]) -> None:
    out = two[0].parent / "out"
    result = merge(two, out)
    kept = [entry.sha256 for entry in manifest_of(two[0]).shards]
    assert [entry.sha256 for entry in manifest_of(out).shards if entry.sha256 in kept] == kept
    assert (result.unchanged, result.shards, result.other_keys) == (3, 6, 7)
    data = open_data_set(out)
    keys = [sample.record.key for sample in samples(data)]
    assert len(set(keys)) == len(keys)
    assert keys[5] == "train-000-00000-2"


def test_tars_in_which_nothing_changes_may_be_links(
    two: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = two[0].parent
    copied, linked = merge(two, parent / "copied"), merge(two, parent / "linked", link=True)
    assert files_of(parent / "linked") == files_of(parent / "copied")
    files = {path.stat().st_ino for folder in two for path in folder.glob("*.tar")}
    shared = [path for path in (parent / "linked").glob("*.tar") if path.stat().st_ino in files]
    assert len(shared) == linked.unchanged == copied.unchanged == 3
    assert merge(two, parent / "linked", link=True) == linked
    assert not list((parent / "linked" / ".meta").glob("run-*"))

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(UsageError, match=r"train-000.tar: a hard link .* \(Invalid cross-device"):
        merge(two, parent / "elsewhere", link=True)
    with pytest.raises(UsageError, match=r"s3://b/x is in a store, which has no links; leave out"):
        merge([two[0], "s3://b/x"], parent / "elsewhere", link=True)


def test_pixel_sums_are_added_exactly(two: list[Path]) -> None:
    out = two[0].parent / "out"
    merge(two, out)
    one, other = (open_data_set(path, split="train").pixel_sums()[32, 24] for path in two)
    total, count = open_data_set(out, split="train").pixel_sums()[32, 24]
    assert count == one[1] + other[1] == 40
    assert np.array_equal(total, one[0] + other[0])
    assert (manifest_of(out).mean_exact, manifest_of(out).decoded_frames) == (True, 0)


def test_frames_on_another_canvas_are_summed_up_as_decoded_and_counted(
    make_data_set: MakeDataSet,
) -> None:
    one = make_data_set("a", smooth=True)
    other = make_data_set("b", smooth=True, videos="other", sizes=((16, 12),))
    out = one.parent / "out"
    assert merge([one, other], out).decoded_frames == 20
    assert list(verify(out, deep=True)) == []
    manifest = manifest_of(out)
    assert (manifest.canvas, manifest.mean_exact, manifest.decoded_frames) == ([32, 24], False, 20)
    again = out.parent / "again"
    change_manifest(one, options={"size": [32, 24]})
    third = make_data_set("c", smooth=True, videos="third")
    assert merge([out, third], again).decoded_frames == 20
    assert list(verify(again, deep=True)) == []


def test_the_manifest_says_of_what_it_was_made_and_what_is_not_alike(two: list[Path]) -> None:
    change_manifest(two[0], options={"quality": 90, "seed": 0}, tools={"av": "18", "numpy": "2"})
    change_manifest(two[1], options={"quality": 95, "seed": 0}, tools={"av": "19", "numpy": "2"})
    out = two[0].parent / "out"
    merge(two, out)
    manifest = manifest_of(out)
    assert (manifest.options["seed"], manifest.tools) == (0, {"numpy": "2"})
    assert "quality" not in manifest.options
    assert [one.options for one in manifest.made_from] == [{"quality": 90}, {"quality": 95}]
    assert [one.tools for one in manifest.made_from] == [{"av": "18"}, {"av": "19"}]
    assert [one.samples for one in manifest.made_from] == [7, 7]
    assert manifest.fingerprint not in {one.fingerprint for one in manifest.made_from}


def test_the_same_clips_are_refused_or_left_out_and_counted(make_data_set: MakeDataSet) -> None:
    one = make_data_set("a", classes=1)
    # clips of the same files, all but those of the last one with the same frames
    other = make_data_set("b", classes=1, samples={"train": [6], "test": [1]})
    out = one.parent / "out"
    with pytest.raises(
        LrcnError, match=r"^5 clips are in several .*_0.avi of train is in .*/a and"
    ):
        merge([one, other], out)
    assert not out.exists()
    result = merge([one, other], out, skip_duplicates=True)
    assert (result.left_out, result.clips, result.videos) == (
        *(5, {"train": 7, "test": 2}, {"train": 4, "test": 1}),
    )
    assert list(verify(out, deep=True)) == []
    manifest = manifest_of(out)
    assert [made.left_out for made in manifest.made_from] == [0, 5]
    assert [entry.videos for entry in manifest.shards] == [4, 2, 5, 3, 1]


def test_a_file_too_short_for_a_clip_is_left_out_as_clips_are(two: list[Path]) -> None:
    for folder in two:
        record = folder / ".meta/train-000.json"
        values = json.loads(record.read_text())
        short = {"path": "videos/short_train.avi", "bytes": 1, "sha256": "a" * 64}
        record.write_text(json.dumps({**values, "sources": [*values["sources"], short]}))
    out, once = two[0].parent / "out", two[0].parent / "once"
    assert merge(two, out).entries_left_out == 0
    assert sum(entry.skipped for entry in manifest_of(out).of_split("train")) == 2
    assert merge(two, once, skip_duplicates=True).entries_left_out == 1
    assert sum(entry.skipped for entry in manifest_of(once).of_split("train")) == 1
    assert list(verify(once, deep=True)) == []


def test_a_clip_of_other_classes_in_two_data_sets_is_refused(make_data_set: MakeDataSet) -> None:
    one = make_data_set("a", classes=1, class_names=["run"])
    other = make_data_set("b", classes=1, class_names=["walk"])
    with pytest.raises(LrcnError, match=r"000_0.avi of train is run in .*/a and walk in .*/b"):
        merge([one, other], one.parent / "out", skip_duplicates=True)


def test_a_file_in_two_splits_of_what_comes_out_is_refused(two: list[Path]) -> None:
    record = two[1] / ".meta/test-000.json"
    text = record.read_text()
    before, now = (
        hashlib.sha256(name.encode()).hexdigest()
        for name in ("other/test-000_0.avi", "videos/train-000_0.avi")
    )
    record.write_text(text.replace(before, now))
    out = two[0].parent / "out"
    with pytest.raises(LrcnError, match=r"test-000_0.avi of test in .*/b has the same content as"):
        merge(two, out)
    assert not out.exists()
    assert merge(two, out, allow_leakage=True).clips == {"train": 10, "test": 4}


def test_a_group_in_two_splits_of_what_comes_out_is_refused() -> None:
    def video(path: str, split: str) -> StoredVideo:
        source = Source(path=path, bytes=1, sha256=hashlib.sha256(path.encode()).hexdigest())
        return StoredVideo(source=source, split=split, shard="", clips=())

    stored: Any = ["A", "B"]
    first = [video("Run/v_Run_g01_c01.avi", "train"), video("Run/v_Run_g02_c01.avi", "test")]
    refuse_leakage(stored, [first, [video("Run/v_Run_g01_c02.avi", "train")]])
    with pytest.raises(LrcnError, match=r"g01_c02.avi of test in B is of the same group v_Run_g01"):
        refuse_leakage(stored, [first, [video("Run/v_Run_g01_c02.avi", "test")]])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seq_len": 3}, r"seq_len \(4 and 3\)"),
        ({"fps": "25/2"}, r"fps \(5 and 25/2\)"),
        ({"multi_label": True}, r"labels \(one a clip and several a clip\)"),
        ({"labels_in_time": True}, r"labels \(one a clip and one a frame\)"),
        ({"variable_length": True}, r"lengths \(all clips the same and each clip its own\)"),
        ({"recipe": {"sampling": "windows"}}, "--sampling windows, not blocks"),
        ({"recipe": {"plugins": {"x:Y": "1"}}}, r"plugins \(none and {'x:Y': '1'}\)"),
    ],
)
def test_what_cannot_be_one_data_set_is_refused_with_both_values(
    make_data_set: MakeDataSet, values: dict[str, Any], said: str
) -> None:
    one = make_data_set("a", recipe={"sampling": "blocks"})
    other = make_data_set("b", videos="other", **values)
    with pytest.raises(ShardError, match=rf"/a and .*/b differ in {said}"):
        merge([one, other], one.parent / "out")


def test_what_is_no_two_finished_data_sets_is_refused(two: list[Path]) -> None:
    out = two[0].parent / "out"
    with pytest.raises(UsageError, match="two data sets or more"):
        merge(two[:1], out)
    with pytest.raises(UsageError, match="named twice"):
        merge([two[0], f"{two[0]}/"], out)
    with pytest.raises(LrcnError, match="holds another data set"):
        merge(two, two[0])
    (two[1] / ".meta/train-001.json").unlink()
    with pytest.raises(ShardError, match=r"train-001.json is not there, .* copy .meta too"):
        merge(two, out)
    change_manifest(two[0], complete=False)
    with pytest.raises(ShardError, match="not complete"):
        merge(two, out)


def test_files_of_somebody_else_are_never_replaced(two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "train-003.tar").write_text("mine")
    with pytest.raises(LrcnError, match=r"no dataset.json, but train-003.tar"):
        merge(two, out)
    assert (out / "train-003.tar").read_text() == "mine"


def test_a_damaged_sample_is_refused_and_nothing_complete_is_left(two: list[Path]) -> None:
    tar = two[1] / "train-000.tar"
    data = bytearray(tar.read_bytes())
    data[1000] ^= 1
    tar.write_bytes(data)
    out = two[0].parent / "out"
    with pytest.raises(ShardError, match=r"b/train-000.tar: sample 0 .* not what was written"):
        merge(two, out)
    with pytest.raises(ShardError, match="run the same `lrcn-data merge` or `subset` command"):
        open_data_set(out)


def test_an_index_of_other_samples_is_refused(two: list[Path]) -> None:
    index = two[1] / ".meta/train-000.idx"
    index.write_text(index.read_text().replace("json 2", "json 9"))
    with pytest.raises(ShardError, match=r"train-000.idx doesn't fit .*train-000.tar"):
        merge(two, two[0].parent / "out")


@pytest.mark.parametrize(
    ("kind", "counts"),
    [("multi_label", (40, 70)), ("labels_in_time", (3, 4)), ("variable_length", (3, 4))],
)
def test_all_kinds_of_samples_are_merged(
    make_data_set: MakeDataSet, kind: str, counts: tuple[int, int], tmp_path: Path
) -> None:
    # half of the names are in both data sets, with other numbers
    names = [[f"{'ab'[i]}{n}" if n % 2 else f"{n}" for n in range(counts[i])] for i in (0, 1)]
    names[1].reverse()
    folders = [
        make_data_set(name, class_names=its_names, videos=name, seed=len(its_names), **{kind: True})
        for name, its_names in zip("ab", names, strict=True)
    ]
    out = tmp_path / "out"
    merge(folders, out)
    assert list(verify(out, deep=True)) == []
    merged, data = by_content(out), open_data_set(out)
    assert len(data.classes) == len({*names[0], *names[1]})
    for folder, its_names in zip(folders, names, strict=True):
        for content, before in by_content(folder).items():
            after = merged[content].record
            assert [data.classes[n] for n in after.class_numbers if n >= 0] == sorted(
                (its_names[n] for n in before.record.class_numbers if n >= 0),
                key=data.classes.index,
            )
            named = [its_names[n] if n >= 0 else None for n in before.record.labels]
            assert [data.classes[n] if n >= 0 else None for n in after.labels] == named


GOLDEN_KINDS: dict[str, dict[str, Any]] = {
    **{key: {} for key in ("v1", "later", "appended", "joined")},
    "sets": {"multi_label": True},
    "lengths": {"variable_length": True},
    "in_time": {"labels_in_time": True},
}


@pytest.mark.parametrize("name", GOLDEN_KINDS)
def test_data_sets_of_all_versions_are_merged(make_data_set: MakeDataSet, name: str) -> None:
    classes = ["somersault", "Archery", "Basket ball"]
    other = make_data_set("other", fps="25/2", class_names=classes, **GOLDEN_KINDS[name])
    out = other.parent / "out"
    # its videos all stand for the same bytes
    result = merge([GOLDEN / name, other], out, allow_leakage=True)
    assert list(verify(out, deep=True)) == []
    assert result.clips == {"train": 8, "test": 3}
    kept = {entry.sha256 for entry in manifest_of(GOLDEN / name).shards}
    assert kept <= {entry.sha256 for entry in manifest_of(out).shards}
    assert not manifest_of(out).appends


def test_a_plug_ins_sampling_is_not_mixed_with_another(make_data_set: MakeDataSet) -> None:
    other = make_data_set("other", fps="25/2")
    with pytest.raises(ShardError, match=r"plugins \({'my_samplings:Middle': '3'} and none\)"):
        merge([GOLDEN / "every", other], other.parent / "out")


def test_shards_of_several_tars_stay_so(make_data_set: MakeDataSet) -> None:
    every = GOLDEN / "every"
    out = make_data_set("other").parent / "out"
    listed = out.parent / "list.txt"
    listed.write_text("videos/train 0 ü.avi 0\nvideos/train 1 ü.avi 0\nvideos/test 0 ü.avi 0\n")
    subset(every, out, SubsetOptions(listed=listed))
    assert [entry.file for entry in manifest_of(out).shards] == [
        *("train-000.tar", "train-000-1.tar", "test-000.tar"),
    ]
    assert manifest_of(out).requires == ["parts"]
    assert list(verify(out, deep=True)) == []
    # a limit that is none is as if there were none
    change_manifest(out, options={"shard_bytes": "many", "videos_per_shard": []})
    again = out.parent / "again"
    subset(out, again, SubsetOptions(per_class=9))
    assert [entry.samples for entry in manifest_of(again).shards] == [2, 1]
