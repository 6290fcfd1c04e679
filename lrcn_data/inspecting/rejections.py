"""What a data set's rejected.jsonl says."""

from __future__ import annotations

import json

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import REJECTED
from lrcn_data.format.records import Rejection


def read_rejections(folder: DataSetFolder) -> list[Rejection]:
    """Read the entries that gave no clip, or not all of them, in their order.

    Raises:
        ShardError: The file is missing or damaged.
    """
    try:
        lines = [json.loads(line) for line in folder.read(REJECTED).splitlines()]
        return [
            Rejection(
                path=str(line["path"]),
                split=str(line["split"]),
                reason=str(line["reason"]),
                detail=str(line.get("detail", "")),
            )
            for line in lines
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ShardError(
            f"{folder.at(REJECTED)} can't be read: {error}; run the same `lrcn-data shard` command"
            " again"
        ) from error
