"""Tidegate: order fulfilment decided by rules."""

__version__ = "0.1.0"
