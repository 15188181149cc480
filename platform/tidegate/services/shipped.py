"""The data files that ship in rules/ beside the packs, read once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML


@cache
def shipped_document(name: str) -> Mapping[str, Any]:
    """A YAML file of rules/tidegate_rules as plain data."""
    text = files("tidegate_rules").joinpath(name).read_text("utf-8")
    found: Mapping[str, Any] = YAML(typ="safe", pure=True).load(text)
    return found
