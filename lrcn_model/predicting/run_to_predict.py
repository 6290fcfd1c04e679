"""What predicting asks of a trained net: of a run's own, or of one that was exported."""

from __future__ import annotations

from typing import Any, Protocol, Self

from torch import Tensor

from lrcn_data.format.frame_kind import FrameKind
from lrcn_model.processor import Processor
from lrcn_model.reading.augmentation import ClipChange
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.trained_run import RunFacts


class RunToPredict(Protocol):
    """A trained net that scores frames; `scoring.trained_run.TrainedRun` says what each does."""

    @property
    def facts(self) -> RunFacts:
        """What the net was trained for."""

    @property
    def processor(self) -> Processor:
        """The processor that the net runs on."""

    @property
    def causal(self) -> bool:
        """Whether the net's scores of a frame depend on no frame after it."""

    @property
    def clip_by_clip(self) -> bool:
        """Whether the CNN has to see a clip's frames together."""

    @property
    def why_no_stream(self) -> str | None:
        """Why frames can't be scored as they come, and what to do; None where they can."""

    def for_frames(self, kind: FrameKind) -> Self:
        """The run, which mirrors frames as their kind says that they are mirrored."""

    def features(self, batch: ClipBatch, change: ClipChange | None = None) -> Tensor:
        """What the CNN makes of a batch."""

    def score_features(
        self, features: Tensor, lengths: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Score frames of which there are features, and give the state to go on with."""
