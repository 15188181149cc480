"""A mall that speaks the open protocol of docs/connectors/generic.md: what a developer of a mall can compare with."""

from __future__ import annotations

from tidegate_platforms.generic.server import GenericServer

__all__ = ["GenericServer"]
