"""What every worker needs, imported once for all of them by the process that they are forked from.

Where webdataset finds torch it imports it, which takes 2 s and 200 MB and which no worker uses, so
that these processes pretend that there is none.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("torch", None)  # type: ignore[arg-type]

import webdataset.writer  # noqa: E402, F401

import lrcn_data.decode_av  # noqa: E402
import lrcn_data.shard_worker  # noqa: E402, F401
