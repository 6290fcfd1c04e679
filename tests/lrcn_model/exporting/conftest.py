from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.trained_run import RunFacts, save_weights

SaveRun = Callable[..., Path]


@pytest.fixture(scope="session")
def save_run(tmp_path_factory: pytest.TempPathFactory) -> SaveRun:
    """Writes the weights' file of a net as it is drawn at random."""

    def save(*, size: tuple[int, int] = (40, 32), net: Any = None, **changes: Any) -> Path:
        torch.manual_seed(0)
        config = NetConfig(**{"classes": 3, "cnn": "small", "size": size, **(net or {})})
        built = LRCN(config)
        mean = torch.rand(3, size[1], size[0]) * 255
        facts = {
            "classes": ["walk", "läuft", "a, b"],
            "seq_len": 4,
            "fps": Fraction(25, 2),
            "average": "log-probs",
            "stored_size": (64, 48),
            "trained": {},
            "recipe": {"sampling": "windows", "stride": 2},
            "calibration": Calibration(temperature=1.5, videos=120, shards=["ab" * 32]),
            **changes,
        }
        path = tmp_path_factory.mktemp("run") / "weights.safetensors"
        save_weights(path, built, Preprocess.for_net(built, mean), RunFacts(**facts))
        return path

    return save
