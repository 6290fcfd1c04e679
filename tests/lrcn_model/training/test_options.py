from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import NetConfig, Part
from lrcn_model.training.cnn_defaults import CNN_DEFAULTS
from lrcn_model.training.options import OPTIONS, TrainOptions, read_config
from lrcn_model.training.run_name import run_name
from lrcn_model.training.run_record import TrainedOn

CONFIGS = Path(__file__).parents[3] / "configs"


def test_every_value_has_a_meaning_for_the_help() -> None:
    assert all(value.meaning.endswith((".", "]", ")")) for value in OPTIONS.values())


def test_all_values_survive_a_toml_file(tmp_path: Path) -> None:
    options = TrainOptions(
        shards=("a.tar", "b c.tar"),
        net=NetConfig(size=(64, 48)),
        lr=1e-3,
        balanced=True,
        workers=3,
        amp="bf16",
    )
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(options.to_toml()))
    assert TrainOptions().with_values(read_config(path)) == options
    assert TrainOptions().with_values(read_config(path)).to_toml() == tomllib.loads(
        path.read_text()
    )


def test_the_defaults_are_the_papers_training() -> None:
    defaults = TrainOptions().to_toml()
    paper = read_config(CONFIGS / "paper.toml")
    assert TrainOptions().with_values(paper) == TrainOptions()
    assert (defaults["lr"], defaults["lr_decay"], defaults["lr_decay_every"]) == (5e-5, 0.5, 5)
    assert (defaults["batch_size"], defaults["epochs"], defaults["dropout"]) == (2, 10, 0.5)


def test_what_suits_a_cnn_holds_where_the_user_gives_nothing_else() -> None:
    suited = CNN_DEFAULTS["small"]
    small = TrainOptions.of_new_run({"cnn": "small"})
    assert small == TrainOptions().with_values({"cnn": "small"}, suited)
    assert small.lr > TrainOptions().lr
    for layers in (
        [{"cnn": "small", "lr": 0.5}],
        [{"cnn": "paper", "lr": 0.5}, {"cnn": "small"}],
        [{"lr": 0.25}, {"cnn": "small", "lr": 0.5}],
    ):
        assert TrainOptions.of_new_run(*layers).lr == 0.5


@pytest.mark.parametrize("cnn", ["paper", "own:net"])
def test_other_cnns_have_the_papers_values(cnn: str) -> None:
    assert TrainOptions.of_new_run({"cnn": cnn}) == TrainOptions(net=NetConfig(cnn=cnn))


def test_the_values_that_suit_a_cnn_are_written_out_and_read_back(tmp_path: Path) -> None:
    options = TrainOptions.of_new_run({"cnn": "small"})
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(options.to_toml()))
    assert f"lr = {options.lr}" in path.read_text()
    assert TrainOptions().with_values(read_config(path)) == options


