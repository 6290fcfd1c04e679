"""What a manifest says of a data set from which another one was made: merged, or a subset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeFrom:
    """A data set whose samples another one has.

    Attributes:
        fingerprint: Its fingerprint, or that of its last append, in hexadecimal.
        tars: SHA-256 of the SHA-256s of its tars in hexadecimal, one after another in its order.
        samples: Number of samples that were taken of it.
        left_out: Number of samples that were left out since a data set before it has them too.
        options: Those of its options in which not all of these data sets agree, by name.
        tools: Versions of what decoded and encoded its samples, where not all agree in them.
    """

    fingerprint: str
    tars: str
    samples: int
    left_out: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
