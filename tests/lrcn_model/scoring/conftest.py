"""Small videos, and runs whose nets are as they are drawn at random, as trainings write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch

from lrcn_model import ShardDataset
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.trained_run import save_weights
from tests.lrcn_data.conftest import write_video
from tests.lrcn_model.facts_of_shards import facts_of

__all__ = ["make_run", "write_video"]

SIZE = (40, 32)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a run and gives its folder."""

    def make(
        name: str,
        shards: Path,
        *,
        seed: int = 1,
        average: str = "log-probs",
        trained: Mapping[str, Any] = MappingProxyType({"epoch": 1, "step": 5}),
        calibration: Calibration | None = None,
    ) -> Path:
        data = ShardDataset(shards)
        torch.manual_seed(seed)
        net = LRCN(NetConfig(classes=len(data.classes), cnn="small", size=SIZE, lstm_hidden=8))
        facts = facts_of(
            data,
            average=average,
            trained=dict(trained),
            calibration=calibration,
            multi_label=data.multi_label,
            labels_in_time=data.labels_in_time,
        )
        folder = RunFolder(tmp_path / name)
        folder.make()
        folder.config.write_text("")
        save_weights(folder.weights, net, Preprocess(SIZE, torch.full((3,), 80.0)), facts)
        return folder.path

    return make
