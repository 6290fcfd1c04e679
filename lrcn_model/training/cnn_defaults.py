"""The values that suit a CNN; they hold for a new run where its user gives none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CNN_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "lite0": {"size": (224, 224), "dropout": 0.2, "lr": 1e-3},
    "caffenet-fc6": {"size": (227, 227)},
    "caffenet-fc7": {"size": (227, 227)},
    "small": {"size": (112, 112), "dropout": 0.2, "lr": 5e-4},
}
"""Values by the names of a training's options, for each CNN that the paper's don't suit."""
