"""Beginning a training with a CNN that was trained elsewhere (--pretrained)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_data.printable import first_few
from lrcn_data.storage import locations
from lrcn_data.storage.folder import Folder
from lrcn_model.run_folder import WEIGHTS

LIBRARY = "library"
"""What --pretrained names for the weights that come with the CNN."""

_PREFIXES = ("", "net.cnn.", "cnn.", "module.", "model.", "backbone.", "encoder.", "net.")
"""What the names of a CNN's weights begin with where it is a part of something."""

_NESTED = ("state_dict", "model", "net", "model_state_dict")
"""Where files that have more than weights keep them."""

_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Pretrained:
    """What became of the weights that a CNN began with.

    Attributes:
        source: What --pretrained named.
        loaded: The tensors of the CNN that were loaded, by name, with their shapes.
        other_shape: Those whose shape is another one there: the shape here, and the shape there.
        missing: Those that are not there; they stay as they were drawn at random.
        unused: The tensors there that the CNN has no place for.
    """

    source: str
    loaded: dict[str, list[int]] = field(default_factory=dict)
    other_shape: dict[str, list[list[int]]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def note(self) -> str:
        """How much was loaded."""
        whole = len(self.loaded) + len(self.other_shape) + len(self.missing)
        left = f"; {len(self.unused)} there have no place in it" if self.unused else ""
        return f"{len(self.loaded)} of the CNN's {whole} tensors are from {self.source}{left}"

    def warnings(self) -> list[str]:
        """What was not loaded, a sentence for each reason."""
        said = []
        if self.other_shape:
            shapes = [
                f"{name} ({_shape(here)} here, {_shape(there)} there)"
                for name, (here, there) in self.other_shape.items()
            ]
            said.append(f"drawn at random, since shapes differ: {first_few(shapes, _SHOWN)}")
        if self.missing:
            said.append(
                f"drawn at random, since not in {self.source}: {first_few(self.missing, _SHOWN)}"
            )
        return said

    def as_record(self) -> dict[str, Any]:
        """All of it, as a run keeps it."""
        return asdict(self)


def load_pretrained(cnn: nn.Module, source: str, name: str) -> Pretrained:
    """Load weights into a CNN; what they don't have stays as it is.

    Args:
        cnn: The CNN; changed in place.
        source: "library" for the weights that come with the CNN, or a file: a run's folder or its
            weights, of which the CNN's are taken, safetensors, or a state dict of torch.
        name: The CNN's name, for error messages.

    Returns:
        What was loaded, and what was not.

    Raises:
        UsageError: There are no such weights, or they are those of another net.
    """
    there = _library_weights(cnn, name) if source == LIBRARY else _read(source)
    here = cnn.state_dict()
    there = _named_as(there, here)
    found = Pretrained(source=source)
    for tensor_name, tensor in here.items():
        if tensor_name not in there:
            # torch counts the batches of a batch norm since 2017 only; nothing depends on it
            if not tensor_name.endswith("num_batches_tracked"):
                found.missing.append(tensor_name)
        elif there[tensor_name].shape != tensor.shape:
            found.other_shape[tensor_name] = [list(tensor.shape), list(there[tensor_name].shape)]
        else:
            found.loaded[tensor_name] = list(tensor.shape)
    found.unused.extend(tensor_name for tensor_name in there if tensor_name not in here)
    if not found.loaded:
        raise UsageError(
            f"--pretrained {source} has nothing of --cnn {name}: it has"
            f" {first_few(list(there), 3)}, the CNN {first_few(list(here), 3)}; name weights of the"
            " same net"
        )
    with torch.no_grad():
        for tensor_name in found.loaded:
            here[tensor_name].copy_(there[tensor_name])
    return found


def _library_weights(cnn: nn.Module, name: str) -> dict[str, Tensor]:
    get = getattr(cnn, "library_weights", None)
    if get is None:
        raise UsageError(
            f"--pretrained {LIBRARY}: no weights come with --cnn {name}; name a run or a file with"
            " weights, or take a CNN such as lite0"
        )
    try:
        weights: dict[str, Tensor] = get()
    except UsageError:
        raise
    except Exception as error:
        # whatever a library raises that can't download
        raise UsageError(
            f"--pretrained {LIBRARY}: the weights of --cnn {name} can't be had ({error}); download"
            " them elsewhere, and name their file"
        ) from error
    return weights


def _read(source: str) -> dict[str, Tensor]:
    """The tensors of a file, by name.

    Raises:
        UsageError: There is none, or it has no tensors.
    """
    place = locations.normal_location(source)
    try:
        if locations.is_folder(place):
            place = locations.join(place, WEIGHTS)
        folder, name = locations.split_location(place)
        with Folder(folder).local_file(name) as path:
            tensors = _tensors_of(_load(path, name))
    except FileNotFoundError as error:
        raise UsageError(
            f"--pretrained {source}: there is no {place}; name a file with weights, a run, or"
            f" {LIBRARY}"
        ) from error
    except Exception as error:
        # safetensors, pickle, zip files and torch each raise their own
        raise UsageError(
            f"--pretrained {source}: {place} can't be read as weights ({error}); name a file of"
            " safetensors, or one that torch.save wrote with a state dict and nothing else"
        ) from error
    if not tensors:
        raise UsageError(f"--pretrained {source}: {place} has no tensors; name a file with weights")
    return tensors


def _load(path: Path, name: str) -> Any:
    if name.endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _tensors_of(content: Any) -> dict[str, Tensor]:
    """The tensors in what a file has, be it a state dict or one within a table."""
    if not isinstance(content, Mapping):
        return {}
    for name in _NESTED:
        if isinstance(content.get(name), Mapping):
            return _tensors_of(content[name])
    return {name: value for name, value in content.items() if isinstance(value, Tensor)}


def _named_as(there: Mapping[str, Tensor], here: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by the names that the CNN has for them: with another beginning, most of all fit."""

    def renamed(theirs: str, ours: str) -> dict[str, Tensor]:
        return {
            ours + name.removeprefix(theirs): value
            for name, value in there.items()
            if name.startswith(theirs)
        }

    ways = [renamed(theirs, ours) for theirs in _PREFIXES for ours in ("", "model.")]
    return max(ways, key=lambda names: len(names.keys() & here.keys()))


def _shape(shape: list[int]) -> str:
    return "x".join(str(length) for length in shape) or "a number"


def random_within(found: Pretrained, part: str) -> list[str]:
    """The tensors of a part of the CNN that stay as drawn at random.

    Args:
        found: What was loaded.
        part: The part's name within the net, such as `cnn` or `cnn.blocks.0`.
    """
    begins = part.removeprefix("cnn").removeprefix(".")
    names = [*found.missing, *found.other_shape]
    return [name for name in names if not begins or name.startswith(f"{begins}.")]
