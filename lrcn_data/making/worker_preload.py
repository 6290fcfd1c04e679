"""What every worker needs, imported once for all by the process that they are forked from."""

from __future__ import annotations

import lrcn_data.making.shard_job  # noqa: F401
