"""Sandbox carrier: a waybill service of ours for demos and tests, and its connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_connectors.sandbox.connector import SandboxCarrier, make_carrier
from tidegate_connectors.sandbox.manifest import manifest
from tidegate_connectors.sandbox.server import RunningSandbox, start_server

__all__ = ["MANIFEST", "RunningSandbox", "SandboxCarrier", "make_carrier", "start_server"]

MANIFEST: Mapping[str, Any]


def __getattr__(name: str) -> Any:
    """`MANIFEST` is read when somebody asks for it: nothing happens at import."""
    if name != "MANIFEST":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return manifest()
