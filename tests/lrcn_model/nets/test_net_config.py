from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import NetConfig, Part

OWN = Part("my_nets:resnet", width=32, depths=[1, 2])


def test_importing_it_does_not_import_torch() -> None:
    code = (
        "import sys, lrcn_model.nets.net_config, lrcn_model.training.options;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("part", [Part("paper"), OWN])
def test_a_part_comes_back_from_its_record(part: Part) -> None:
    assert Part.of(json.loads(json.dumps(part.to_json()))) == part
    assert pickle.loads(pickle.dumps(part)) == copy.deepcopy(part) == part
    assert hash(copy.deepcopy(part)) == hash(part)


def test_a_parts_values_are_those_of_its_file_whatever_they_are_given_as() -> None:
    depths = [1, 2]
    part = Part("my_nets:resnet", width=32, depths=tuple(depths))
    assert part == OWN
    other = Part("my_nets:resnet", depths=depths)
    depths.append(3)
    assert other.values == {"depths": [1, 2]}


def test_a_value_that_cant_be_saved_is_refused() -> None:
    with pytest.raises(UsageError, match=r"values of my_nets:resnet can't be saved"):
        Part("my_nets:resnet", width={1, 2})


def test_a_table_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"needs a name, got \{'width': 3\}"):
        NetConfig(cnn={"width": 3})


def test_a_kind_fills_in_the_values_that_are_not_given() -> None:
    assert OWN.filled(width=16, depths=[1], bias=True) == {
        "width": 32,
        "depths": [1, 2],
        "bias": True,
    }
    with pytest.raises(UsageError, match=r"resnet has no value 'width'; did you mean 'widths'\?"):
        OWN.filled(widths=[16], depths=[1])


@pytest.mark.parametrize(
    ("values", "head"),
    [
        ({}, Part("lstm", hidden=256)),
        ({"head": "lstm"}, Part("lstm", hidden=256)),
        ({"lstm_hidden": 9}, Part("lstm", hidden=9)),
        ({"head": "lstm", "lstm_hidden": 9}, Part("lstm", hidden=9)),
        ({"lstm_hidden": 0}, Part("none")),
        ({"head": "none"}, Part("none")),
        ({"head": {"name": "my_nets:gru", "layers": 2}}, Part("my_nets:gru", layers=2)),
        ({"head": {"name": "lstm", "layers": 2}}, Part("lstm", hidden=256, layers=2)),
        ({"head": Part("lstm", layers=2), "lstm_hidden": 9}, Part("lstm", hidden=9, layers=2)),
        ({"head": {"name": "gru", "hidden": 9}}, Part("gru", hidden=9)),
    ],
)
def test_the_head_may_be_said_by_name_or_by_the_lstms_units(
    values: dict[str, Any], head: Part
) -> None:
    assert NetConfig(**values).head == head


@pytest.mark.parametrize("head", ["none", "my_nets:gru"])
def test_the_lstms_units_and_another_head_contradict_each_other(head: str) -> None:
    message = f"--lstm-hidden 8 means --head lstm, but --head is {head}"
    with pytest.raises(UsageError, match=message):
        NetConfig(head=head, lstm_hidden=8)


@pytest.mark.parametrize(
    ("said", "shortly"),
    [
        (
            Part("lstm", hidden=4, layers=1, bidirectional=False, input="features"),
            Part("lstm", hidden=4),
        ),
        (Part("lstm", bidirectional=True), Part("lstm", hidden=256, bidirectional=True)),
        (Part("gru", hidden=256, layers=1), Part("gru")),
        (Part("mean", input="features"), Part("mean")),
    ],
)
def test_a_value_given_as_its_default_makes_no_other_head(said: Part, shortly: Part) -> None:
    assert NetConfig(head=said) == NetConfig(head=shortly)
    assert NetConfig(head=said).to_json()["head"] == shortly.to_json()


def test_a_value_of_another_type_is_not_taken_for_the_default() -> None:
    head = Part("gru", layers=True, bidirectional=0)
    assert NetConfig(head=head).head == head
    assert NetConfig(head=head).head.values["layers"] is True


def test_a_config_says_the_lstms_units_where_they_say_all_of_the_head() -> None:
    heads: list[Any] = ["lstm", "none", {"name": "lstm", "hidden": 4}, "my_nets:gru"]
    assert [NetConfig(head=head).lstm_hidden for head in heads] == [256, 0, 4, None]
    assert NetConfig(head={"name": "lstm", "hidden": 4, "more": 1}).lstm_hidden is None


@pytest.mark.parametrize(
    "config",
    [
        NetConfig(classes=3, cnn="small", size=(40, 32), lstm_hidden=6),
        NetConfig(classes=3, cnn=OWN, head="none", channels=2, dropout=0.0),
    ],
)
def test_a_config_comes_back_from_its_record(config: NetConfig) -> None:
    assert NetConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert replace(config, classes=9).classes == 9
    assert replace(config, classes=9).head == config.head


def test_a_record_from_before_there_were_heads_is_read() -> None:
    record = {"classes": 3, "cnn": "paper", "size": [40, 32], "lstm_hidden": 0, "dropout": 0.25}
    assert NetConfig.from_json(record) == NetConfig(
        classes=3, size=(40, 32), head="none", dropout=0.25
    )


def test_changes_count_over_what_was_there_before() -> None:
    config = NetConfig(cnn=OWN, lstm_hidden=8)
    assert config.changed({"cnn": "my_nets:resnet"}) == config
    assert config.changed({"head": "lstm"}) == config
    assert config.changed({"cnn": "small"}).cnn == Part("small")
    assert config.changed({"cnn": Part("my_nets:resnet", width=1)}).cnn.values == {"width": 1}
    other = config.changed({"head": "my_nets:gru"})
    assert other.head == Part("my_nets:gru")
    assert other.changed({"lstm_hidden": 5}).head == Part("lstm", hidden=5)
    assert other.changed({"lstm_hidden": 0}).changed({"lstm_hidden": 5}).lstm_hidden == 5


def test_another_number_of_units_keeps_the_lstms_other_values() -> None:
    config = NetConfig(head=Part("lstm", layers=2))
    assert config.changed({"lstm_hidden": 5}).head == Part("lstm", hidden=5, layers=2)
    assert config.changed({"lstm_hidden": 5}).lstm_hidden is None
    assert config.changed({"lstm_hidden": 0}).head == Part("none")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": -1}, "can't have -1 classes"),
        ({"channels": 0}, "at least 1 channel, got 0"),
        (
            {"head": "big"},
            r"--head must be one of lstm, gru, mean, none, or package\.module:name of",
        ),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NetConfig(**values)
