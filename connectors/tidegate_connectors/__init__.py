"""Connectors: one folder each, found by manifest or entry point."""
