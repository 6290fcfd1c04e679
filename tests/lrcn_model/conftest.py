from __future__ import annotations

import pytest
import torch

from lrcn_model.nets.cnn_layers import LayersCnn


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of frames of each call of a CNN of layers, such as the small one."""
    calls: list[int] = []
    forward = LayersCnn.forward

    def counted(cnn: LayersCnn, frames: torch.Tensor) -> torch.Tensor:
        calls.append(len(frames))
        return forward(cnn, frames)

    monkeypatch.setattr(LayersCnn, "forward", counted)
    return calls
