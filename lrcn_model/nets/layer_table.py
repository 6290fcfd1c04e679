"""What a net is made of, layer by layer: output shapes, parameters, operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lrcn_model.nets.net import LRCN


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer of the net, which is a row of the table.

    Attributes:
        name: The layer's name in the net, such as `cnn.0`.
        kind: The name of the layer's class, such as `Conv2d`.
        shape: The shape of the layer's output for one frame, without the batch.
        parameters: The number of parameters.
        flop: The number of floating point operations for a frame, forward; a multiplication and an
            addition are two. Layers whose work is a few operations a number count as 0.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flop: int


def net_table(net: LRCN) -> list[Layer]:
    """The layers in the order in which a frame goes through them."""
    layers: list[Layer] = []
    hooks = [
        module.register_forward_hook(_noting(layers, name))
        for name, module in net.named_modules()
        if _is_layer(module) and not isinstance(module, nn.Identity | nn.Dropout)
    ]
    width, height = net.config.size
    channels = net.config.channels
    was_training = net.training
    try:
        net.eval()
        with torch.inference_mode():
            net(torch.zeros(1, 1, channels, height, width, device=net.classifier.weight.device))
    finally:
        net.train(was_training)
        for hook in hooks:
            hook.remove()
    return layers


def forward_flop(layers: list[Layer]) -> int:
    """The number of floating point operations for a frame, forward."""
    return sum(layer.flop for layer in layers)


def training_flop(layers: list[Layer]) -> int:
    """The number of floating point operations for a frame, forward and backward.

    All parts are taken to be trained. Backward each layer takes its work twice, for its weights and
    for its input; the first one needs no gradient of its input.
    """
    return 3 * forward_flop(layers) - next((layer.flop for layer in layers if layer.flop), 0)


def _is_layer(module: nn.Module) -> bool:
    """Whether a module computes something itself, rather than only through those in it."""
    return not list(module.children()) or any(True for _ in module.parameters(recurse=False))


def _noting(layers: list[Layer], name: str) -> Any:
    # the CNN sees all clips' frames in one row; what follows it has an axis of time besides
    axes_before = 1 if name.partition(".")[0] == "cnn" else 2

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        result = output[0] if isinstance(output, tuple) else output
        if isinstance(output, tuple) and result is inputs[0]:
            return  # a head that does nothing
        shape = tuple(result.shape[axes_before:])
        layers.append(
            Layer(
                name=name,
                kind=type(module).__name__,
                shape=shape,
                parameters=sum(value.numel() for value in module.parameters(recurse=False)),
                flop=2 * _multiplications(module, shape),
            )
        )

    return note


def _multiplications(module: nn.Module, shape: tuple[int, ...]) -> int:
    """The number of multiplications by a weight for one frame."""
    weights = sum(value.numel() for value in module.parameters(recurse=False) if value.dim() > 1)
    return weights * math.prod(shape[1:]) if isinstance(module, nn.Conv2d) else weights
