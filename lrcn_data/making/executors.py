"""The table of the executors, each a function that builds one; see `making.executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrcn_data.plugins import Kinds

if TYPE_CHECKING:
    from lrcn_data.making.executor import BuildExecutor

LOCAL = "local"
"""The executor that is used where none is named."""

EXECUTORS: Kinds[BuildExecutor] = Kinds(
    what="executor",
    option="--executor",
    built_in={
        LOCAL: "lrcn_data.making.local_executor:LocalExecutor",
        "slurm": "lrcn_data.making.slurm_executor:SlurmExecutor",
        "ray": "lrcn_data.making.ray_executor:RayExecutor",
    },
    families={"ray": "lrcn_data.making.ray_executor:at"},
)
