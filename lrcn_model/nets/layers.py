"""The layers that a CNN's table can list, each a function that builds its modules.

A layer's table names its kind; the value of that name is what the kind can't do without:

| kind | value | others, with their defaults |
|---|---|---|
| `conv` | channels | `kernel` (3), `stride` (1), `padding` ("same"; or pixels), `groups` (1), \
`bias` (true), `batch_norm` (false), `pool` (1; the size of a max pooling), `activation` ("relu") |
| `depthwise` | size of the kernel | `stride` (1), `bias`, `batch_norm`, `activation` as `conv` |
| `residual` | a list of layers | `activation` ("relu", after the sum) |
| `pool` | width and height | `stride` (as `pool`), `kind` ("max" or "mean") |
| `global_pool` | "mean" or "max" | |
| `local_response_norm` | number of channels | `alpha` (1e-4), `beta` (0.75) |
| `fc` | number of units | `activation` ("relu"), `dropout` (as --dropout says) |

What a residual's layers give is added to what they were given, which goes through a convolution of
1x1 where its shape is another; the last of them has no activation unless it says one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.layer_values import LayerValues, Table
from lrcn_model.nets.same_padding import same_conv

Built: TypeAlias = "tuple[list[nn.Module], Shape]"

_ACTIVATIONS: dict[str, Callable[[], nn.Module] | None] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "silu": lambda: nn.SiLU(inplace=True),
    "none": None,
}
_RISING = ("relu", "relu6", "none")
"""Activations after which the largest of some numbers is that of the largest before."""


class NothingLeftError(Exception):
    """The frames are so small that a layer has nothing to give."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a layer gives for a frame.

    Attributes:
        channels: The number of channels.
        width: The width, in pixels.
        height: The height, in pixels.
        flat: Whether it is a row of numbers, one a channel.
    """

    channels: int
    width: int
    height: int
    flat: bool = False

    @property
    def numbers(self) -> int:
        """How many numbers it is in all."""
        return self.channels * self.width * self.height

    def under(self, kernel: int, stride: int, padding: int | None) -> Shape:
        """The places of a kernel on it; with a padding of None, one for every stride.

        Raises:
            NothingLeftError: There is no place.
        """

        def places(pixels: int) -> int:
            if padding is None:
                return -(-pixels // stride)
            return (pixels + 2 * padding - kernel) // stride + 1

        width, height = places(self.width), places(self.height)
        if min(width, height) < 1:
            raise NothingLeftError
        return replace(self, width=width, height=height)


class Residual(nn.Module):
    """The sum of what layers give and what they were given.

    Args:
        body: The layers.
        shortcut: What is done with their input before it is added.
        activation: What is done with the sum.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut, self.activation = body, shortcut, activation

    def forward(self, frames: Tensor) -> Tensor:
        """What layers and shortcut give together, (N, channels, height, width)."""
        given: Tensor = self.activation(self.body(frames) + self.shortcut(frames))
        return given


def build_layers(
    tables: Sequence[Table], shape: Shape, *, dropout: float, where: str, residual: bool = False
) -> Built:
    """The modules of some layers, and the shape that the last one gives.

    Args:
        tables: The layers' tables, in their order.
        shape: What the first one is given.
        dropout: The dropout of fully connected layers that don't say theirs.
        where: What the layers are of, for errors.
        residual: Whether they are those of a residual.

    Raises:
        UsageError: A table is wrong.
        NothingLeftError: The shape is too small for the layers.
    """
    modules: list[nn.Module] = []
    for number, table in enumerate(tables, 1):
        values = LayerValues(
            table,
            LAYERS,
            f"{where}: layer {number}",
            dropout=dropout,
            activation="none" if residual and number == len(tables) else "relu",
        )
        if shape.flat and values.kind != "fc":
            raise UsageError(f"{values.where} needs pictures; put it before every fc")
        built, shape = LAYERS[values.kind](values, shape)
        values.check_all_known()
        modules += built
    return modules, shape


def _conv(values: LayerValues, shape: Shape) -> Built:
    channels = values.whole("conv")
    groups = values.whole("groups", 1)
    if shape.channels % groups or channels % groups:
        wrong = f"a divisor of its {shape.channels} and {channels} channels"
        raise values.wrong("groups", wrong, groups)
    return _convolution(
        values, shape, channels, values.whole("kernel", 3), groups=groups, padding=values.padding()
    )


