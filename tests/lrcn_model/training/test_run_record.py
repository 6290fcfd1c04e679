from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.metrics_log import MetricsLog, cut_back, epoch_lines, kept_epoch
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_name import run_name
from lrcn_model.training.run_record import TrainedOn, check_same, write_record

TRAINED_ON = TrainedOn(
    shards=["aa", "bb"], val_shards=[], classes=["walk", "run"], seq_len=8, fps="5"
)
OPTIONS = TrainOptions(net=NetConfig(cnn="small"), lr=1e-3)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    write_record(run, OPTIONS, TRAINED_ON, {"torch": "2"})
    return run


def test_a_runs_name_depends_on_data_and_values_only() -> None:
    name = run_name(OPTIONS, TRAINED_ON)
    prefix, digits = name.split("-")
    assert prefix == "small"
    assert len(digits) == 8
    assert int(digits, 16) >= 0
    assert run_name(replace(OPTIONS, workers=3, shards=("elsewhere",)), TRAINED_ON) == name
    assert run_name(replace(OPTIONS, lr=1e-4), TRAINED_ON) != name
    assert run_name(OPTIONS, replace(TRAINED_ON, shards=["bb", "aa"])) != name


def test_a_kind_of_frames_counts_only_where_it_is_not_rgb(folder: RunFolder) -> None:
    other = replace(TRAINED_ON, frame_kind="my.frames:Grey")
    assert "frame_kind" not in json.loads(folder.record.read_bytes())
    assert run_name(OPTIONS, other) != run_name(OPTIONS, TRAINED_ON)
    with pytest.raises(UsageError, match=r"run with frame_kind rgb, not my\.frames:Grey"):
        check_same(folder, OPTIONS, other)
    write_record(folder, OPTIONS, other, {})
    check_same(folder, OPTIONS, other)


def test_the_same_command_belongs_to_the_run(folder: RunFolder) -> None:
    check_same(folder, replace(OPTIONS, workers=2, epochs=20), TRAINED_ON)


