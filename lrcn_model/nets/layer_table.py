"""What a net is made of, layer by layer: output shapes, parameters, operations.

Operations are counted by torch's own counter: those of convolutions and matrix products, a
multiplication and an addition being two. All others are a few operations a number, and count as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lrcn_model.nets.net import LRCN


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer of the net, which is a row of the table.

    Attributes:
        name: The layer's name in the net, such as `cnn.0`.
        kind: The name of the layer's class, such as `Conv2d`.
        shape: The shape of the layer's output for one frame, without the batch.
        parameters: The number of parameters.
        flop: The number of floating point operations for a frame, forward, without those of layers
            within this one.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NetTable:
    """What a net is made of.

    Attributes:
        layers: The layers in the order in which a frame goes through them.
        flop: The number of floating point operations for a frame, forward.
        flop_with_backward: The number of floating point operations for a frame, forward and
            backward; of parts that are frozen only what the others need.
    """

    layers: list[Layer]
    flop: int
    flop_with_backward: int


def net_table(net: LRCN) -> NetTable:
    """Send a frame of zeros through a net and back, and note what that takes.

    Args:
        net: The net; neither its weights, nor its gradients, nor its mode are changed.
    """
    layers: list[Layer] = []
    width, height = net.config.size
    weights = [value for value in net.parameters() if value.requires_grad]
    with _as_when_scoring(net), _noting_layers(net, layers), _counting() as counter:
        frame = torch.zeros(
            1, 1, net.config.channels, height, width, device=net.classifier.weight.device
        )
        scores = net(frame)
        flop, own = counter.get_total_flops(), _own_flop(net, counter)
        torch.autograd.grad(scores.sum(), weights, allow_unused=True)
        flop_with_backward = counter.get_total_flops()
    return NetTable(
        layers=[replace(layer, flop=own[layer.name]) for layer in layers],
        flop=flop,
        flop_with_backward=flop_with_backward,
    )


@contextmanager
def _counting() -> Iterator[FlopCounterMode]:
    """Count operations, also those of an LSTM, of which torch has no formula.

    On a GPU it is done as the matrix products that it consists of, which torch knows.
    """
    formulas = {
        torch.ops.aten.mkldnn_rnn_layer: _lstm_flop,
        torch.ops.aten.mkldnn_rnn_layer_backward: _lstm_backward_flop,
    }
    with (
        torch.backends.cudnn.flags(enabled=False),
        FlopCounterMode(display=False, custom_mapping=formulas) as counter,
    ):
        yield counter


def _lstm_flop(
    inputs_TBF: Sequence[int],
    from_input: Sequence[int],
    from_hidden: Sequence[int],
    *_: Any,
    **__: Any,
) -> int:
    """The operations of an LSTM on a CPU, by the shapes of its input and its two matrices."""
    return 2 * math.prod(inputs_TBF[:2]) * (math.prod(from_input) + math.prod(from_hidden))


def _lstm_backward_flop(*shapes: Any, **named: Any) -> int:
    """Those of its backward pass: every product once for each of its two factors."""
    return 2 * _lstm_flop(*shapes, **named)


@contextmanager
def _as_when_scoring(net: LRCN) -> Iterator[None]:
    """Have the net in evaluation mode, in which a frame changes nothing in it."""
    was_training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(was_training)


def _own_flop(net: LRCN, counter: FlopCounterMode) -> dict[str, int]:
    """What each module has done itself, rather than through the modules in it, by its name."""
    counted = counter.get_flop_counts()

    def whole(name: str) -> int:
        return sum(counted.get(f"{type(net).__name__}.{name}", {}).values())

    def of_parts(name: str, module: nn.Module) -> int:
        parts = ((f"{name}.{part}", inner) for part, inner in module.named_children())
        # what only holds modules, as a ModuleDict does, is never called and has no count
        return sum(whole(part) or of_parts(part, inner) for part, inner in parts)

    return {
        name: whole(name) - of_parts(name, module) for name, module in net.named_modules() if name
    }


@contextmanager
def _noting_layers(net: LRCN, layers: list[Layer]) -> Iterator[None]:
    """Note the layers as a frame goes through them; their operations are not yet known."""
    hooks = [
        module.register_forward_hook(_noting(layers, name))
        for name, module in net.named_modules()
        if _is_layer(module) and not isinstance(module, nn.Identity | nn.Dropout)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


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
        layers.append(
            Layer(
                name=name,
                kind=type(module).__name__,
                shape=tuple(result.shape[axes_before:]),
                parameters=sum(value.numel() for value in module.parameters(recurse=False)),
                flop=0,
            )
        )

    return note
