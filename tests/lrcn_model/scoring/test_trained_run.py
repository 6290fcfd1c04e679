from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model.nets.net import LRCN, NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.trained_run import RunFacts, load_run, save_calibration, save_weights
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_record import TrainedOn, write_record

CPU = choose_processor("cpu", "off")
FACTS = RunFacts(
    classes=["walk", "läuft", "a, b"],
    seq_len=4,
    fps=Fraction(25, 2),
    average="probs",
    stored_size=(64, 48),
    trained={"epoch": 3},
    recipe={"fps": "25/2", "seq_len": 4, "sampling": "windows", "stride": 2, "size": [64, 48]},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(40, 32), lstm_hidden=6))
    save_weights(
        tmp_path / "weights.safetensors", net, Preprocess((40, 32), torch.rand(3, 32, 40)), FACTS
    )
    return tmp_path / "weights.safetensors"


def test_a_net_comes_back_with_all_that_it_needs(path: Path) -> None:
    torch.manual_seed(0)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(40, 32), lstm_hidden=6)).eval()
    mean = torch.rand(3, 32, 40)
    run = load_run(path, CPU)
    assert run.facts == FACTS
    assert run.net.config == net.config
    assert run.preprocess.size == (40, 32)
    assert torch.equal(run.preprocess.mean, mean)
    frames = torch.randn(2, 4, 3, 32, 40)
    with torch.inference_mode():
        torch.testing.assert_close(run.net(frames), net(frames))


def test_the_same_weights_give_the_same_file(path: Path, tmp_path: Path) -> None:
    run = load_run(path, CPU)
    save_weights(tmp_path / "again", run.net, run.preprocess, run.facts)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_kind_of_frames_is_recorded_only_where_it_is_not_rgb(path: Path, tmp_path: Path) -> None:
    assert b"frame_kind" not in path.read_bytes()
    run = load_run(path, CPU)
    assert run.facts.frame_kind == "rgb"
    other = replace(FACTS, frame_kind="my.frames:Grey")
    save_weights(tmp_path / "other", run.net, run.preprocess, other)
    assert load_run(tmp_path / "other", CPU).facts == other


CALIBRATION = Calibration(temperature=1.5, videos=120, shards=["ab" * 32])


def test_a_calibration_is_kept_with_the_weights_and_changes_nothing_else(path: Path) -> None:
    assert b"calibration" not in path.read_bytes()
    before = load_run(path, CPU)
    save_calibration(before, CALIBRATION)
    after = load_run(path, CPU)
    assert after.facts == replace(FACTS, calibration=CALIBRATION)
    for name, value in before.net.state_dict().items():
        assert torch.equal(after.net.state_dict()[name], value), name
    assert torch.equal(after.preprocess.mean, before.preprocess.mean)


def test_the_file_is_the_same_whether_calibrated_at_once_or_later(path: Path) -> None:
    run = load_run(path, CPU)
    at_once = path.with_name("other.safetensors")
    save_weights(at_once, run.net, run.preprocess, replace(FACTS, calibration=CALIBRATION))
    save_calibration(run, CALIBRATION)
    assert path.read_bytes() == at_once.read_bytes()


def test_a_calibration_is_not_written_to_other_weights_than_it_was_fitted_to(path: Path) -> None:
    run = load_run(path, CPU)
    later = replace(FACTS, trained={"epoch": 4})
    save_weights(path, run.net, run.preprocess, later)
    with pytest.raises(LrcnError, match="has other weights by now; calibrate them again"):
        save_calibration(run, CALIBRATION)
    assert load_run(path, CPU).facts == later


