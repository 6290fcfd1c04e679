from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.plugins import Kinds, check_plugin_version, is_plugin, plugin_versions

NUMBERS: Kinds[float] = Kinds(
    what="number", option="--number", built_in={"pi": "math:pi", "e": "math:e"}
)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of a user's own in the current folder, imported by nobody yet."""
    (tmp_path / "own_numbers.py").write_text('__version__ = "3"\ntwo = 2.0\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own_numbers", raising=False)
    return "own_numbers:two"


def test_a_built_in_kind_is_found_by_its_name() -> None:
    assert NUMBERS.load("pi") == pytest.approx(3.14159, abs=1e-5)
    assert NUMBERS.load_recorded("e", "the run", ()) == pytest.approx(2.71828, abs=1e-5)


def test_a_built_in_kind_has_nothing_found_in_the_current_folder(plugin: str) -> None:
    NUMBERS.load("pi")
    assert str(Path.cwd()) not in sys.path


def test_a_plug_in_in_the_current_folder_is_found_by_its_name(plugin: str) -> None:
    assert NUMBERS.load(plugin) == 2.0
    assert plugin_versions([(plugin, 2.0), ("pi", 3.0)]) == {plugin: "3"}


def test_a_recorded_plug_in_is_imported_only_where_the_caller_names_it(plugin: str) -> None:
    with pytest.raises(UsageError, match="imported only where you name it; give --number own"):
        NUMBERS.load_recorded(plugin, "the run", ["other:thing"])
    assert "own_numbers" not in sys.modules
    assert NUMBERS.load_recorded(plugin, "the run", [plugin]) == 2.0


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"--number must be one of pi, e, or package\.module:name"):
        NUMBERS.load("tau")


@pytest.mark.parametrize(
    ("name", "why"),
    [("no_such_module:thing", "can't be imported"), ("math:nothing", "math has no nothing")],
)
def test_a_plug_in_that_is_not_there_is_refused(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        NUMBERS.load(name)


@pytest.mark.parametrize("fault", ["raise AttributeError('no such thing')", "def ("])
def test_a_plug_in_whose_module_fails_says_so_in_one_line(
    plugin: str, tmp_path: Path, fault: str
) -> None:
    (tmp_path / "own_numbers.py").write_text(fault)
    with pytest.raises(UsageError, match="--number own_numbers:two: importing own_numbers raised"):
        NUMBERS.load(plugin)


def test_a_plug_in_of_another_version_than_recorded_is_refused(plugin: str) -> None:
    two = NUMBERS.load(plugin)
    check_plugin_version(plugin, two, "the run", {plugin: "3"})
    check_plugin_version("pi", 3.1, "the run", {})
    with pytest.raises(UsageError, match="the run was made with version 2 of own_numbers:two"):
        check_plugin_version(plugin, two, "the run", {plugin: "2"})


def test_a_plug_in_without_a_version_is_refused() -> None:
    NUMBERS.load("math:tau")
    with pytest.raises(UsageError, match="doesn't say its version"):
        plugin_versions([("math:tau", 6.28)])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.b:c", True), ("a:C.d", True), ("blocks", False), (":c", False), (".a:c", False)],
)
def test_a_plug_in_is_told_by_its_colon(name: str, expected: bool) -> None:
    assert is_plugin(name) == expected


def test_a_member_of_a_family_is_made_by_the_family_and_is_no_plugin() -> None:
    numbers: Kinds[Any] = Kinds(
        what="number",
        option="--number",
        built_in={"pi": "math:pi"},
        families={"decimal": "operator:add"},
    )
    assert numbers.load("decimal:2.")("5") == "2.5"
    assert [numbers.is_plugin(name) for name in ("decimal:two", "math:e")] == [False, True]
    assert numbers.load_recorded("decimal:1:2", "a run", plugins=())("") == "1:2"
    with pytest.raises(UsageError, match="must be one of pi, decimal:NAME, or package"):
        numbers.check("decimal")
