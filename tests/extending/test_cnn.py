"""A residual CNN with pretrained weights, added in a module of a user's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lrcn_data.errors import UsageError
from lrcn_model import LRCN, NetConfig

Lrcn = Callable[..., str]

MODULE = """
import torch
from torch import nn

from lrcn_model import Expects

__version__ = "1.0"


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.second(torch.relu(self.norm(self.first(x))))


class Pretrained(nn.Module):
    expects = Expects(low=-1, high=1, mean=(0.1, 0.0, -0.1), std=(0.5, 0.25, 0.5))

    def __init__(self, channels, width):
        super().__init__()
        self.features = width
        self.stem = nn.Conv2d(channels, width, 5, stride=2)
        self.blocks = nn.Sequential(Residual(width), nn.MaxPool2d(2), Residual(width))
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, frames):
        return self.pool(self.blocks(self.stem(frames))).flatten(1)


def build(config):
    values = config.cnn.filled(width=6)
    cnn = Pretrained(config.channels, values["width"])
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for value in cnn.parameters():
            value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    return cnn
"""

NAME = "own_cnn:build"
TRAIN = ["--shards", "shards", "--val-shards", "shards", "--size", "50x37", "--lstm-hidden", "8"]
TRAIN += ["--epochs", "1", "--device", "cpu", "--workers", "0"]


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's module; also importable here, anew for each test."""
    path = tmp_path / "own_cnn.py"
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_cnn", raising=False)
    return path


@pytest.fixture(scope="module")
def run(lrcn_with: Lrcn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of it, trained by a command line that names it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "own_cnn.py").write_text(MODULE)
    lrcn_with(folder, "lrcn-train", *TRAIN, "--cnn", NAME, "--out", folder / "run")
    return folder / "run"


def test_it_is_trained_scored_and_used_to_predict(run: Path, lrcn: Lrcn, video: Path) -> None:
    scored = json.loads(
        lrcn("lrcn-eval", run, "--shards", "shards", "--cnn", NAME, "--json", "--device", "cpu")
    )
    assert scored["videos"] == 6
    said = json.loads(lrcn("lrcn-predict", run, video, "--cnn", NAME, "--json", "--device", "cpu"))
    assert sum(guess["probability"] for guess in said["guesses"]) > 0.5
    assert json.loads((run / "run.json").read_text())["plugins"] == {NAME: "1.0"}


def test_its_weights_are_those_it_came_with_until_the_first_step(
    lrcn: Lrcn, tmp_path: Path
) -> None:
    import own_cnn  # type: ignore[import-not-found]

    config = NetConfig(classes=6, cnn=NAME, size=(50, 37))
    own = own_cnn.build(config)
    for name, value in LRCN(config).cnn.named_parameters():
        assert torch.equal(value, own.get_parameter(name)), name
    # steps so small that they change nothing, so what is saved is what was begun with
    still = ("--optimizer", "sgd", "--lr", "1e-30")
    lrcn("lrcn-train", *TRAIN, *still, "--cnn", NAME, "--out", tmp_path / "run")
    saved = load_file(tmp_path / "run/weights.safetensors")
    for name, value in own.named_parameters():
        assert torch.equal(saved[f"net.cnn.{name}"], value), name


def test_it_gets_frames_with_its_own_range_mean_and_std(run: Path) -> None:
    from lrcn_model.processor import choose_processor
    from lrcn_model.scoring.trained_run import load_run

    core = load_run(run, choose_processor("cpu", "off"), [NAME]).preprocess.core
    grey = torch.full((1, 3, 37, 50), 102, dtype=torch.uint8)
    colour = core(grey)[0, :, 5, 5]
    # 102 of 255 is -0.2 between -1 and 1
    torch.testing.assert_close(colour, torch.tensor([-0.3 / 0.5, -0.2 / 0.25, -0.1 / 0.5]))


