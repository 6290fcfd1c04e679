"""Hugging Face datasets and NVIDIA Energon read the shards as they are."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrcn_data.format.shard_reader import open_data_set

GOLDEN = Path(__file__).parents[2] / "golden"
VARIANTS = ["v1", "lengths", "in_time"]
"""A data set whose clips have one length, one in which they differ in it, and labels in time."""

READ_WITH_ENERGON = """
import json, sys
from megatron.energon import Cooker, DefaultTaskEncoder, WorkerConfig, get_loader
from megatron.energon import get_train_dataset, stateless

@stateless
def cook(sample):
    return sample

class Encoder(DefaultTaskEncoder):
    decoder = None
    cookers = [Cooker(cook)]

dataset = get_train_dataset(
    sys.argv[1], batch_size=None, shuffle_buffer_size=None, max_samples_per_sequence=None,
    worker_config=WorkerConfig(rank=0, world_size=1, num_workers=0), task_encoder=Encoder(),
    repeat=False,
)
for sample in get_loader(dataset):
    members = {name: sample[name].hex() for name in sample if not name.startswith("__")}
    print(json.dumps({"key": sample["__key__"], **members}))
"""


def test_webdataset_reads_the_same_samples() -> None:
    webdataset = pytest.importorskip("webdataset", reason="pip install webdataset")
    for variant in VARIANTS:
        data_set = open_data_set(GOLDEN / variant, split="train")
        with (GOLDEN / variant / "train-000.tar").open("rb") as file:
            opened = [{"url": "train-000.tar", "stream": file}]
            members = webdataset.tariterators.tar_file_expander(opened)
            theirs = list(webdataset.tariterators.group_by_keys(members))
        assert len(theirs) == len(data_set)
        for number, row in enumerate(theirs):
            sample = data_set.read_sample(number)
            names = data_set.layout.endings_of(len(sample.frames))
            assert [name for name in row if not name.startswith("__")] == list(names)
            assert [row[name] for name in names[:-2]] == sample.frames


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_hugging_face_datasets_reads_the_same_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="pip install datasets")
    golden = GOLDEN / variant
    # it takes the members from the first samples, or where they differ from the data set card
    files = {split: str(golden / f"{split}-*.tar") for split in ("train", "test")}
    named = (
        {"path": str(golden)}
        if variant == "lengths"
        else {"path": "webdataset", "data_files": files}
    )
    theirs = datasets.load_dataset(**named, cache_dir=str(tmp_path))
    for split in ("train", "test"):
        data_set = open_data_set(golden, split=split)
        rows = theirs[split].cast_column("000.jpg", datasets.Image(decode=False))
        assert len(rows) == len(data_set)
        for number, row in enumerate(rows):
            sample = data_set.read_sample(number)
            assert row["__key__"] == sample.record.key
            assert row["cls"] == sample.label
            assert row["json"] == json.loads(sample.record.to_json())
            assert row["000.jpg"]["bytes"] == bytes(sample.frames[0])
            pictures = [row[f"{place:03d}.jpg"] for place in range(1, 4)]
            assert [picture is not None for picture in pictures] == [
                place < len(sample.frames) for place in range(1, 4)
            ]
            assert pictures[0].size == (32, 24)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_nvidia_energon_prepares_and_reads_the_same_samples(tmp_path: Path, variant: str) -> None:
    pytest.importorskip(
        "megatron.energon",
        reason="pip install --no-deps megatron-energon, then, with torch held back by"
        " constraints.txt: pip install -c constraints.txt filetype mfusepy multi-storage-client"
        " rapidyaml s3fs tqdm braceexpand",
    )
    folder = tmp_path / "shards"
    shutil.copytree(GOLDEN / variant, folder)
    prepare = [
        *(sys.executable, "-c", "from megatron.energon.cli.main import main; main()", "prepare"),
        *(str(folder), "--non-interactive", "--sample-type", "CrudeWebdataset"),
        *("--split-parts", "train:train-.*.tar", "--split-parts", "test:test-.*.tar"),
    ]
    subprocess.run(prepare, check=True, capture_output=True)
    info = json.loads((folder / ".nv-meta/.info.json").read_text())
    assert info["shard_counts"] == {"train-000.tar": 3, "test-000.tar": 1}
    read = subprocess.run(
        [sys.executable, "-c", READ_WITH_ENERGON, str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    theirs = {line["key"]: line for line in map(json.loads, io.StringIO(read.stdout))}
    data_set = open_data_set(folder, split="train")
    assert len(theirs) == len(data_set)
    for number in range(len(data_set)):
        sample = data_set.read_sample(number)
        row = theirs[sample.record.key]
        assert bytes.fromhex(row["cls"]) == str(sample.label).encode()
        assert sum(name.endswith(".jpg") for name in row) == len(sample.frames)
        for place, jpeg in enumerate(sample.frames):
            assert bytes.fromhex(row[f"{place:03d}.jpg"]) == jpeg
