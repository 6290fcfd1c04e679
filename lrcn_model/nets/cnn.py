"""What a CNN is to the net; nothing here needs torch. Which ones there are: `nets.cnns`.

A CNN is any `nn.Module` that turns frames (N, channels, height, width) into features
(N, features). A function of the net's config builds it, and it has

- `features`, an int: how many features it gives for a frame;
- `expects`, an `Expects`, unless its input is what that says by default;
- a method `library_weights()`, if there are trained weights for it, which returns them by the names
  of its own state dict (`--pretrained library`);
- a method `initialize()`, if its first weights are not those that it was built with. A CNN without
  one keeps the weights that its function gave it, so pretrained weights stay as they are.

On a CPU several threads may call one that is in evaluation mode at once, as any module allows that
changes nothing in `forward`.

The config that the function is given has the channels that the CNN sees: twice those of the frames,
where it sees their differences as well. The function also checks what the CNN demands of the
config, such as a smallest size of the frames, and raises a `UsageError` where that is not met.
Values of the CNN's own are in `config.cnn.values`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lrcn_data.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from lrcn_model.nets.net_config import NetConfig

CnnBuilder: TypeAlias = "Callable[[NetConfig], nn.Module]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expects:
    """The numbers that a CNN expects its frames to be made of.

    A stored pixel from 0 to 255 becomes `low` to `high`; then the mean is subtracted, and the
    result is divided by the standard deviation.

    Attributes:
        low: The value that a stored pixel of 0 becomes.
        high: The value that a stored pixel of 255 becomes.
        mean: The mean that is subtracted from each channel, on the scale of `low` to `high`; None
            for the mean of the data, as --mean says.
        std: The standard deviation that each channel is divided by, on the same scale; None
            for 1.

    Raises:
        UsageError: `high` is not above `low`, or a standard deviation is not above 0.
    """

    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise UsageError(
                f"a CNN expects frames from {self.low:g} to {self.high:g}; the second must be the"
                " larger one"
            )
        if self.std is not None and not min(self.std) > 0:
            raise UsageError(f"a CNN expects frames with std {self.std}; all must be above 0")
