"""Connectors that are installed, ours and third parties', by the entry points of `tidegate.connectors`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tidegate.errors import ConfigError, NotFound
from tidegate.sdk.account import Account
from tidegate.sdk.capabilities import CAPABILITIES
from tidegate.sdk.manifest import Manifest, load_manifest

GROUP = "tidegate.connectors"


def installed() -> Mapping[str, EntryPoint]:
    """By name, in alphabetical order."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda p: p.name)}


def entry_of(name: str) -> EntryPoint:
    """Raises NotFound with the names there are."""
    found = installed()
    if name not in found:
        known = ", ".join(found) or "-"
        raise NotFound(
            "connector.unknown",
            zh=f"没有名为 {name} 的连接器; 已安装: {known}。",
            en=f"There is no connector {name!r}; installed: {known}.",
            name=name,
        )
    return found[name]


def module_of(name: str) -> Any:
    """The connector's package. Raises NotFound."""
    return entry_of(name).load()


def manifest_of(name: str) -> Manifest:
    """Raises NotFound, ConfigError."""
    return load_manifest(entry_of(name).module)


def connect(account: Account) -> Any:
    """The connector at work for an account; it can do what its manifest says.

    Raises:
        ConfigError: a capability is declared and not there; the message names both.
    """
    name = account.manifest.id
    made = module_of(name).connect(account)
    missing = sorted(
        capability
        for capability in account.manifest.capabilities & CAPABILITIES.keys()
        if not isinstance(made, CAPABILITIES[capability])
    )
    if missing:
        raise ConfigError(
            "connector.incapable",
            zh=f"连接器 {name} 声明了 {', '.join(missing)}, 但没有实现。",
            en=f"The connector {name} declares {', '.join(missing)} and does not have it.",
            name=name,
        )
    return made