def test_another_value_is_refused_with_both_values(folder: RunFolder) -> None:
    with pytest.raises(
        UsageError, match=r"run with lr 0.001, not 0.5; use another --out, with --init .* to begin"
    ):
        check_same(folder, replace(OPTIONS, lr=0.5), TRAINED_ON)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (replace(TRAINED_ON, shards=["aa"]), r"other shards \(2, not 1\)"),
        (replace(TRAINED_ON, shards=["aa", "cc"]), r"other shards \(others\)"),
        (replace(TRAINED_ON, classes=["walk", "hop"]), "other classes"),
        (replace(TRAINED_ON, seq_len=16), "seq_len 8, not 16"),
    ],
)
def test_other_data_is_refused_with_what_differs(
    folder: RunFolder, data: TrainedOn, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        check_same(folder, OPTIONS, data)


def test_a_damaged_record_is_an_error_with_a_remedy(folder: RunFolder) -> None:
    folder.record.write_text("{")
    with pytest.raises(LrcnError, match=r"run\.json can't be read .*--fresh"):
        check_same(folder, OPTIONS, TRAINED_ON)


def test_clearing_a_run_leaves_what_is_not_its_own(folder: RunFolder) -> None:
    (folder.path / "notes.txt").write_text("mine")
    (folder.path / "sub").mkdir()
    folder.metrics.write_text("")
    folder.clear()
    assert sorted(path.name for path in folder.path.iterdir()) == ["notes.txt", "sub"]


def test_metrics_are_cut_back_to_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [
        {"step": 1, "epoch": 1, "loss": 3.0},
        {"step": 2, "epoch": 1, "loss": 2.0},
        {"step": 2, "epoch": 1, "loss": 2.5, "accuracy": 0.5},
        {"step": 3, "epoch": 2, "loss": 1.0},
        {"step": 4, "epoch": 2, "loss": 1.0},
        {"step": 4, "epoch": 2, "loss": 1.0, "accuracy": 0.7},
    ]
    whole = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(whole + '{"step": 5, "ep')
    cut_back(path, step=4, epochs=2)
    assert path.read_text() == whole
    # the checkpoint may have been saved before its epoch's end was
    cut_back(path, step=4, epochs=1)
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines[:5]
    cut_back(path, step=3, epochs=1)
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines[:4]


def test_lines_without_a_kind_are_cut_back_together_with_those_that_have_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [
        {"step": 2, "epoch": 1, "loss": 2.0},
        {"step": 2, "epoch": 1, "loss": 2.5, "accuracy": 0.5},
        # a later version may say of steps what only epochs had before
        {"kind": "step", "step": 3, "epoch": 2, "loss": 1.0, "accuracy": 0.6},
        {"kind": "epoch", "step": 4, "epoch": 2, "loss": 1.0, "accuracy": 0.7},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert epoch_lines(path) == [lines[1], lines[3]]
    cut_back(path, step=4, epochs=1)
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines[:3]


@pytest.mark.parametrize(
    ("bests", "kept"), [((None, None), 2), ((True, False), 1), ((True, True, False), 2)]
)
def test_the_weights_kept_are_those_of_the_best_epoch_else_of_the_last(
    bests: tuple[bool | None, ...], kept: int
) -> None:
    lines = [
        {"epoch": number, **({} if best is None else {"best": best})}
        for number, best in enumerate(bests, 1)
    ]
    assert kept_epoch(lines)["epoch"] == kept


def test_tensorboard_gets_what_the_metrics_have(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    metrics, events = tmp_path / "metrics.jsonl", tmp_path / "events"
    with MetricsLog(metrics, events, step=0, epochs=0) as log:
        for step in (1, 2, 3):
            log.write("step", {"step": step, "epoch": 1, "loss": 1 / step})
        log.write("epoch", {"step": 3, "epoch": 1, "loss": 0.5, "accuracy": 0.25})
    # TensorBoard reads files by their names, which begin with the second that they are made in
    time.sleep(1)
    with MetricsLog(metrics, events, step=2, epochs=0) as log:
        log.write("step", {"step": 3, "epoch": 1, "loss": 9.0})
    assert epoch_lines(metrics) == []
    found = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [(line["kind"], line["loss"]) for line in found] == [
        ("step", 1.0),
        ("step", 0.5),
        ("step", 9.0),
    ]
    found = EventAccumulator(str(events)).Reload().Scalars("step/loss")
    assert [(event.step, event.value) for event in found] == [(1, 1.0), (2, 0.5), (3, 9.0)]


def test_plug_ins_are_recorded_only_where_there_are_some(folder: RunFolder) -> None:
    assert "plugins" not in json.loads(folder.record.read_text())
    assert "plugins" not in TRAINED_ON.as_record()
    with_plugin = replace(TRAINED_ON, plugins={"own:net": "1"})
    assert TrainedOn.from_json(with_plugin.as_record()) == with_plugin
    assert TrainedOn.from_json(TRAINED_ON.as_record()) == TRAINED_ON


def test_the_version_of_a_plug_in_tells_runs_apart(folder: RunFolder) -> None:
    one, other = (replace(TRAINED_ON, plugins={"own:net": version}) for version in "12")
    assert len({run_name(OPTIONS, data) for data in (TRAINED_ON, one, other)}) == 3
    write_record(folder, OPTIONS, one, {})
    check_same(folder, OPTIONS, one)
    with pytest.raises(UsageError, match="is a run with version 1 of own:net, not 2; use another"):
        check_same(folder, OPTIONS, other)


def test_the_folder_of_a_run_with_a_plug_in_is_named_after_its_function() -> None:
    options = replace(OPTIONS, net=NetConfig(cnn="own_nets.big:resnet"))
    assert run_name(options, TRAINED_ON).startswith("resnet-")
