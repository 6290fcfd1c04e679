"""lrcn-train as a user calls it, on a few random clips."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
import torch

from lrcn_data.errors import UsageError
from lrcn_data.machine import usable_cores
from lrcn_model import ShardDataset
from lrcn_model.nets.layer_table import net_table
from lrcn_model.nets.net import LRCN, NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.scoring.trained_run import load_run
from lrcn_model.training.begin_with import begin_with
from lrcn_model.training.options import OPTIONS, TrainOptions

MakeDataSet = Callable[..., Path]
SMALL = ["--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"]


def train(*arguments: str) -> None:
    from lrcn_cli.train import command

    command.main([*SMALL, *arguments], standalone_mode=False)


def metrics(run: str, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def net_of(run: str) -> LRCN:
    return load_run(Path(run), choose_processor("cpu", "off")).net


def tensors(run: str) -> dict[str, torch.Tensor]:
    return net_of(run).state_dict()


@pytest.fixture
def data(make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shards of 3 classes for training and validation; the current folder is beside them."""
    path = make_data_set(samples={"train": [7, 6], "val": [5]}, sizes=((32, 32),), seq_len=3)
    monkeypatch.chdir(path.parent)
    return path


TRAIN = ["--shards", "shards/train-{000..001}.tar", "--val-shards", "shards/val-000.tar"]


def test_the_options_are_those_that_scripts_depend_on() -> None:
    from lrcn_cli.train import command

    found = {option for parameter in command.params for option in parameter.opts}
    values = {"--" + name.replace("_", "-") for name in OPTIONS}
    assert found == values | {
        *("--config", "--out", "--resume", "--fresh", "--dry-run", "--report", "--json", "--debug"),
        *("--frame-kind", "--pictures", "--log", "--log-file"),
        "--version",
    }
    assert "--allow-other-sampling" in values
    values.discard("--allow-other-sampling")
    assert values == {
        *("--shards", "--val-shards", "--cnn", "--head", "--size", "--lstm-hidden", "--dropout"),
        "--frame-input",
        "--modality-dropout",
        *("--mean", "--allow-one-class"),
        *("--crop", "--flip", "--jitter", "--epochs", "--batch-size", "--accumulate"),
        *("--optimizer", "--lr", "--lr-schedule", "--lr-decay", "--lr-decay-every", "--warmup"),
        *("--weight-decay", "--clip-grad", "--label-smoothing", "--loss-at", "--ema"),
        *("--patience", "--init"),
        *("--pretrained", "--part-lr", "--cache", "--cache-dir", "--cache-size", "--fixed-views"),
        *("--mixup", "--mix", "--seq-len"),
        *("--class-weights", "--window", "--window-stride", "--carry-state", "--smooth"),
        *("--freeze", "--shuffle-window", "--balanced", "--average", "--reader", "--amp"),
        *("--compile", "--seed", "--device", "--workers", "--checkpoint-every", "--log-every"),
    }


def test_what_comes_is_said_before_torch_is_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "lrcn_cli.train", "--shards", "a", "b"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    said = lines.index("getting ready to train paper on a and 1 more")
    imported = [line.rpartition("|")[2].strip() for line in lines]
    assert said < imported.index("torch")
    assert done.returncode == 1
    [error] = [line for line in lines if line.startswith("error: ")]
    assert "a has no readable dataset.json" in error


