"""What a training on shards would record of them with the net that it trains."""

from __future__ import annotations

from typing import Any

from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.trained_run import RunFacts


def facts_of(data: ShardDataset, **values: Any) -> RunFacts:
    """The facts of a run that was trained on these clips; `values` override those of the clips."""
    of_clips = {
        "classes": data.classes,
        "seq_len": data.seq_len,
        "fps": data.fps,
        "stored_size": data.stored_size,
        "recipe": data.recipe,
        "frame_kind": data.frame_kind.name,
    }
    return RunFacts(**{**of_clips, **values})
