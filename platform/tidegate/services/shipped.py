"""The data files that ship in rules/ beside the packs, read once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tidegate.simple_yaml import plain


@cache
def shipped_document(name: str) -> Mapping[str, Any]:
    """A YAML file of rules/tidegate_rules as plain data."""
    text = files("tidegate_rules").joinpath(name).read_text("utf-8")
    found: Mapping[str, Any] = plain(text)
    return found
