"""Which scores of a video's frames are averaged to recognize it; nothing here needs torch."""

from __future__ import annotations

from typing import Literal

Average = Literal["log-probs", "probs"]
"""`log-probs` averages log-probabilities, as the paper's code did; `probs` averages probabilities,
as Donahue et al. did."""
