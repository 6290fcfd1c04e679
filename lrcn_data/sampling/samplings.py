"""Which samplings there are, and how one is made from the values of a command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.plugins import Kinds, is_plugin
from lrcn_data.sampling.sampling import Sampling

SAMPLINGS: Kinds[type[Sampling]] = Kinds(
    what="sampling",
    option="--sampling",
    built_in={
        "blocks": "lrcn_data.sampling.blocks:Blocks",
        "center": "lrcn_data.sampling.center:Center",
        "windows": "lrcn_data.sampling.windows:Windows",
    },
)

_OF_ANOTHER = "--{option} goes with --sampling {owner}, not {sampling}"


def make_sampling(name: str, values: Mapping[str, Any]) -> Sampling:
    """Make a sampling from its name and the values of a command line.

    Args:
        name: One of the names in `SAMPLINGS`, or `package.module:Class` of the caller's own.
        values: The values by the names of the samplings' fields. A value that the named sampling
            has no field for must be that of a built-in one, and its default.

    Raises:
        UsageError: There is no such sampling, or a value is out of range or of another sampling.
    """
    kind = _load(name)
    own = {f.name for f in fields(kind)}
    for option, value in values.items():
        if option not in own:
            _refuse_given(option, value, name)
    return kind(**{option: value for option, value in values.items() if option in own})


def name_of(sampling: Sampling) -> str:
    """The name by which a sampling is recorded, which is that of its kind."""
    kind = type(sampling)
    path = f"{kind.__module__}:{kind.__qualname__}"
    return next((name for name, defined in SAMPLINGS.built_in.items() if defined == path), path)


def describe_recorded(options: Mapping[str, Any]) -> str:
    """Say what a clip consists of, by the options in a manifest; no plug-in is imported.

    Args:
        options: The options as a data set's manifest has them.
    """
    name = options.get("sampling", "")
    if is_plugin(name):
        return f"sampled by {name}"
    if name not in SAMPLINGS.built_in:
        return "sampled from the video"
    kind = SAMPLINGS.load(name)
    return kind(**{f.name: options[f.name] for f in fields(kind) if f.name in options}).describe()


def _load(name: str) -> type[Sampling]:
    kind = SAMPLINGS.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Sampling)):
        raise UsageError(
            f"--sampling {name} is no sampling; name a class with the base"
            " lrcn_data.sampling.sampling:Sampling"
        )
    return kind


def _refuse_given(option: str, value: Any, sampling: str) -> None:
    """Refuse a value of another sampling's field, unless it is that field's default.

    Raises:
        UsageError: The value is not the default.
    """
    owner, of_owner = _owner(option)
    if value != of_owner.default:
        message = of_owner.metadata.get("elsewhere", _OF_ANOTHER)
        raise UsageError(message.format(option=option, value=value, owner=owner, sampling=sampling))


def _owner(option: str) -> tuple[str, Field[Any]]:
    """The name of the built-in sampling that has a field, and the field."""
    for name in SAMPLINGS.built_in:
        for of_kind in fields(SAMPLINGS.load(name)):
            if of_kind.name == option:
                return name, of_kind
    raise UsageError(f"no sampling has a value {option!r}")
