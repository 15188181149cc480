"""Marker: rule packs are data beside this file."""
