"""All tables together: importing this completes the metadata."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from tidegate.store.tables import Base

for _module in pkgutil.iter_modules([str(Path(__file__).parent)]):
    if _module.name.endswith("_tables"):
        importlib.import_module(f"tidegate.store.{_module.name}")

__all__ = ["Base"]