def _depthwise(values: LayerValues, shape: Shape) -> Built:
    kernel, channels = values.whole("depthwise"), shape.channels
    return _convolution(values, shape, channels, kernel, groups=channels, padding=None)


def _convolution(
    values: LayerValues,
    shape: Shape,
    channels: int,
    kernel: int,
    *,
    groups: int,
    padding: int | None,
) -> Built:
    stride, bias = values.whole("stride", 1), values.flag("bias", True)
    given = replace(shape.under(kernel, stride, padding), channels=channels)
    if padding is None:
        conv = same_conv(shape.channels, channels, kernel, stride=stride, groups=groups, bias=bias)
    else:
        conv = nn.Conv2d(
            shape.channels, channels, kernel, stride, padding, groups=groups, bias=bias
        )
    norm = [nn.BatchNorm2d(channels)] if values.flag("batch_norm", False) else []
    pool: list[nn.Module] = []
    size = values.whole("pool", 1) if values.kind == "conv" else 1
    if size > 1:
        pool = [nn.MaxPool2d(size)]
        given = given.under(size, size, 0)
    name = values.activation(list(_ACTIVATIONS))
    active = _activation(name)
    # first, where that is the same: the activation has fewer numbers to work on then
    after = [*pool, *active] if name in _RISING else [*active, *pool]
    return [conv, *norm, *after], given


def _residual(values: LayerValues, shape: Shape) -> Built:
    body, given = build_layers(
        values.layers("residual"), shape, dropout=0, where=values.where, residual=True
    )
    if given.flat:
        raise UsageError(f"{values.where} must give pictures; put fc after it")
    shortcut: nn.Module = nn.Identity()
    if given != shape:
        stride = max(-(-shape.width // given.width), -(-shape.height // given.height))
        if replace(shape.under(1, stride, None), channels=given.channels) != given:
            raise UsageError(
                f"{values.where} makes {shape.width}x{shape.height} pixels {given.width}x"
                f"{given.height}, which no stride does; give its layers padding and strides"
            )
        norms = any(isinstance(module, nn.BatchNorm2d) for module in body)
        conv = same_conv(shape.channels, given.channels, 1, stride=stride, bias=not norms)
        shortcut = nn.Sequential(conv, nn.BatchNorm2d(given.channels)) if norms else conv
    active = _activation(values.choice("activation", "relu", list(_ACTIVATIONS)))
    after = active[0] if active else nn.Identity()
    return [Residual(nn.Sequential(*body), shortcut, after)], given


def _pool(values: LayerValues, shape: Shape) -> Built:
    size = values.whole("pool")
    stride = values.whole("stride", size)
    pools = {"max": nn.MaxPool2d, "mean": nn.AvgPool2d}
    pool = pools[values.choice("kind", "max", list(pools))]
    return [pool(size, stride)], shape.under(size, stride, 0)


def _global_pool(values: LayerValues, shape: Shape) -> Built:
    pools = {"mean": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
    pool = pools[values.choice("global_pool", "", list(pools))]
    return [pool(1), nn.Flatten()], Shape(channels=shape.channels, width=1, height=1, flat=True)


def _local_response_norm(values: LayerValues, shape: Shape) -> Built:
    size = values.whole("local_response_norm")
    norm = nn.LocalResponseNorm(
        size, alpha=values.number("alpha", 1e-4), beta=values.number("beta", 0.75)
    )
    return [norm], shape


def _fc(values: LayerValues, shape: Shape) -> Built:
    units, name = values.whole("fc"), values.activation(list(_ACTIVATIONS))
    modules: list[nn.Module] = [] if shape.flat else [nn.Flatten()]
    modules += [nn.Linear(shape.numbers, units), *_activation(name)]
    modules.append(nn.Dropout(values.number("dropout", values.dropout)))
    return modules, Shape(channels=units, width=1, height=1, flat=True)


def _activation(name: str) -> list[nn.Module]:
    make = _ACTIVATIONS[name]
    return [make()] if make else []


LAYERS: dict[str, Callable[[LayerValues, Shape], Built]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "residual": _residual,
    "pool": _pool,
    "global_pool": _global_pool,
    "local_response_norm": _local_response_norm,
    "fc": _fc,
}
"""The kinds of layers by name, each a function that builds one."""
