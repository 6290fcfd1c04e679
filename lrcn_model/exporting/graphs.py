"""What is exported: a trained net with its preprocessing, from plain frames to probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrcn_data.size import Size
from lrcn_model.exporting.resize_levels import ResizeLevels
from lrcn_model.nets.carried_state import State
from lrcn_model.nets.frame_input import FrameInput
from lrcn_model.nets.net import LRCN


class Graph(nn.Module):
    """A net that takes plain frames, and gives logarithms of probabilities.

    Args:
        net: The net, in evaluation mode.
        frame_input: What turns stored pixels into what the net sees.
        frame_size: (width, height), in pixels, of the plain frames.
        multi_label: Whether each class has a probability of its own.
    """

    def __init__(
        self, net: LRCN, frame_input: FrameInput, frame_size: Size, *, multi_label: bool
    ) -> None:
        super().__init__()
        self.net = net
        self.frame_input = frame_input
        self.resize = ResizeLevels(frame_size, frame_input.size)
        self.multi_label = multi_label

    def seen(self, frames_BTHWC: Tensor) -> Tensor:
        """What the net sees of plain frames, float32 (clips, frames, channels, height, width)."""
        images_NCHW = self.resize(frames_BTHWC.flatten(0, 1).permute(0, 3, 1, 2).float())
        seen_NCHW = self.frame_input.scaled(images_NCHW, self.frame_input.whole_offset)
        return seen_NCHW.view(*frames_BTHWC.shape[:2], *seen_NCHW.shape[1:])


class ClipGraph(Graph):
    """Whole clips at a time."""

    def forward(self, frames: Tensor) -> Tensor:
        """Score every class at every frame of clips.

        Args:
            frames: uint8 (clips, frames, height, width, 3).

        Returns:
            The log-probabilities, float32 (clips, frames, classes).
        """
        return log_probs_of(self.net(self.seen(frames)), multi_label=self.multi_label)


class StepGraph(Graph):
    """The next frames of clips, with what the head knows of those before.

    Args:
        net: The net, in evaluation mode, with a causal head.
        frame_input: What turns stored pixels into what the net sees.
        frame_size: (width, height), in pixels, of the plain frames.
        multi_label: Whether each class has a probability of its own.
        like: A state of the head, whose tensors are passed one by one.
    """

    def __init__(
        self,
        net: LRCN,
        frame_input: FrameInput,
        frame_size: Size,
        *,
        multi_label: bool,
        like: State,
    ) -> None:
        super().__init__(net, frame_input, frame_size, multi_label=multi_label)
        self._like = _without_tensors(like)

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Score every class at the frames that come next.

        Args:
            frames: uint8 (clips, frames, height, width, 3).
            *state: The tensors that the call for the frames before returned; zeros at the start.

        Returns:
            The log-probabilities, float32 (clips, frames, classes), and the tensors of the state.
        """
        before = _filled(self._like, iter(state))
        scores_BTC, after = self.net.step(self.seen(frames), before)
        return log_probs_of(scores_BTC, multi_label=self.multi_label), *tensors_of(after)


def log_probs_of(scores: Tensor, *, multi_label: bool) -> Tensor:
    """The logarithms of the probabilities that a net's scores stand for, of the same shape.

    Args:
        scores: The scores before any softmax or sigmoid, float (..., classes).
        multi_label: Whether each class has a probability of its own.
    """
    return functional.logsigmoid(scores) if multi_label else scores.log_softmax(dim=-1)


def tensors_of(state: State) -> list[Tensor]:
    """The tensors of a head's state, one after another."""
    if isinstance(state, Tensor):
        return [state]
    return [tensor for part in state or () for tensor in tensors_of(part)]


def zeros_like(state: State) -> State:
    """A state of the same shape that has only zeros."""
    return _filled(_without_tensors(state), map(torch.zeros_like, tensors_of(state)))


_TENSOR = "tensor"


def _without_tensors(state: State) -> Any:
    """How a state is put together, with a word in the place of each tensor."""
    if isinstance(state, Tensor):
        return _TENSOR
    return None if state is None else type(state)(map(_without_tensors, state))


def _filled(like: Any, tensors: Iterator[Tensor]) -> State:
    """A state that is put together of tensors as another one was."""
    if isinstance(like, str):
        return next(tensors)
    return None if like is None else type(like)([_filled(part, tensors) for part in like])
