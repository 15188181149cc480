"""Sandbox carrier: a waybill service of ours for demos and tests, and its connector."""

from __future__ import annotations

from tidegate_connectors.sandbox.connector import SandboxCarrier, make_carrier
from tidegate_connectors.sandbox.receiver import SandboxReceiver, make_receiver
from tidegate_connectors.sandbox.server import RunningSandbox, start_server

__all__ = [
    "RunningSandbox",
    "SandboxCarrier",
    "SandboxReceiver",
    "make_carrier",
    "make_receiver",
    "start_server",
]
