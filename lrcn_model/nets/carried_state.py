"""What a causal head has seen of videos so far, from one batch of their windows to the next.

So a net goes through a video window by window and gives each frame what it would give it if the
whole video were one clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from lrcn_data.errors import LrcnError
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.side_by_side import side_by_side

State: TypeAlias = "Tensor | tuple[Any, ...] | list[Any] | None"
"""As `nets.head` says: tensors with the clips on the axis before the last, or what holds some."""

Video = tuple[str, int]
"""By what a video is told apart: its path, and which input file it is."""


_DIMS_ONE_AFTER_ANOTHER = 2


class CarriedState:
    """The head's state after the last window of each video that the last batch was of."""

    def __init__(self) -> None:
        self._states: dict[Video, State] = {}

    def score(
        self,
        net: LRCN,
        features: Tensor,
        lengths: Tensor,
        videos: Sequence[Video],
        positions: Sequence[int],
    ) -> Tensor:
        """Score windows that go on where those of the last batch have ended, or begin a video.

        Gradients go no further back than to the start of each window.

        Args:
            net: The net, whose head is causal.
            features: What its CNN gives for the windows' frames, as `LRCN.features` returns it.
            lengths: The number of real frames of each window, int64 (windows,).
            videos: The video that each window is of; no two are of the same.
            positions: The number of each window's first frame in its video.

        Returns:
            The scores before any softmax, float (windows, frames, classes).

        Raises:
            LrcnError: A window doesn't begin its video, and nothing is known of what came before,
                or two windows are of the same video.
        """
        if len(set(videos)) < len(videos):
            twice = next(video for video in videos if videos.count(video) > 1)
            raise LrcnError(
                f"two windows of {twice[0]} come side by side; where states are carried, name"
                " shards that have each video once"
            )
        features_BTF = features
        if features.dim() == _DIMS_ONE_AFTER_ANOTHER:
            features_BTF = side_by_side(features, lengths.tolist())
        begins = [position == 0 for position in positions]
        scores: dict[int, Tensor] = {}
        after: dict[Video, State] = {}
        for begin in (True, False):
            places = [place for place, here in enumerate(begins) if here == begin]
            if not places:
                continue
            before = None if begin else self._before([videos[place] for place in places])
            at = torch.tensor(places, device=features_BTF.device)
            scores_NTC, state = net.score_features(features_BTF[at], None, before)
            for row, place in enumerate(places):
                scores[place] = scores_NTC[row]
                after[videos[place]] = _of_clip(state, row)
        self._states = after
        return torch.stack([scores[place] for place in range(len(videos))])

    def state_dict(self) -> list[tuple[str, int, State]]:
        """What is carried, as a checkpoint holds it."""
        return [(*video, state) for video, state in self._states.items()]

    def load_state_dict(self, record: Sequence[tuple[str, int, State]], device: Any) -> None:
        """Go back to where `state_dict` was taken."""
        self._states = {(video, source): _on(state, device) for video, source, state in record}

    def _before(self, videos: Sequence[Video]) -> State:
        for video in videos:
            if video not in self._states:
                raise LrcnError(
                    f"a window of {video[0]} doesn't follow the one before it; windows whose state"
                    " is carried must come in their order"
                )
        return _together([self._states[video] for video in videos])


def _of_clip(state: State, row: int) -> State:
    """The state of one of several clips, without its gradients."""
    return _changed(state, lambda tensor: tensor[..., row : row + 1, :].detach())


def _on(state: State, device: Any) -> State:
    return _changed(state, lambda tensor: tensor.to(device))


def _changed(state: State, change: Callable[[Tensor], Tensor]) -> State:
    if isinstance(state, Tensor):
        return change(state)
    if state is None:
        return None
    return type(state)(_changed(part, change) for part in state)


def _together(states: Sequence[State]) -> State:
    """The states of single clips as that of all of them."""
    first = states[0]
    if isinstance(first, Tensor):
        return torch.cat(list(states), dim=-2)  # type: ignore[arg-type]
    if first is None:
        return None
    return type(first)(map(_together, zip(*states, strict=True)))