def test_the_demos_config_can_be_read() -> None:
    options = TrainOptions().with_values(read_config(CONFIGS / "demo.toml"))
    assert options.net == NetConfig(cnn="small", size=(64, 64), lstm_hidden=128, dropout=0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "--epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "--batch-size must be at least 1, got 0"),
        ({"lr": 0.0}, "--lr must be above 0, got 0"),
        ({"lr": float("inf")}, "--lr must be above 0, got inf"),
        ({"lr": float("nan")}, "--lr must be above 0, got nan"),
        ({"dropout": 1.0}, "--dropout must be below 1, got 1"),
        ({"flip": 1.5}, "--flip must be at least 0 and at most 1, got 1.5"),
        ({"weight_decay": float("nan")}, "--weight-decay must be at least 0, got nan"),
        ({"size": (0, 5)}, "--size must be at least 1x1, got 0x5"),
        ({"cnn": "big"}, "--cnn must be one of paper, paper-pooled, small, caffenet-fc6"),
        ({"head": "big"}, "--head must be one of lstm, gru, mean, none, or package.module:name"),
        ({"loss_at": "first"}, "--loss-at must be one of every, last, mean, got 'first'"),
        ({"amp": "fp8"}, "--amp must be one of auto, off, bf16, fp16, got 'fp8'"),
        ({"seed": -1}, "--seed must be at least 0"),
        ({"workers": -2}, "--workers must be at least 0, got -2"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_name(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        TrainOptions().with_values(values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize = 2", "there is no value 'batchsize'; did you mean 'batch_size'?"),
        ("lstm-hidden = 2", "did you mean 'lstm_hidden'?"),
        ("epochs = 2.5", "epochs must be a whole number, got 2.5"),
        ("epochs = true", "epochs must be a whole number, got True"),
        ("lr = '1e-3'", "lr must be a number, got '1e-3'"),
        ("balanced = 1", "balanced must be true or false, got 1"),
        ("size = 64", "size must be a size such as '216x216', got 64"),
        ("size = '64'", "'64' is no size; write WIDTHxHEIGHT"),
        ("shards = [1]", "shards must be a text or a list of texts, got [1]"),
        ("cnn = 3", "cnn must be a text, or a table with a name, got 3"),
        ("[head]\nhidden = 3", "head must be a text, or a table with a name, got {'hidden': 3}"),
        ("[train]\nlr = 1", "there is no value 'train'"),
        ("lr = ", "is no TOML file"),
    ],
)
def test_a_toml_file_that_cant_be_meant_is_refused_with_its_path(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_toml_file_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml can't be read: No such file"):
        read_config(tmp_path / "none.toml")


def test_what_doesnt_change_the_losses_is_not_part_of_a_runs_name() -> None:
    plain = TrainOptions().loss_values()
    same = TrainOptions(workers=5, device="cpu", checkpoint_every=7, log_every=3)
    assert same.loss_values() == plain
    changes: dict[str, Any] = {"lr": 1.0, "seed": 4, "size": (9, 9), "balanced": True, "crop": 0.1}
    for name, value in changes.items():
        assert TrainOptions().with_values({name: value}).loss_values() != plain


def test_values_that_could_always_be_said_are_recorded_as_they_always_were() -> None:
    options = TrainOptions().with_values(
        {"cnn": "small", "lstm_hidden": 0, "size": (64, 48), "freeze": ("cnn",), "init": "runs/a"}
    )
    assert options.loss_values() == {
        "cnn": "small",
        "size": "64x48",
        "lstm_hidden": 0,
        "dropout": 0.5,
        "mean": "image",
        "crop": 0.0,
        "flip": 0.0,
        "jitter": 0.0,
        "epochs": 10,
        "batch_size": 2,
        "accumulate": 1,
        "optimizer": "adam",
        "lr": 5e-5,
        "lr_schedule": "step",
        "lr_decay": 0.5,
        "lr_decay_every": 5,
        "warmup": 0,
        "weight_decay": 0.0,
        "clip_grad": 0.0,
        "label_smoothing": 0.0,
        "ema": 0.0,
        "init": "runs/a",
        "freeze": ["cnn"],
        "shuffle_window": 0,
        "balanced": False,
        "average": "log-probs",
        "reader": "shards",
        "amp": "auto",
        "seed": 0,
    }


def test_where_the_loss_is_taken_tells_runs_apart_unless_it_is_where_it_always_was() -> None:
    assert "loss_at" not in TrainOptions(loss_at="every").loss_values()
    assert TrainOptions(loss_at="last").loss_values()["loss_at"] == "last"


def test_the_name_of_a_run_is_the_one_it_had_before_there_were_heads() -> None:
    values = {"cnn": "small", "size": (32, 32), "lstm_hidden": 8, "ema": 0.5}
    trained_on = TrainedOn(shards=["a"], val_shards=[], classes=["b"], seq_len=4, fps="5")
    assert run_name(TrainOptions().with_values(values), trained_on) == "small-98fdd7e0"


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ({"head": "lstm"}, {"lstm_hidden": 256}),
        ({"head": Part("lstm", hidden=3)}, {"lstm_hidden": 3}),
        ({"head": "none"}, {"lstm_hidden": 0}),
        ({"head": Part("lstm", hidden=3, layers=1)}, {"lstm_hidden": 3}),
        ({"head": Part("gru", hidden=256)}, {"head": "gru"}),
        (
            {"head": Part("lstm", bidirectional=True)},
            {"head": {"name": "lstm", "hidden": 256, "bidirectional": True}},
        ),
        ({"head": "own:gru"}, {"head": "own:gru"}),
        ({"head": Part("own:gru", layers=2)}, {"head": {"name": "own:gru", "layers": 2}}),
    ],
)
def test_a_head_is_recorded_as_the_lstms_units_where_they_say_all(
    said: dict[str, Any], recorded: dict[str, Any]
) -> None:
    for values in (TrainOptions().with_values(said), TrainOptions().with_values({}, said)):
        found = values.loss_values()
        assert {name: found[name] for name in ("head", "lstm_hidden") if name in found} == recorded


def test_parts_with_values_of_their_own_survive_a_toml_file(tmp_path: Path) -> None:
    options = TrainOptions(
        net=NetConfig(cnn=Part("own:resnet", width=32), head=Part("own:gru", layers=2))
    )
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(options.to_toml()))
    assert '[cnn]\nname = "own:resnet"\nwidth = 32\n' in path.read_text()
    assert TrainOptions().with_values(read_config(path)) == options


def test_what_the_command_line_says_counts_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('lr = 0.1\nepochs = 3\nlstm_hidden = 8\n[cnn]\nname = "own:net"\nwidth = 2\n')
    file = read_config(path)
    options = TrainOptions().with_values(file, {"lr": 0.5, "head": "own:gru", "cnn": "own:net"})
    assert (options.lr, options.epochs) == (0.5, 3)
    assert options.net == NetConfig(cnn=Part("own:net", width=2), head="own:gru")
    assert TrainOptions().with_values(file, {"cnn": "paper"}).net == NetConfig(lstm_hidden=8)


def test_the_older_name_of_the_head_freezes_the_same_in_the_same_run() -> None:
    old, new = (TrainOptions(freeze=("cnn", name), init="a") for name in ("lstm", "head"))
    assert old.frozen_modules() == new.frozen_modules() == ["cnn", "head"]
    assert old.loss_values() == new.loss_values()
    assert old.loss_values()["freeze"] == ["cnn", "lstm"]


@pytest.mark.parametrize("name", ["lstm", "head"])
def test_a_head_that_is_not_there_is_not_frozen(name: str) -> None:
    with pytest.raises(UsageError, match=f"--freeze {name}: with --lstm-hidden 0 there is none"):
        TrainOptions(net=NetConfig(head="none"), freeze=(name,), init="a")
    with pytest.raises(UsageError, match="leaves nothing to train"):
        TrainOptions(net=NetConfig(head="none"), freeze=("cnn", "classifier"), init="a")
