from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_model.training.options import TrainOptions, read_config
from lrcn_model.training.presets import find_config, preset_names

CONFIGS = Path(__file__).parents[3] / "configs"


def test_every_file_in_configs_is_a_preset_that_makes_options() -> None:
    assert preset_names() == sorted(path.stem for path in CONFIGS.glob("*.toml"))
    for name in preset_names():
        path = find_config(Path(name))
        assert path.read_bytes() == (CONFIGS / f"{name}.toml").read_bytes()
        TrainOptions().with_values(read_config(path))


def test_a_file_that_is_there_comes_before_a_preset_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("paper").write_text("epochs = 3\n")
    assert read_config(find_config(Path("paper"))) == {"epochs": 3}


def test_what_is_neither_a_file_nor_a_preset_is_refused_with_the_presets() -> None:
    with pytest.raises(
        UsageError,
        match=r"there is no such file.*the presets are demo, demo-in-time, detection, donahue-",
    ):
        find_config(Path("pappr"))