def test_a_toml_table_gives_it_values_of_its_own(lrcn: Lrcn, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(f'epochs = 1\n[cnn]\nname = "{NAME}"\nwidth = 10\n')
    run = tmp_path / "run"
    lrcn("lrcn-train", *TRAIN, "--config", tmp_path / "own.toml", "--out", run)
    lrcn("lrcn-eval", run, "--shards", "shards", "--cnn", NAME, "--device", "cpu")
    lrcn("lrcn-train", "--resume", run, "--cnn", NAME, "--epochs", "2")
    saved = load_file(run / "weights.safetensors")
    assert saved["net.cnn.stem.weight"].shape == (10, 3, 5, 5)
    assert saved["net.head.lstm.weight_ih_l0"].shape == (4 * 8, 10)


def test_no_command_imports_it_from_a_run_unless_it_is_named_again(
    run: Path, lrcn: Lrcn, video: Path, module: Path
) -> None:
    module.write_text('raise SystemExit("imported")')
    for command in (
        ["lrcn-eval", run, "--shards", "shards"],
        ["lrcn-predict", run, video],
        ["lrcn-train", "--resume", run, "--epochs", "2"],
        ["lrcn-train", *TRAIN, "--cnn", "small", "--size", "40x40", "--init", run],
    ):
        [*_, said] = lrcn(*command, code=2).splitlines()
        assert "has the CNN 'own_cnn:build', a plug-in, which is imported only where you" in said
        assert said.endswith("give --cnn own_cnn:build")


def test_another_training_begins_with_its_weights(run: Path, lrcn: Lrcn, tmp_path: Path) -> None:
    begin = ("--init", run, "--freeze", "cnn", "--cnn", NAME)
    lrcn("lrcn-train", *TRAIN, *begin, "--out", tmp_path / "second")
    first, second = (load_file(path / "weights.safetensors") for path in (run, tmp_path / "second"))
    assert all(torch.equal(first[name], second[name]) for name in first if "net.cnn." in name)


def test_another_version_of_it_is_refused(run: Path, lrcn: Lrcn, module: Path) -> None:
    module.write_text(MODULE.replace('"1.0"', '"1.1"'))
    [said] = lrcn("lrcn-eval", run, "--shards", "shards", "--cnn", NAME, code=2).splitlines()
    assert "was made with version 1.0 of own_cnn:build, which has version 1.1 here" in said
    [_, said] = lrcn("lrcn-train", *TRAIN, "--cnn", NAME, "--out", run, code=2).splitlines()
    assert "is a run with version 1.0 of own_cnn:build, not 1.1" in said


def test_a_name_that_is_no_plug_ins_is_refused_where_a_run_is_scored(run: Path, lrcn: Lrcn) -> None:
    [said] = lrcn("lrcn-eval", run, "--shards", "shards", "--cnn", "small", code=2).splitlines()
    assert "--cnn names a plug-in of the run, package.module:name, got 'small'" in said


def test_a_dry_run_lists_its_layers(lrcn: Lrcn, tmp_path: Path) -> None:
    plan = json.loads(lrcn("lrcn-train", *TRAIN, "--cnn", NAME, "--dry-run", "--json"))
    layers = {layer["name"]: layer for layer in plan["layers"]}
    assert layers["cnn.stem"]["shape"] == [6, 17, 23]
    assert layers["cnn.pool"]["shape"] == [6, 1, 1]
    assert layers["head.lstm"]["shape"] == [8]
    assert layers["classifier"]["shape"] == [6]
    assert plan["folder"].startswith("runs/build-")


def test_a_cnn_that_doesnt_say_its_features_is_refused(module: Path) -> None:
    module.write_text(MODULE.replace("self.features = width", "pass"))
    with pytest.raises(UsageError, match=r"--cnn own_cnn:build doesn't say .*; set self\.features"):
        LRCN(NetConfig(classes=6, cnn=NAME))


def test_a_cnn_that_gives_other_features_than_it_says_is_named(module: Path) -> None:
    module.write_text(MODULE.replace("self.features = width", "self.features = width + 1"))
    net = LRCN(NetConfig(classes=6, cnn=NAME))
    with pytest.raises(UsageError, match=r"--cnn own_cnn:build turns 2 frames into .* correct"):
        net(torch.zeros(1, 2, 3, *net.config.size[::-1]))
