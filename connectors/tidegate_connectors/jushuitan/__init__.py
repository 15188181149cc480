"""Jushuitan's ERP through its open platform. See docs/connectors/jushuitan.md."""

from __future__ import annotations

from tidegate_connectors.jushuitan.connector import connect

__all__ = ["connect"]
