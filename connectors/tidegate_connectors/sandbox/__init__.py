"""Sandbox carrier: a waybill service of ours for demos and tests, and its connector."""

from __future__ import annotations

from tidegate_connectors.sandbox.connector import SandboxCarrier, make_carrier
from tidegate_connectors.sandbox.server import RunningSandbox, start_server

__all__ = ["RunningSandbox", "SandboxCarrier", "make_carrier", "start_server"]
