"""What a data set made from others says of how its clips were made, and which can't be joined."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from lrcn_data.errors import ShardError
from lrcn_data.format.agreement import disagreement
from lrcn_data.format.made_from import MadeFrom
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.recipe import sampling_differences
from lrcn_data.joining.stored_videos import StoredSet

_OF_FRAMES = ("frame_values", "plugins")
"""The options, beside the frame kind, that say what frames are of."""


def refuse_disagreement(stored: Sequence[StoredSet]) -> None:
    """Refuse data sets whose clips can't be in one data set.

    Raises:
        ShardError: There are such data sets; it names both, and both values.
    """
    first = stored[0]
    for other in stored[1:]:
        found = disagreement(first.manifest, other.manifest)
        for name in _OF_FRAMES:
            one, two = first.manifest.options.get(name), other.manifest.options.get(name)
            if one != two:
                found = found or f"{name} ({one or 'none'} and {two or 'none'})"
        sampled = sampling_differences(other.manifest.options, first.manifest.options)
        found = found or "; ".join(sampled)
        if found:
            raise ShardError(
                f"{first} and {other} differ in {found}, and can't be merged; make one of them anew"
                " with the options of the other"
            )


def common_values(every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values in which all agree, by name, in the order of the first."""
    first, *others = every
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }


def common_options(manifests: Sequence[Manifest]) -> dict[str, Any]:
    """The options in which data sets agree; `fps`, which may be written in two ways, as the first.

    Where they don't agree in an option, their clips were made in several ways, which one value
    can't say.
    """
    first = manifests[0]
    return common_values([{**one.options, "fps": first.options["fps"]} for one in manifests])


def count_option(manifest: Manifest, name: str) -> int | None:
    """An option that is a count from 1 on; None where a manifest says nothing of the kind."""
    value = manifest.options.get(name)
    return value if type(value) is int and value > 0 else None


def made_from(
    one: StoredSet,
    *,
    samples: int,
    left_out: int,
    options: Mapping[str, Any],
    tools: Mapping[str, str],
) -> MadeFrom:
    """What a manifest says of a data set that it was made from.

    Args:
        one: The data set.
        samples: The number of its samples that were taken.
        left_out: The number of those that were left out as another one has them.
        options: The options in which all data sets agree.
        tools: The tools in which all agree.
    """
    manifest = one.manifest
    tars = hashlib.sha256(b"".join(bytes.fromhex(entry.sha256) for entry in manifest.shards))
    return MadeFrom(
        fingerprint=manifest.latest_fingerprint,
        tars=tars.hexdigest(),
        samples=samples,
        left_out=left_out,
        options={n: v for n, v in manifest.options.items() if n not in options},
        tools={n: v for n, v in manifest.tools.items() if n not in tools},
    )
