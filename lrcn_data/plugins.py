"""What comes in kinds: built-in ones in a table, and plug-ins of anybody's own, each by its name.

A kind is chosen by name on a command line, in a TOML file or from Python, and recorded by that
name. Any name of the form `package.module:attribute` is a plug-in's. A data set or a run that
records one can't have it imported: only a caller who names it does.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from lrcn_data.errors import UsageError

Kind = TypeVar("Kind")

_SEPARATOR = ":"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinds(Generic[Kind]):
    """A table of the kinds of one thing.

    Attributes:
        what: The thing that they are kinds of, as messages call it, such as "decoder".
        option: The command line's option that names one, such as `--decoder`.
        built_in: Where each built-in kind is defined, as `module:attribute`, by its name. The
            module is imported when the kind is first asked for.
        families: Where the kinds named `family:member` are defined, by the family's name; all
            members by one function, which is given the member's name before anything else.
    """

    what: str
    option: str
    built_in: Mapping[str, str]
    families: Mapping[str, str] = field(default_factory=dict)

    def check(self, name: str) -> str:
        """Check that a name can be that of a kind, and return it.

        Raises:
            UsageError: The name is neither that of a built-in kind nor of a plug-in's form.
        """
        if self._own(name) is None and not is_plugin(name):
            families = "".join(f" {family}:NAME," for family in self.families)
            raise UsageError(
                f"{self.option} must be one of {', '.join(self.built_in)},{families} or"
                f" package.module:name of your own, got {name!r}"
            )
        return name

    def is_plugin(self, name: str) -> bool:
        """Whether a name is that of a plug-in, and not of a kind that comes with lrcn."""
        return self._own(name) is None and is_plugin(name)

    def load(self, name: str) -> Kind:
        """Import the kind that a caller has named.

        Raises:
            UsageError: There is no kind of that name, or it can't be imported.
        """
        self.check(name)
        path = self._own(name)
        if path is None:
            find_in_current_folder()
        kind: Kind = _import(path or name, f"{self.option} {name}")
        member = self._member(name)
        return kind if member is None else cast(Kind, partial(cast(Any, kind), member))

    def load_recorded(self, name: str, source: str, plugins: Collection[str]) -> Kind:
        """Import the kind that a data set or a run has recorded.

        Args:
            name: The recorded name of the kind.
            source: The data set or run that has recorded it, for the error message.
            plugins: The names of the plug-ins that the caller allows; no others are imported.

        Raises:
            UsageError: The kind is a plug-in that the caller has not named, or it can't be
                imported.
        """
        if self.is_plugin(name) and name not in plugins:
            raise UsageError(
                f"{source} has the {self.what} {name!r}, a plug-in, which is imported only where"
                f" you name it; give {self.option} {name}"
            )
        return self.load(name)

    def _own(self, name: str) -> str | None:
        """Where a kind that comes with lrcn is defined; None for any other."""
        if self._member(name) is not None:
            return self.families[name.partition(_SEPARATOR)[0]]
        return self.built_in.get(name)

    def _member(self, name: str) -> str | None:
        """The member that a name names of a family; None for any other name."""
        family, _, member = name.partition(_SEPARATOR)
        return member if member and family in self.families else None


def is_plugin(name: str) -> bool:
    """Whether a name has the form of a plug-in's, `package.module:attribute`."""
    module, _, attribute = name.partition(_SEPARATOR)
    return all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))


def plugin_versions(named: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """The version of each plug-in among some kinds, by its name; built-in ones are left out.

    Args:
        named: The name of each kind, and the object that the name stands for.

    Raises:
        UsageError: A plug-in doesn't say its version.
    """
    return {name: _version(name, thing) for name, thing in named if is_plugin(name)}


def check_plugin_version(name: str, thing: Any, source: str, recorded: Mapping[str, str]) -> None:
    """Refuse a plug-in of another version than a data set or a run has recorded.

    Args:
        name: The name of a kind; a built-in one is never refused.
        thing: What it names.
        source: Who has recorded it, for the error.
        recorded: The version of each plug-in there, by its name.

    Raises:
        UsageError: It has another version now, or doesn't say which.
    """
    for plugin, version in plugin_versions([(name, thing)]).items():
        if recorded.get(plugin) != version:
            raise UsageError(
                f"{source} was made with version {recorded.get(plugin)} of {plugin}, which has"
                f" version {version} here; install that one, or make it anew with this one"
            )


def _version(name: str, thing: Any) -> str:
    """The plug-in's own `version`, or else the `__version__` of its module."""
    module = sys.modules[name.partition(_SEPARATOR)[0]]
    version = getattr(thing, "version", None) or getattr(module, "__version__", None)
    if version is None:
        raise UsageError(
            f"the plug-in {name} doesn't say its version, by which its results are told from"
            f' those of a later one; write __version__ = "1" into {module.__name__}'
        )
    return str(version)


def find_in_current_folder() -> None:
    """Make modules in the current folder importable, since plug-ins often lie there."""
    with suppress(FileNotFoundError):  # the folder may have been removed
        here = str(Path.cwd())
        if here not in sys.path:
            # last, so that no file there stands in for an installed module
            sys.path.append(here)


def _import(path: str, source: str) -> Any:
    module, _, attribute = path.partition(_SEPARATOR)
    try:
        found = import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{source}: {module} can't be imported ({error}); install it, or put its folder on"
            " PYTHONPATH"
        ) from error
    except Exception as error:
        # whatever somebody's module raises while it is imported
        raise UsageError(f"{source}: importing {module} raised {error!r}; mend it") from error
    try:
        return attrgetter(attribute)(found)
    except AttributeError as error:
        raise UsageError(f"{source}: {module} has no {attribute}; correct the name") from error
