"""What every worker needs, imported once for all by the process that they are forked from."""

from __future__ import annotations

import lrcn_data.decode_av
import lrcn_data.shard_worker  # noqa: F401