def test_a_run_that_is_being_trained_is_not_calibrated(path: Path) -> None:
    holder = (
        "import sys; from pathlib import Path; from lrcn_data.storage.folder import Folder\n"
        f"with Folder({str(path.parent)!r}).lock(): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LrcnError, match="another run is writing there"):
            save_calibration(load_run(path, CPU), CALIBRATION)
        process.communicate(b"")


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]) -> None:
    """Change a file's record and tensors, and sign it as the file format says."""
    with safe_open(path, framework="pt") as file:
        record = json.loads(file.metadata()["lrcn"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del record["sha256"]
    change(record, tensors)
    digest = hashlib.sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().tobytes())
    record["sha256"] = digest.hexdigest()
    save_file(tensors, path, {"lrcn": json.dumps(record)})


def test_weights_of_version_1_are_read(path: Path) -> None:
    now = load_run(path, CPU)

    def as_it_was(record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        record["version"] = 1
        record["net"] = {
            "classes": 3,
            "cnn": "small",
            "size": [40, 32],
            "lstm_hidden": 6,
            "dropout": 0.5,
        }
        for name in [name for name in tensors if name.startswith("net.head.lstm.")]:
            tensors[name.replace("head.lstm.", "lstm.")] = tensors.pop(name)

    rewrite(path, as_it_was)
    before = load_run(path, CPU)
    assert before.net.config == now.net.config
    for name, value in now.net.state_dict().items():
        assert torch.equal(before.net.state_dict()[name], value), name


def test_an_impossible_calibration_is_refused(path: Path) -> None:
    impossible = {"temperature": -1, "videos": 3, "shards": []}
    rewrite(path, lambda record, tensors: record.update(calibration=impossible))
    with pytest.raises(LrcnError, match=r"doesn't hold a trained net: temperature -1\.0 is not"):
        load_run(path, CPU)


def test_weights_of_a_later_version_are_refused(path: Path) -> None:
    rewrite(path, lambda record, tensors: record.update(version=99))
    with pytest.raises(LrcnError, match=r"has version 99, this lrcn reads up to \d+; upgrade lrcn"):
        load_run(path, CPU)


def test_plain_frames_get_the_scores_of_the_same_frames_in_a_batch(path: Path) -> None:
    run = load_run(path, CPU)
    frames = torch.randint(0, 256, (2, 4, 48, 64, 3), dtype=torch.uint8)
    batch = ClipBatch(
        pixels=frames.flatten(),
        sizes=torch.tensor([[48, 64]] * 2),
        labels=torch.tensor([0, 1]),
        frame_labels=torch.zeros(2, 4, dtype=torch.int64),
        num_valid=torch.tensor([4, 4]),
        indices=torch.arange(2),
        keys=("a", "b"),
        videos=("a", "b"),
    )
    assert torch.equal(run.score_frames(frames), run.score(batch))
    torch.testing.assert_close(run.score_frames(frames[1:]), run.score(batch)[1:])


def test_every_flipped_bit_and_cut_is_noticed(path: Path) -> None:
    sound = path.read_bytes()
    rng = random.Random(0)
    places = [rng.randrange(len(sound)) for _ in range(30)] + [
        rng.randrange(900) for _ in range(30)
    ]
    for place in places:
        damaged = bytearray(sound)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(LrcnError, match=r"weights\.safetensors"):
            load_run(path, CPU)
        path.write_bytes(sound[:place])
        with pytest.raises(LrcnError, match=r"weights\.safetensors"):
            load_run(path, CPU)


def test_what_is_no_run_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        load_run(tmp_path / "none", CPU)
    with pytest.raises(UsageError, match=r"is no run: it has no weights\.safetensors"):
        load_run(tmp_path, CPU)
    write_record(
        RunFolder(tmp_path),
        TrainOptions(),
        TrainedOn(shards=[], val_shards=[], classes=["a"], seq_len=1, fps="5"),
        {},
    )
    with pytest.raises(UsageError, match=r"has no .* yet.*lrcn-train --resume"):
        load_run(tmp_path, CPU)


def test_somebody_elses_weights_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(LrcnError, match="holds no weights as lrcn-train writes them"):
        load_run(tmp_path, CPU)
