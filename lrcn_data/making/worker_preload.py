"""Imports what every worker needs, once for all, in the process that they are forked from."""

from __future__ import annotations

import gc

from lrcn_data.machine import compute_in_one_thread

# before anything imports numpy
compute_in_one_thread()
gc.disable()

import lrcn_data.format.rgb_jpeg  # noqa: E402
import lrcn_data.making.shard_job  # noqa: E402
import lrcn_data.making.worker_process  # noqa: E402
import lrcn_data.video.decode_av  # noqa: E402, F401

# none of it is ever garbage: nobody looks for any in it, now, in a worker or at the process's end
gc.freeze()
gc.enable()
