"""Paths into JSON documents: `a.b`, `a.0.b` (first of a list), `/a` (from the top, inside a line)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def find(document: Any, path: str) -> Any:
    """The value at a path, None where there is none."""
    found = document
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif _is_list(found) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def first(document: Any, top: Any, paths: Sequence[str]) -> Any:
    """The first value that says something; a path with `/` starts at `top`."""
    for path in paths:
        found = find(top, path[1:]) if path.startswith("/") else find(document, path)
        if found is not None and found != "":
            return found
    return None


def _is_list(found: Any) -> bool:
    return isinstance(found, Sequence) and not isinstance(found, str | bytes)
