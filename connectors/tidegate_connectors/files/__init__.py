"""Orders from files (CSV, TSV, XLSX, JSON lines), each column explained by a mapping file."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.sdk.source import OrderSource
from tidegate_connectors.files.mapping import load_mapping, shipped
from tidegate_connectors.files.sheets import reader as sheet_reader
from tidegate_connectors.files.source import FileSource


def open_source(paths: Sequence[str], mapping: str, *, shop: str | None = None) -> OrderSource:
    """A source over `paths` (`-` is standard input) with a shipped mapping's id or the path of one.

    `shop` overrides the mapping's shop for every order. Nothing is read yet.

    Raises:
        ConfigError: the mapping is unknown or not valid.
    """
    return FileSource(paths, load_mapping(mapping), shop)


__all__ = ["load_mapping", "open_source", "sheet_reader", "shipped"]
