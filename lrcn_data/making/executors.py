"""The table of the executors, each a function that builds one; see `making.executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrcn_data.plugins import Kinds

if TYPE_CHECKING:
    from lrcn_data.making.executor import BuildExecutor

EXECUTORS: Kinds[BuildExecutor] = Kinds(
    what="executor",
    option="--executor",
    built_in={"local": "lrcn_data.making.local_executor:LocalExecutor"},
)
