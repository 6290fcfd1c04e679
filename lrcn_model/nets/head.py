"""What a head is to the net; nothing here needs torch. Which ones there are: `nets.heads`.

A head stands between the CNN and the classifier and sees the frames of a clip in their order. It
is an `nn.Module` that is called with

- `features_BTF`, float (clips, frames, features), what the CNN gave;
- `lengths`, int64 (clips,), how many frames of each clip are real, the rest only repeating the
  last one; None where all are real;
- `state`, what it returned for the frames before these, or None at the start of the clips: a
  tensor, or a tuple or list of them, each with the clips on the axis before the last,

and returns `(hidden_BTH, state)`: float (clips, frames, hidden), and what it needs to go on with
the frames that follow. Its attribute `hidden`, an int, is the size of the last axis. If it has a
method `initialize()`, that is called once when the net is built. A head whose hidden values of a
frame depend on that frame and those before it only is causal; `LRCN.step` works with those. A head
that is not has the attribute `causal = False`, and lets frames that are not real change nothing at
those that are.

A function of the net's config and the number of features builds it. Values of the head's own are
in `config.head.values`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import nn

    from lrcn_model.nets.net_config import NetConfig

HeadBuilder: TypeAlias = "Callable[[NetConfig, int], nn.Module]"


def is_causal(head: nn.Module) -> bool:
    """Whether a head's hidden values of a frame depend on no frame after it, as far as it says."""
    return bool(getattr(head, "causal", True))
