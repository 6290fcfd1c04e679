from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_model.searching.search_config import SearchConfig
from lrcn_model.searching.search_space import Choices, Range, read_space

BASE = 'cnn = "small"\nshards = "train.tar"\nval_shards = "val.tar"\n'


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(text: str) -> Path:
        path = tmp_path / "search.toml"
        path.write_text(BASE + text)
        return path

    return written


def test_a_range_of_an_option_of_whole_numbers_has_whole_numbers() -> None:
    table = {"epochs": {"low": 2, "high": 8, "step": 2}, "lr": {"low": 1, "high": 2}}
    epochs, lr = read_space(table, "file").values()
    assert isinstance(epochs, Range)
    assert isinstance(lr, Range)
    assert (epochs.whole, lr.whole) == (True, False)


def test_a_value_of_a_part_is_the_same_with_and_without_quotes() -> None:
    one = tomllib.loads("head.hidden = [8, 16]\nhead.layers = { low = 1, high = 3 }")
    other = tomllib.loads('"head.hidden" = [8, 16]\n"head.layers" = { low = 1, high = 3 }')
    assert read_space(one, "a") == read_space(other, "b")
    assert read_space(one, "a")["head.hidden"] == Choices((8, 16))


def test_values_that_are_tables_are_told_apart_in_the_study_by_their_text() -> None:
    heads = [{"name": "gru", "hidden": 8}, "none"]
    [choices] = read_space({"head": heads}, "file").values()
    assert isinstance(choices, Choices)
    assert choices.by_label() == {'{"name": "gru", "hidden": 8}': heads[0], "none": "none"}


def test_what_is_drawn_overrides_the_file_and_keeps_the_rest(write: Any) -> None:
    path = write(
        "lr = 1e-5\n[head]\nname = 'gru'\nlayers = 2\n[search]\nhead.hidden = [8]\nlr = [1]"
    )
    options = SearchConfig.read(path, {}).options({"head.hidden": 8, "lr": 1})
    assert options.lr == 1.0
    assert options.net.head.to_json() == {"name": "gru", "hidden": 8, "layers": 2}


def test_a_value_of_a_part_goes_with_the_part_that_was_drawn(write: Any) -> None:
    path = write("[search]\n'head' = ['gru', 'lstm']\n'head.hidden' = [8, 16]")
    options = SearchConfig.read(path, {}).options({"head": "gru", "head.hidden": 16})
    assert options.net.head.to_json() == {"name": "gru", "hidden": 16}


def test_a_searched_cnn_has_its_own_defaults(write: Any) -> None:
    config = SearchConfig.read(write("[search]\ncnn = ['small', 'paper']"), {})
    assert config.options({"cnn": "small"}).net.size == (112, 112)
    assert config.options({"cnn": "paper"}).net.size == (216, 216)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", r"nothing is searched; add a \[search\] table"),
        ("[search]", r"nothing is searched; add a \[search\] table"),
        ("[search]\nlearning_rate = [1]", "learning_rate: there is no such value"),
        ("[search]\nbatchsize = [1]", "did you mean 'batch_size'"),
        ("[search]\nlr = 3", r"lr must be a list of values, or a range .* got 3"),
        ("[search]\nlr = []", "lr is an empty list"),
        ("[search]\nlr = [1, 1]", "lr has 1 twice"),
        ("[search]\nlr = ['fast']", "lr must be a number, got 'fast'"),
        ("[search]\nlr = [-1]", "--lr must be above 0, got -1"),
        ("[search]\nlr = {low = 1}", "the range has no high"),
        (
            "[search]\nlr = {low = 1, high = 2, lug = true}",
            "a range has no 'lug'; did you mean 'log'",
        ),
        ("[search]\nlr = {low = 2, high = 1}", "low 2 must be below high 1"),
        ("[search]\nlr = {low = 'a', high = 1}", "low must be a number, got 'a'"),
        ("[search]\ndropout = {low = 0, high = 0.5, log = true}", "log goes with a low above 0"),
        ("[search]\ndropout = {low = 0, high = 1.5}", "--dropout must be"),
        ("[search]\nclip_grad = {low = 0, high = inf}", "clip_grad: high must be finite, got inf"),
        (
            "[search]\ndropout = {low = 0, high = 0.6, step = 0.25}",
            r"steps of 0\.25 from low 0 don't meet high 0\.6; the last one before it is 0\.5",
        ),
        ("[search]\nlstm_hidden = [4]\nhead.hidden = [8]", "are the same value; leave one out"),
        ("[search]\ncnn.name = ['small']", r'give the whole parts .* as in cnn = \["a", "b"\]'),
        ("[search]\nepochs = {low = 1.5, high = 3}", "epochs must be a whole number"),
        ("[search]\noptimizer = {low = 1, high = 2}", "optimizer is no number; give a list"),
        ("[search]\noptimizer = ['adam', 'adamx']", "--optimizer must be one of adam"),
        ("[search]\nseed = [1, 2]", "seed can't be searched: the luckiest"),
        ("[search]\nshards = ['a', 'b']", "shards can't be searched: figures on other clips"),
        ("[search]\nhead.hiden = [1]", "lstm has no value 'hiden'; did you mean 'hidden'"),
        ("[search]\ncnn.layers.conv = [1]", r"must be a list of values, or a range"),
        ("[search]\nhead = ['gru', 'none']\n'head.hidden' = [8]", "none has no value 'hidden'"),
        ("[search]\nmixup = [0.2]\nunknown = 1", "unknown: there is no such value"),
        ("what = 1\n[search]\nlr = [1]", "there is no value 'what'"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_trained(
    write: Any, table: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        SearchConfig.read(write(table), {})


def test_values_that_contradict_each_other_in_pairs_are_refused(write: Any) -> None:
    path = write("[search]\nfixed_views = [0, 4]\nflip = [0.0, 0.5]")
    with pytest.raises(UsageError, match=r"with fixed_views = 4, flip = 0\.0: --fixed-views 4"):
        SearchConfig.read(path, {})
