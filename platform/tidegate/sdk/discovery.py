"""Connectors that are installed, ours and third parties', by the entry points of `tidegate.connectors`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from tidegate.errors import ConfigError, NotFound
from tidegate.sdk.account import Account
from tidegate.sdk.capabilities import CAPABILITIES
from tidegate.sdk.manifest import Manifest, load_manifest

GROUP = "tidegate.connectors"


def installed() -> Mapping[str, EntryPoint]:
    """By name, in alphabetical order; looked for once, and again where Python looks for packages elsewhere."""
    return _installed(tuple(sys.path))


@lru_cache(
    maxsize=8
)  # a look reads every installed package's list, and calls to platforms ask for each
def _installed(_places: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return MappingProxyType({point.name: point for point in found})


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