def test_a_training_says_at_its_start_what_it_trains_on_what(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads = torch.get_num_threads()
    try:
        train(*TRAIN, "--epochs", "1", "--out", "run")
    finally:
        torch.set_num_threads(threads)
    parameters = sum(value.numel() for value in net_of("run").parameters())
    assert (
        f"CPU, {usable_cores()} threads, float32: 13 clips of 3 classes, 5 to validate"
        f" with; {parameters:,} parameters (--cnn small)\n"
    ) in capsys.readouterr().err


def test_a_run_that_goes_on_is_not_refused_for_what_it_is_started_by(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []
    for epochs in ("1", "2"):
        monkeypatch.setattr(sys, "argv", ["lrcn-train", "--epochs", epochs])
        train(*TRAIN, "--epochs", epochs, "--out", "run")
        environment = json.loads(Path("run/run.json").read_text())["environment"]
        commands.append(environment["command"])
        assert environment["lrcn"] == version("lrcn")
        assert "git_commit" in environment
    assert commands == [["lrcn-train", "--epochs", "1"], ["lrcn-train", "--epochs", "2"]]
    assert len(metrics("run", "epoch")) == 2


def test_a_run_of_before_keeps_its_values_where_it_is_resumed(data: Path) -> None:
    from lrcn_cli.train import command

    train(*TRAIN, "--epochs", "1", "--lr", "5e-5", "--dropout", "0.2", "--out", "run")
    command.main(["--resume", "run", "--epochs", "2"], standalone_mode=False)
    assert "lr = 5e-05" in Path("run/config.toml").read_text()
    with pytest.raises(
        UsageError, match=r"run with lr 5e-05, not 0.0005; use .*--resume run to go"
    ):
        train(*TRAIN, "--epochs", "2", "--out", "run")


def test_the_logged_rates_are_those_of_the_cosine(data: Path) -> None:
    options = ["--epochs", "2", "--lr-schedule", "cosine", "--lr", "0.1", "--log-every", "1"]
    train(*TRAIN, *options, "--out", "run")
    rates = [line["lr"] for line in metrics("run", "step")]
    steps = torch.arange(14) / 14 * torch.pi
    assert rates == pytest.approx((0.05 * (1 + steps.cos())).tolist(), abs=1e-6)


def test_a_run_with_the_cosine_is_not_extended(data: Path) -> None:
    options = ["--epochs", "1", "--lr-schedule", "cosine", "--out", "run"]
    train(*TRAIN, *options)
    with pytest.raises(UsageError, match=r"epochs 1, not 2, over which --lr-schedule cosine"):
        train(*TRAIN, *options, "--epochs", "2")


def test_training_stops_when_val_stays_without_a_better_accuracy(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # with frames of noise and no learning, nothing gets better after the first epoch
    command = [*TRAIN, "--lr", "1e-12", "--epochs", "9", "--patience", "2", "--out", "run"]
    command += ["--optimizer", "sgd", "--cnn", "paper", "--size", "16x16", "--dropout", "0"]
    train(*command)
    ended = [line["epoch"] for line in metrics("run", "epoch")]
    best = max(line["epoch"] for line in metrics("run", "epoch") if line["best"])
    assert ended == list(range(1, best + 3))
    assert f"stopped after {best + 2} of 9 epochs" in capsys.readouterr().out
    train(*command)
    assert f"stopped after {best + 2} of 9 epochs" in capsys.readouterr().out
    assert [line["epoch"] for line in metrics("run", "epoch")] == ended


def test_patience_needs_clips_to_validate_with(data: Path) -> None:
    with pytest.raises(UsageError, match=r"--patience 2 waits .* on --val-shards; name some"):
        train("--shards", "shards/train-000.tar", "--patience", "2")


def test_a_training_begins_with_another_runs_weights_and_freezes_a_part(data: Path) -> None:
    train(*TRAIN, "--epochs", "1", "--out", "first")
    train(*TRAIN, "--epochs", "1", "--init", "first", "--freeze", "cnn", "--out", "second")
    first, second = tensors("first"), tensors("second")
    same = {name for name, value in first.items() if torch.equal(value, second[name])}
    assert {name for name in first if name.startswith("cnn.")} <= same
    assert "classifier.weight" not in same


def test_a_classifier_of_other_classes_begins_at_random_and_it_is_said(
    data: Path, make_data_set: MakeDataSet, capsys: pytest.CaptureFixture[str]
) -> None:
    make_data_set("others", samples={"train": [6]}, sizes=((32, 32),), seq_len=3, classes=5)
    train(*TRAIN, "--epochs", "1", "--out", "first")
    train("--shards", "others", "--epochs", "1", "--init", "first", "--out", "second")
    assert (
        "first has other classes: the classifier keeps the weights of the 3 that stand in both; as"
        " drawn at random begins 'class 3', 'class 4'"
    ) in capsys.readouterr().err
    assert tensors("second")["classifier.weight"].shape[0] == 5


def begun(folder: Path, init: str, **values: Any) -> tuple[LRCN, list[str]]:
    """A net that begins with a run's weights on the clips of a folder, and what is said of it."""
    data = ShardDataset(folder)
    torch.manual_seed(7)
    config = NetConfig(classes=len(data.classes), cnn="small", size=(32, 32), lstm_hidden=8)
    options = TrainOptions().with_values({"init": init, "shards": (str(folder),), **values})
    return (net := LRCN(config)), list(begin_with(net, options, data).warnings)


def test_a_classifier_is_taken_over_by_the_names_of_its_classes(
    data: Path, make_data_set: MakeDataSet
) -> None:
    train(*TRAIN, "--epochs", "1", "--out", "first")
    names = ["class 2", "new", "class 0"]
    other = make_data_set("reversed", samples={"train": [6]}, class_names=names)
    net, said = begun(other, "first")
    first = tensors("first")
    for part in ("weight", "bias"):
        now, before = net.state_dict()[f"classifier.{part}"], first[f"classifier.{part}"]
        assert torch.equal(now[0], before[2])
        assert torch.equal(now[2], before[0])
        assert not any(torch.equal(now[1], row) for row in before)
    [sentence] = said
    assert sentence.endswith("of the 2 that stand in both; as drawn at random begins 'new'")


def test_the_same_classes_in_another_order_are_no_other_ones(
    data: Path, make_data_set: MakeDataSet
) -> None:
    train(*TRAIN, "--epochs", "1", "--out", "first")
    names = ["class 1", "class 2", "class 0"]
    other = make_data_set("turned", samples={"train": [6]}, class_names=names)
    net, _ = begun(other, "first", freeze=("classifier",))
    first = tensors("first")["classifier.weight"]
    assert torch.equal(net.state_dict()["classifier.weight"], first[[1, 2, 0]])


def test_a_classifier_that_is_drawn_at_random_can_not_be_frozen(
    data: Path, make_data_set: MakeDataSet
) -> None:
    train(*TRAIN, "--epochs", "1", "--out", "first")
    other = make_data_set("others", samples={"train": [6]}, classes=4)
    with pytest.raises(
        UsageError, match=r"--freeze classifier would keep .* doesn't have 'class 3'"
    ):
        begun(other, "first", freeze=("classifier",))


OTHER_SAMPLING = [
    ({"fps": "25"}, "--fps 25, not 5"),
    ({"sampling": "windows", "stride": 2}, "--sampling windows, not blocks"),
]


@pytest.mark.parametrize(("recipe", "difference"), OTHER_SAMPLING)
def test_clips_that_were_sampled_otherwise_are_refused_or_said(
    data: Path,
    make_data_set: MakeDataSet,
    capsys: pytest.CaptureFixture[str],
    recipe: dict[str, Any],
    difference: str,
) -> None:
    blocks = {"sampling": "blocks", "stride": None}
    make_data_set("b", samples={"train": [4]}, sizes=((32, 32),), recipe=blocks)
    other = {"sampling": "blocks", **recipe}
    make_data_set("o", samples={"train": [4], "val": [2]}, sizes=((32, 32),), recipe=other)
    train("--shards", "b", "--epochs", "1", "--out", "first")
    for arguments in (
        ("--shards", "b", "--val-shards", "o"),
        ("--shards", "o", "--init", "first"),
    ):
        with pytest.raises(UsageError, match=f"{difference}.*--allow-other-sampling"):
            train(*arguments, "--epochs", "1", "--out", "second")
        train(*arguments, "--epochs", "1", "--out", "second", "--allow-other-sampling")
        assert difference in capsys.readouterr().err
        assert "allow_other_sampling = true" in Path("second/config.toml").read_text()
        shutil.rmtree("second")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--freeze", "cnn"], "--freeze cnn would keep weights as drawn at random"),
        (
            ["--freeze", "neck", "--init", "x"],
            "--freeze takes cnn, lstm, head, classifier, or a module within one of them",
        ),
        (["--freeze", "cnn", "lstm", "classifier", "--init", "x"], "leaves nothing to train"),
        (["--freeze", "head", "--pretrained", "x"], "--freeze head would keep weights as drawn"),
        (["--init", "x", "--pretrained", "y"], "give one of the two"),
        (["--part-lr", "cnn"], "--part-lr takes a part and its learning rate, such as cnn=1e-5"),
        (["--part-lr", "cnn=fast"], "such as cnn=1e-5, got 'cnn=fast'"),
        (["--part-lr", "cnn=-1"], "such as cnn=1e-5, got 'cnn=-1'"),
        (["--part-lr", "neck=1"], "--part-lr takes cnn, lstm, head, classifier, or a module"),
        (["--part-lr", "cnn.99=1"], "--part-lr cnn.99: the net has no such module; of cnn it has"),
        (["--init", "nowhere"], "there is no run nowhere"),
        (["--ema", "1"], "1.0 is not in the range 0<=x<1"),
        (["--label-smoothing", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["--lr", "inf"], "--lr must be above 0, got inf"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_folder(
    data: Path, options: list[str], said: str
) -> None:
    with pytest.raises((UsageError, click.UsageError)) as caught:
        train(*TRAIN, *options, "--out", "run")
    assert said in str(caught.value)
    assert not Path("run").exists()


def test_other_nets_weights_are_refused(data: Path) -> None:
    train(*TRAIN, "--epochs", "1", "--out", "first")
    with pytest.raises(UsageError, match=r"--lstm-hidden 8, this training 4; they must be the sa"):
        train(*TRAIN, "--init", "first", "--lstm-hidden", "4")


def test_the_table_has_the_papers_operations() -> None:
    table = net_table(LRCN(NetConfig(classes=101)))
    assert table.flop == pytest.approx(7.375e9, rel=1e-3)
    assert table.flop_with_backward == pytest.approx(21.25e9, rel=1e-3)
    assert sum(layer.parameters for layer in table.layers) == 46_988_809


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().rglob("*"))
    train(*TRAIN, "--dry-run", "--epochs", "3")
    said = capsys.readouterr().out
    assert "small at 32x32, dropout 0.2; adam, --lr 0.0005, --batch-size 2" in said
    assert "13 clips, validated with 5; 7 steps an epoch, 21 in all" in said
    assert "GFLOP a frame forward" in said
    assert "MiB at most" in said
    assert "would start the run runs/small-" in said
    assert sorted(Path().rglob("*")) == before


@pytest.mark.slow
def test_without_torch_it_says_what_to_install(data: Path) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest);"
        "from lrcn_cli.train import main; sys.argv = ['lrcn-train', '--shards', 'x']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "error: torch can't be imported, which this command needs; install what is missing with"
        " pip install 'lrcn[train]'\n"
    )


def test_a_folder_and_a_shard_are_not_named_at_once(data: Path) -> None:
    with pytest.raises(UsageError, match="name folders or shards, not both"):
        train("--shards", "shards", "shards/train-000.tar", "--dry-run")


def test_shards_of_other_splits_and_those_trained_on_are_warned_of(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["--shards", "shards/*.tar", "--val-shards", "shards/val-000.tar"]
    train(*both, "--epochs", "1", "--out", "run")
    said = capsys.readouterr().err
    assert "warning: 1 of the shards to train on are of another split, such as shards/val-" in said
    assert "are trained on and validated with; val figures mean little" in said


def test_val_shards_without_clips_are_refused(
    make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_data_set(samples={"train": [3], "val": [0]}, sizes=((32, 32),), seq_len=3)
    monkeypatch.chdir(path.parent)
    with pytest.raises(UsageError, match="the val shards named have no clips"):
        train("--shards", "shards/train-000.tar", "--val-shards", "shards/val-000.tar")


def test_a_folder_that_cant_be_made_is_refused_by_name(data: Path) -> None:
    with pytest.raises(UsageError, match="the run's folder /dev/null/run can't be made"):
        train(*TRAIN, "--out", "/dev/null/run")


def test_the_stored_size_of_shards_is_kept_with_the_weights(data: Path) -> None:
    manifest = json.loads((data / "dataset.json").read_text())
    manifest["options"]["size"] = [32, 32]
    (data / "dataset.json").write_text(json.dumps(manifest))
    train(*TRAIN, "--epochs", "1", "--out", "run")
    trained = load_run(Path("run"), choose_processor("cpu", "off"))
    assert trained.facts.stored_size == (32, 32)
    assert Path("run/checkpoints/best.pt").exists()


def test_a_net_of_single_frames_gives_its_cnn_to_one_with_an_lstm(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the two steps of Donahue et al.
    train(*TRAIN, "--lstm-hidden", "0", "--epochs", "1", "--out", "frames")
    second = ("--pretrained", "frames", "--freeze", "cnn", "--epochs", "1", "--out", "clips")
    train(*TRAIN, *second)
    assert "37 of the CNN's 37 tensors are from frames" in capsys.readouterr().err
    first, then = tensors("frames"), tensors("clips")
    for name, value in first.items():
        if name.startswith("cnn."):
            assert torch.equal(value, then[name]), name
    record = json.loads(Path("clips/pretrained.json").read_text())
    assert (len(record["loaded"]), record["missing"], record["unused"]) == (37, [], [])
    # it goes on without the weights that it began with
    shutil.rmtree("frames")
    train(*TRAIN, "--pretrained", "frames", "--freeze", "cnn", "--epochs", "2", "--out", "clips")


def test_kept_weights_are_calibrated_on_the_val_shards(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lrcn_model import evaluate

    train(*TRAIN, "--epochs", "2", "--out", "run")
    calibration = load_run("run").facts.calibration
    assert calibration is not None
    kept = [line for line in metrics("run", "epoch") if line["best"]][-1]
    assert kept["val_temperature"] == calibration.temperature
    assert f"calibrated: temperature {calibration.temperature:.3g}, fitted" in (
        capsys.readouterr().out
    )
    # calibrating the kept weights anew gives the same
    again = evaluate("run", "shards/val-*.tar", calibrate=True, workers=0).calibration
    assert again is not None
    assert again.temperature == pytest.approx(calibration.temperature, rel=1e-4)
    assert (again.videos, again.shards) == (calibration.videos, calibration.shards)


def test_without_val_shards_nothing_is_calibrated(data: Path) -> None:
    train(*TRAIN[:2], "--epochs", "1", "--out", "run")
    assert load_run("run").facts.calibration is None
