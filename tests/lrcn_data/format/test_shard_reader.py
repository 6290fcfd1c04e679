"""Reading against independent readers, and refusing what is damaged, unfinished or missing."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from lrcn_data.errors import LrcnError, ShardError, UsageError
from lrcn_data.format.shard_reader import DataSet, open_data_set
from lrcn_data.format.sources import source_text

MakeDataSet = Callable[..., Path]


def read_all(data_set: DataSet) -> list[dict[str, bytes]]:
    samples = []
    for number in range(len(data_set)):
        sample = data_set.read_sample(number)
        members = {f"{i:03d}.jpg": bytes(jpeg) for i, jpeg in enumerate(sample.frames)}
        members["cls"] = str(sample.label).encode()
        members["__key__"] = sample.record.key.encode()
        samples.append(members)
    return samples


def tarfile_samples(path: Path) -> list[dict[str, bytes]]:
    samples: dict[str, dict[str, bytes]] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, ending = member.name.partition(".")
            file = tar.extractfile(member)
            assert file is not None
            samples.setdefault(key, {"__key__": key.encode()})[ending] = file.read()
    return [{k: v for k, v in sample.items() if k != "json"} for sample in samples.values()]


def edit_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "dataset.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, **changes}))


def test_samples_are_those_that_tarfile_reads(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    expected = [
        s for name in ("train-000", "train-001") for s in tarfile_samples(folder / f"{name}.tar")
    ]
    assert read_all(open_data_set(folder / "train-*.tar")) == expected


def test_fields_of_all_samples_of_a_split_are_in_the_memory_of_its_index(
    make_data_set: MakeDataSet,
) -> None:
    folder = make_data_set(samples={"train": [2, 3, 1], "val": [2]})
    tars = [str(folder / f"train-{number:03d}.tar") for number in range(3)]
    whole, part = open_data_set(folder, split="train"), open_data_set(tars[1:])
    turned, both = open_data_set(tars[::-1]), open_data_set(folder)
    for name in ("label", "num_valid", "source", "crc32"):
        for data_set in (whole, part, turned, both):
            expected = [getattr(index, name).tolist() for index in data_set.indices]
            assert data_set.of_samples(name).tolist() == [n for one in expected for n in one]
        own = [getattr(index, name) for index in whole.indices]
        assert all(np.shares_memory(whole.of_samples(name), one) for one in own)
    whole.labels[:] = -1  # a copy, as it always was
    assert (whole.of_samples("label") >= 0).all()


# webdataset leaves the shards that it opens to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_samples_are_those_that_webdataset_reads(make_data_set: MakeDataSet) -> None:
    import webdataset

    folder = make_data_set()
    urls = [str(folder / "train-000.tar"), str(folder / "train-001.tar")]
    theirs = [
        {
            k: v.encode() if isinstance(v, str) else v
            for k, v in sample.items()
            if k not in ("json", "__url__", "__local_path__")
        }
        for sample in webdataset.WebDataset(urls, shardshuffle=False)
    ]
    gc.collect()
    assert read_all(open_data_set(urls)) == theirs


def test_a_folder_stands_for_all_shards_of_its_manifest(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    shutil.copy(folder / "train-000.tar", folder / "copy.tar")
    names = [shard.entry.file for shard in open_data_set(folder).shards]
    assert names == ["train-000.tar", "train-001.tar", "test-000.tar"]


def test_a_split_can_be_chosen(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    assert len(open_data_set(folder, split="test")) == 2
    with pytest.raises(UsageError, match="none of the shards named is of the split val"):
        open_data_set(folder, split="val")


def test_facts_come_from_manifest_and_index(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set(samples={"train": [3, 0, 2]}, fps="25/2"))
    assert (len(data_set), data_set.seq_len, str(data_set.fps)) == (5, 4, "25/2")
    assert data_set.classes == ["class 0", "class 1", "class 2"]
    assert data_set.labels.tolist() == [data_set.read_sample(i).label for i in range(5)]
    assert data_set.skipped == 1
    assert data_set.failed == 0
    assert [data_set.locate(i) for i in range(5)] == [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)]


def test_pixel_sums_add_up_over_shards(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set(sizes=((32, 24),), own_arrays=True))
    ((canvas, (pixel_sum, frame_count)),) = data_set.pixel_sums().items()
    assert canvas == (32, 24)
    assert frame_count == 7 * 4
    frames = [
        simplejpeg.decode_jpeg(bytes(jpeg))
        for number in range(7)
        for jpeg in data_set.read_sample(number).frames
    ]
    decoded = np.stack(frames).astype(np.float64).mean(0)
    assert np.abs(decoded - pixel_sum / frame_count).mean() < 4


def test_the_pixel_sums_are_those_of_the_train_split_whichever_shards_are_named(
    make_data_set: MakeDataSet,
) -> None:
    each = open_data_set(make_data_set("each", own_arrays=True) / "train-*.tar").pixel_sums()
    folder = make_data_set("whole")
    for pattern in (folder, folder / "test-000.tar", folder / "train-001.tar"):
        whole = open_data_set(pattern).pixel_sums()
        assert whole[(32, 24)][1] == each[(32, 24)][1] == 5 * 4
        np.testing.assert_array_equal(whole[(32, 24)][0], each[(32, 24)][0])


@pytest.mark.parametrize("split", [None, "train", "test"])
def test_both_forms_of_an_index_say_the_same(make_data_set: MakeDataSet, split: str | None) -> None:
    whole = open_data_set(make_data_set("whole"), split=split)
    each = open_data_set(make_data_set("each", own_arrays=True), split=split)
    for one, other in zip(whole.indices, each.indices, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
    assert read_all(whole) == read_all(each)


def test_a_video_is_its_path_and_its_file(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set())
    for number in range(len(data_set)):
        sample = data_set.read_sample(number)
        video = sample.record.video
        assert source_text(sample.source) == hashlib.sha256(video.encode()).hexdigest()[:16]


def test_without_sources_the_videos_of_two_data_sets_are_told_apart(
    make_data_set: MakeDataSet,
) -> None:
    found = []
    for name in ("one", "other"):
        folder = make_data_set(name, own_arrays=True)
        for arrays in (folder / ".meta").glob("*.npz"):
            kept = {n: a for n, a in np.load(arrays).items() if n != "source"}
            np.savez(arrays, **{**kept, "crc32": kept["crc32"].astype(np.uint32)})
        manifest = (folder / "dataset.json").read_text()
        (folder / "dataset.json").write_text(manifest.replace("0" * 64, name.ljust(64, "0")))
        found.append({open_data_set(folder).read_sample(n).source for n in range(7)})
    assert len(found[0]) == len(found[1]) == 1
    assert found[0] != found[1]


def test_a_data_set_survives_pickling_and_forking(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set())
    expected = read_all(data_set)
    assert read_all(pickle.loads(pickle.dumps(data_set))) == expected
    child = os.fork()
    if child == 0:
        os._exit(0 if read_all(data_set) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_data_set_is_sent_to_processes_without_its_index(make_data_set: MakeDataSet) -> None:
    few = make_data_set("few", samples={"train": [1]})
    many = make_data_set("many", samples={"train": [200]}, sizes=((8, 8),))
    sizes = [len(pickle.dumps(open_data_set(folder))) for folder in (few, many)]
    assert sizes[1] - sizes[0] < 500


def test_a_sample_that_is_not_there_is_an_index_error(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set())
    for number in (-1, 7):
        with pytest.raises(IndexError, match=f"sample {number} of 7"):
            data_set.read_sample(number)


def test_open_files_are_bounded_and_closed(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set(samples={"train": [1] * 70}, own_arrays=True))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        read_all(data_set)
    assert len(list(Path("/proc/self/fd").iterdir())) - before == 64
    del data_set
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_urls_read_as_paths_do(make_data_set: MakeDataSet) -> None:
    fsspec = pytest.importorskip("fsspec", reason="pip install fsspec")
    folder = make_data_set()
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/bucket", recursive=True)
    try:
        for pattern in (
            "memory://bucket",
            "memory://bucket/*.tar",
            ["memory://bucket/train-{000..001}.tar", "memory://bucket/test-000.tar"],
        ):
            remote = open_data_set(pattern)
            named = {shard.entry.file: number for number, shard in enumerate(remote.shards)}
            assert sorted(named) == ["test-000.tar", "train-000.tar", "train-001.tar"]
            local = open_data_set([folder / name for name in named])
            assert read_all(remote) == read_all(local)
        with pytest.raises(ShardError, match=r"train-007.tar is not there; memory://bucket has"):
            open_data_set("memory://bucket/train-007.tar")
    finally:
        memory.rm("/bucket", recursive=True)


def test_a_file_url_is_a_path(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    assert open_data_set(f"file://{folder}").shards == open_data_set(folder).shards


def test_a_missing_shard_is_an_error_that_says_what_is_there(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [1] * 5})
    with pytest.raises(ShardError) as error:
        open_data_set(folder / "train-{000..099}.tar")
    assert "train-005.tar" in str(error.value)
    assert "and 92 more are not there" in str(error.value)
    assert "has train-000.tar to train-004.tar" in str(error.value)
    assert "lrcn-data shard" in str(error.value)


def test_a_shard_that_the_manifest_names_must_be_in_the_folder(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / "train-001.tar").unlink()
    with pytest.raises(ShardError, match=r"train-001\.tar is not there"):
        open_data_set(folder)


def test_a_shard_without_its_index_is_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(own_arrays=True)
    (folder / ".meta/train-001.npz").unlink()
    with pytest.raises(ShardError, match=r"train-001\.tar without an index.*lrcn-data index"):
        open_data_set(folder)


def test_an_unfinished_data_set_is_refused(make_data_set: MakeDataSet) -> None:
    with pytest.raises(ShardError, match=r"not complete.*lrcn-data shard"):
        open_data_set(make_data_set(complete=False))


def test_a_shard_that_the_manifest_does_not_name_is_refused(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    shutil.copy(folder / "train-000.tar", folder / "other.tar")
    with pytest.raises(ShardError, match=r"other\.tar is not in"):
        open_data_set(folder / "*.tar")


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"no readable dataset\.json.*nothing in it"):
        open_data_set(tmp_path / "typo")


def test_data_sets_that_agree_are_read_together(make_data_set: MakeDataSet) -> None:
    one, other = make_data_set("one"), make_data_set("other", seed=1, sizes=((48, 40),))
    data_set = open_data_set([one, other])
    assert len(data_set) == 14
    assert sorted(data_set.pixel_sums()) == [(32, 24), (48, 40)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": 4}, r"differ in classes \(3 and 4\)"),
        ({"seq_len": 5}, r"differ in seq_len \(4 and 5\)"),
        ({"fps": "10"}, r"differ in fps \(5 and 10\)"),
    ],
)
def test_data_sets_that_differ_are_refused(
    make_data_set: MakeDataSet, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShardError, match=words):
        open_data_set([make_data_set("one"), make_data_set("other", **change)])


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"format_version": 2},
        {"canvas": [0, 24]},
        {"canvas": [1 << 20, 1 << 20]},
        {"canvas": [32]},
        {"canvas": None},
        {"classes": [1, 2, 3]},
        {"options": {}},
        {"options": {"fps": "x", "seq_len": 4}},
        {"options": {"fps": "1/0", "seq_len": 4}},
        {"shards": [{"file": "../../etc/x.tar"}]},
    ],
)
def test_a_manifest_with_impossible_values_is_refused(
    make_data_set: MakeDataSet, change: dict[str, Any]
) -> None:
    folder = make_data_set()
    edit_manifest(folder, **change)
    with pytest.raises(ShardError, match=r"dataset\.json"):
        open_data_set(folder)


@pytest.mark.parametrize("file", ["../train-000.tar", "/etc/passwd", "a/b.tar", "train-000.tgz"])
def test_a_manifest_that_names_files_elsewhere_is_refused(
    make_data_set: MakeDataSet, file: str
) -> None:
    folder = make_data_set()
    shards = json.loads((folder / "dataset.json").read_text())["shards"]
    edit_manifest(folder, shards=[{**shards[0], "file": file}])
    with pytest.raises(ShardError, match="names the shard"):
        open_data_set(folder)


def test_an_index_with_a_pickle_is_never_loaded(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set(samples={"train": [1]}, own_arrays=True)
    arrays = folder / ".meta/train-000.npz"
    loaded = dict(np.load(arrays))
    buffer = io.BytesIO()
    loaded["offset"] = np.array([_Executed(tmp_path / "executed")], dtype=object)
    np.savez(buffer, **loaded)
    arrays.write_bytes(buffer.getvalue())
    with pytest.raises(LrcnError, match=r"train-000\.npz"):
        open_data_set(folder)
    assert not (tmp_path / "executed").exists()


class _Executed:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self._path),)
