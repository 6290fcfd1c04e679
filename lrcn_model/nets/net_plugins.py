"""Which parts of a net are plug-ins, of which version, and whether they may be imported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lrcn_data.plugins import check_plugin_version, plugin_versions
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.heads import HEADS
from lrcn_model.nets.net_config import NetConfig


def net_plugins(config: NetConfig) -> dict[str, str]:
    """The version of each plug-in of a net, by the plug-in's name; built-in parts have none.

    Raises:
        UsageError: A part can't be imported, or doesn't say its version.
    """
    return plugin_versions(_plugins(config))


def check_named(config: NetConfig, source: str, plugins: Collection[str]) -> None:
    """Make sure that the caller has named the plug-ins of a net that a run has recorded.

    Args:
        config: The net's config.
        source: The run's name, for error messages.
        plugins: The names of the plug-ins that the caller has named.

    Raises:
        UsageError: A part is a plug-in that the caller has not named, or it can't be imported.
    """
    CNNS.load_recorded(config.cnn.name, source, plugins)
    HEADS.load_recorded(config.head.name, source, plugins)


def check_versions(config: NetConfig, source: str, recorded: Mapping[str, str]) -> None:
    """Make sure that the plug-ins of a net are those that a run was trained with.

    Args:
        config: The net's config.
        source: The run's name, for error messages.
        recorded: The version of each plug-in that the run has recorded, by the plug-in's name.

    Raises:
        UsageError: A plug-in has another version now.
    """
    for name, thing in _plugins(config):
        check_plugin_version(name, thing, source, recorded)


def _plugins(config: NetConfig) -> list[tuple[str, Any]]:
    """The name of each plug-in of a net, and what it names."""
    return [
        (part.name, kinds.load(part.name))
        for kinds, part in ((CNNS, config.cnn), (HEADS, config.head))
        if kinds.is_plugin(part.name)
    ]
