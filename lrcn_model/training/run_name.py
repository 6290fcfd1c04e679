"""The default name of a run's folder: the same command finds its run again."""

from __future__ import annotations

import hashlib
import json

from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_record import TrainedOn


def run_name(options: TrainOptions, trained_on: TrainedOn) -> str:
    """Name of a run's folder, `<cnn>-<8 hex>`.

    The digits are a hash of the data and of all values that change the losses. Of a plug-in's name
    only what follows the colon is in it, which suits any file system.
    """
    values = {**options.loss_values(), **trained_on.as_record()}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    cnn = options.net.cnn.name.rpartition(":")[2]
    return f"{cnn}-{digest[:8]}"
