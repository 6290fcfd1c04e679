"""Which parameters are trained, and with which learning rate (--freeze, --part-lr)."""

from __future__ import annotations

from typing import Any

from torch import nn

from lrcn_data.errors import UsageError
from lrcn_data.printable import first_few
from lrcn_model.training.options import TrainOptions

LR_FACTOR = "lr_factor"
"""The name, in a group of the optimizer, of what the learning rate is multiplied by."""

_SHOWN = 8


def parameter_groups(net: nn.Module, options: TrainOptions) -> list[dict[str, Any]]:
    """The parameters that are trained, in a group for each learning rate.

    Args:
        net: The net; its frozen parameters don't require gradients.
        options: All values of the training.

    Returns:
        Groups as torch's optimizers take them. Those of --part-lr have the factor `LR_FACTOR`; the
        first group, of all other parameters, has none.

    Raises:
        UsageError: All parameters are frozen, or --part-lr names a part that the net doesn't have.
    """
    rates = options.part_rates()
    for part in rates:
        module_of(net, "--part-lr", part)
    groups: dict[str, list[nn.Parameter]] = {"": [], **{part: [] for part in rates}}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            within = [part for part in rates if name.startswith(f"{part}.")]
            groups[max(within, key=len, default="")].append(parameter)
    if not any(groups.values()):
        raise UsageError("--freeze leaves nothing to train; name fewer parts of the net")
    return [
        {"params": parameters, **({LR_FACTOR: rates[part] / options.lr} if part else {})}
        for part, parameters in groups.items()
        if parameters
    ]


def module_of(net: nn.Module, flag: str, part: str) -> nn.Module:
    """The module of a name, such as `cnn.blocks.0`.

    Raises:
        UsageError: The net has none of that name.
    """
    modules: dict[str, nn.Module] = dict(net.named_modules())
    if part in modules:
        return modules[part]
    within = part
    while within not in modules:
        within = within.rpartition(".")[0]
    there = [f"{within}.{name}".lstrip(".") for name, _ in modules[within].named_children()]
    raise UsageError(
        f"{flag} {part}: the net has no such module; of {within or 'the net'} it has"
        f" {first_few(there, _SHOWN) or 'none'}"
    )
