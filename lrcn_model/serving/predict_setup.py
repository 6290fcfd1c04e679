"""What the process that predicts uploads is told: a setup once, then a job for each upload.

Both go to it as JSON, a line each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

VIDEO = "video"
"""The file in a job's folder that was uploaded; its own name is kept from libav."""

RESULT = "result.json"
"""The file in a job's folder that its result is written to."""

PICTURES = "pictures"
"""The folder in a job's folder that has the pictures of its frames."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictSetup:
    """What all uploads are predicted with.

    Attributes:
        run: The path or URL of the run.
        plugins: Names of plug-ins of the run's net that may be imported.
        device: The device to compute on, as `load_run` takes it.
        values: What is given of `PredictValues`, as JSON can hold it.
    """

    run: str
    plugins: tuple[str, ...] = ()
    device: str = "auto"
    values: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        """The setup as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read what `line` has written."""
        return cls(**json.loads(line))


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictJob:
    """An upload.

    Attributes:
        folder: The folder that it lies in, and that its result is written to.
        name: What it is called towards the user.
        pictures: Whether pictures of its frames are wanted.
    """

    folder: str
    name: str
    pictures: bool

    def line(self) -> bytes:
        """The job as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read what `line` has written."""
        return cls(**json.loads(line))
