"""What a manifest says of the data sets that one was made from, where it can't be true."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import ShardError
from lrcn_data.format.shard_reader import open_data_set

ONE = {"fingerprint": "0" * 64, "tars": "0" * 64, "samples": 1}


@pytest.mark.parametrize(
    "values",
    [
        *({"made_from": value} for value in (None, 1, [1], [{}], [{"samples": 1}])),
        *({"made_from": [{**ONE, "samples": value}]} for value in (-1, "1", None, 1.5)),
        *({"made_from": [{**ONE, "left_out": value}]} for value in (-1, [])),
        *({"made_from": [{**ONE, "tars": value}]} for value in ("x", 1, None)),
        *({"made_from": [{**ONE, name: [1]}]} for name in ("fingerprint", "options", "tools")),
        *({"decoded_frames": value} for value in (-1, "x", None, True)),
        {"choice": [1]},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(
    make_data_set: Callable[..., Path], values: dict[str, Any]
) -> None:
    folder = make_data_set(samples={"train": [1]})
    manifest = folder / "dataset.json"
    before = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**before, "made_from": [ONE], "decoded_frames": 4}))
    assert len(open_data_set(folder)) == 1
    manifest.write_text(json.dumps({**before, **values}))
    with pytest.raises(ShardError, match=r"dataset\.json"):
        open_data_set(folder)
