"""Malls that speak our small open protocol. It is specified in docs/connectors/generic.md."""

from __future__ import annotations

from tidegate_connectors.generic.connector import connect
from tidegate_connectors.generic.receiver import make_receiver

__all__ = ["connect", "make_receiver"]
