"""Imports what every worker needs, once for all, in the process that they are forked from."""

from __future__ import annotations

import lrcn_data.making.shard_job  # noqa: F401
