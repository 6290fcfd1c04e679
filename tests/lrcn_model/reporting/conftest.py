"""Runs whose nets are as they are drawn at random."""

from __future__ import annotations

from tests.lrcn_model.scoring.conftest import make_run

__all__ = ["make_run"]
