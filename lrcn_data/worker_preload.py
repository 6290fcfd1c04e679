"""What every worker needs, imported once for all of them by the process that they are forked from.

Where torch is installed, importing webdataset imports it too, which takes seconds.
"""

from __future__ import annotations

import webdataset.writer  # noqa: F401

import lrcn_data.decode_av
import lrcn_data.shard_worker  # noqa: F401
